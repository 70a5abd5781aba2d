"""The bitstream reader reads what LLVM and the specification say is there, and refuses anything else."""

from __future__ import annotations

import re
import struct

import llvmlite.binding as llvm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bfimg.bitcode.bitstream import Bitstream, Block
from bfimg.errors import FormatError
from tests.effort import counted

BLOCK = 8


def walk(stream, block):
    """(block id or None, code, operands) of every record below a block, as llvm-bcanalyzer prints them."""
    for item in stream.items(block):
        if isinstance(item, Block):
            yield "block", item.block_id
            yield from walk(stream, item)
        else:
            yield item.code, item.operands


def analysed(tool, path):
    """What llvm-bcanalyzer says `walk` should find. BLOCKINFO it prints as one empty element."""
    dump = tool("llvm-bcanalyzer", "-dump", "-non-symbolic", path).decode("utf-8", "replace")
    for line in dump.splitlines():
        if begin := re.match(r" *<(?:UnknownBlock(\d+)|\w+ BlockID=(\d+)) NumWords=", line):
            yield "block", int(begin[1] or begin[2])
        elif record := re.match(r" *<(?:UnknownCode(\d+)|\w+ codeid=(\d+))((?: \w+=\d+)*)[ />]", line):
            operands = [int(value) for value in re.findall(r" op\d+=(\d+)", record[3])]
            yield int(record[1] or record[2]), operands


def single_block(writer, fill):
    """The items of a stream with one block, which `fill` writes."""
    with writer.block(BLOCK):
        fill(writer)
    stream = Bitstream(writer.to_bytes())
    [block] = stream.items(stream.top)
    return list(stream.items(block))


def test_reads_every_record_of_clangs_files_as_llvm_bcanalyzer_does(compiled, tool):
    stream = Bitstream(compiled.read_bytes())
    found = list(walk(stream, stream.top))
    assert len(found) > 100
    assert found == list(analysed(tool, compiled))


def test_reads_every_record_of_a_newer_llvm_as_llvm_bcanalyzer_does(compiled, tool, tmp_path):
    data = llvm.parse_bitcode(compiled.read_bytes()).as_bitcode()
    path = tmp_path / "newer.bc"
    path.write_bytes(data)
    stream = Bitstream(data)
    assert list(walk(stream, stream.top)) == list(analysed(tool, path))


@given(operands=st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 40), max_size=80))
@settings(max_examples=60)
def test_unabbreviated_operands_of_up_to_64_bits(new_writer, operands):
    [record] = single_block(new_writer(), lambda w: w.record(9, *operands))
    assert (record.code, record.operands, record.blob) == (9, operands, None)


def test_abbreviated_operands(writer):
    def fill(w):
        w.define(("fixed", 4), ("literal", 300), ("fixed", 0), ("vbr", 6), "char6", "array", ("fixed", 7))
        w.fixed(4, 3)
        w.fixed(11, 4)
        w.vbr(1000, 6)
        w.fixed(63, 6)
        w.vbr(2, 6)
        w.fixed(65, 7)
        w.fixed(66, 7)

    [record] = single_block(writer, fill)
    assert (record.code, record.operands) == (11, [300, 0, 1000, ord("_"), 65, 66])


def test_a_blob_is_aligned_on_both_sides(writer):
    def fill(w):
        w.define(("literal", 1), "blob")
        w.fixed(4, 3)
        w.blob(b"names")
        w.record(2, 5)

    blob, after = single_block(writer, fill)
    assert (blob.code, blob.operands, blob.blob) == (1, [], b"names")
    assert (after.code, after.operands) == (2, [5])


def test_blockinfo_abbreviations_come_before_a_blocks_own(writer):
    with writer.block(0):
        writer.record(1, BLOCK)
        writer.define(("literal", 21))
        writer.record(2, *b"name of the block")
    with writer.block(BLOCK):
        writer.define(("literal", 22))
        writer.fixed(4, 3)
        writer.fixed(5, 3)
    stream = Bitstream(writer.to_bytes())
    [block] = stream.items(stream.top)
    assert [record.code for record in stream.items(block)] == [21, 22]


def test_an_abbreviation_holds_in_its_own_block_only(writer):
    with writer.block(BLOCK):
        writer.define(("literal", 1))
    with writer.block(BLOCK):
        writer.fixed(4, 3)
    stream = Bitstream(writer.to_bytes())
    first, second = stream.items(stream.top)
    assert list(stream.items(first)) == []
    with pytest.raises(FormatError, match="abbreviation 4, which is not defined"):
        list(stream.items(second))


def test_a_nested_block_is_skipped_without_being_decoded(writer):
    def fill(w):
        with w.block(12, outer_width=3):
            w.bits += [1] * 3200
        w.record(7)

    nested, record = single_block(writer, fill)
    assert (nested.block_id, record.code) == (12, 7)


def test_deep_nesting_needs_no_stack():
    levels = 5_000
    words = [0xDEC04342]
    for level in range(levels, 0, -1):
        enter_block_8_with_ids_of_2_bits = 1 | 8 << 2 | 2 << 10
        words += [enter_block_8_with_ids_of_2_bits, 3 * level - 2]
    words += [0] * levels  # the ends of the blocks
    stream = Bitstream(struct.pack(f"<{len(words)}I", *words))
    depth, inside = 0, list(stream.items(stream.top))
    while inside:
        depth, inside = depth + 1, list(stream.items(*inside))
    assert depth == levels


def enter(writer, *, width, words):
    """The head of a block alone."""
    writer.fixed(1, 3)
    writer.vbr(9, 8)
    writer.vbr(width, 4)
    writer.align32()
    writer.fixed(words, 32)


DAMAGED_BLOCKS = {
    "array of arrays": (lambda w: w.define(("literal", 1), "array", "array"), "not last"),
    "array without element": (lambda w: w.define(("literal", 1), "array"), "no element type"),
    "array of nothing": (lambda w: w.define(("literal", 1), "array", ("fixed", 0)), "no element type"),
    "array first": (lambda w: w.define("array", ("fixed", 1)), "begins with an array"),
    "blob not last": (lambda w: w.define(("literal", 1), "blob", ("fixed", 1)), "not last"),
    "no operand": (lambda w: w.define(), "abbreviation of 0 operands"),
    "many operands": (lambda w: w.define(*[("literal", 1)] * 65), "abbreviation of 65 operands"),
    "many abbreviations": (lambda w: [w.define(("literal", 1)) for _ in range(1025)], "more than 1024"),
    "wide field": (lambda w: w.define(("fixed", 65)), "impossible width of 65"),
    "endless field": (lambda w: w.define(("vbr", 1)), "impossible width of 1"),
    "integer over 64 bits": (lambda w: w.record(1, 2**64), "exceeds 64 bits"),
    "integer of many chunks": (lambda w: w.record(1, 2**90), "exceeds 64 bits"),
    "operands that are not there": (
        lambda w: (w.fixed(3, 3), w.vbr(1, 6), w.vbr(150, 6)),
        "hold more|are wanted",
    ),
    "operands without number": (lambda w: (w.fixed(3, 3), w.vbr(1, 6), w.vbr(2**40, 6)), "more than 1048576"),
    "blob that is not there": (
        lambda w: (w.define(("literal", 1), "blob"), w.fixed(4, 3), w.vbr(2**40, 6)),
        "blob of 1099511627776 bytes",
    ),
    "unknown encoding": (lambda w: (w.fixed(2, 3), w.vbr(1, 5), w.fixed(0, 1), w.fixed(7, 3)), "encoding 7"),
    "early end": (lambda w: (w.fixed(0, 3), w.align32(), w.record(1), w.align32()), "bytes early"),
    "block of wide ids": (lambda w: enter(w, width=33, words=0), "ids of 33 bits"),
    "block of no ids": (lambda w: enter(w, width=0, words=0), "ids of 0 bits"),
    "block that is longer than its parent": (
        lambda w: enter(w, width=3, words=1000),
        "block 9 is 4000 bytes long, but only 4 are left",
    ),
}


@pytest.mark.parametrize("fill, message", DAMAGED_BLOCKS.values(), ids=DAMAGED_BLOCKS)
def test_refuses_a_damaged_block(writer, fill, message):
    with pytest.raises(FormatError, match=message) as caught:
        single_block(writer, fill)
    assert 8 <= caught.value.offset <= len(writer.to_bytes())
    assert caught.value.hint


def test_refuses_blockinfo_without_a_block(writer):
    with writer.block(0):
        writer.define(("literal", 1))
    stream = Bitstream(writer.to_bytes())
    with pytest.raises(FormatError, match="before it names a block"):
        list(stream.items(stream.top))


def test_refuses_a_record_outside_all_blocks(writer):
    writer.record(1, width=2)
    stream = Bitstream(writer.to_bytes())
    with pytest.raises(FormatError, match="outside all blocks"):
        list(stream.items(stream.top))


@pytest.mark.parametrize("size", [0, 1, 3, 5, 7])
def test_refuses_a_stream_that_is_no_whole_number_of_words(size):
    with pytest.raises(FormatError, match="whole number of 32-bit words"):
        Bitstream(b"BC\xc0\xde...."[:size])


def test_an_error_names_the_file_and_the_byte_in_it(writer):
    writer.record(1, width=2)
    stream = Bitstream(writer.to_bytes(), base=128, path="module.bc")
    with pytest.raises(FormatError) as caught:
        list(stream.items(stream.top))
    assert (caught.value.path, caught.value.offset) == ("module.bc", 128 + 4)


def test_records_that_cost_no_bits_do_not_take_forever(writer):
    """Two bits a record, 64 operands each: 1 MiB would come to 268 million operands."""
    with writer.block(BLOCK, width=3):
        writer.define(*[("literal", 1)] * 64)
        writer.bits += [0, 0, 1] * 32 * 1000
    data = writer.to_bytes()
    stream = Bitstream(data)
    [block] = stream.items(stream.top)
    with counted() as effort, pytest.raises(FormatError, match="more than a file of this size can"):
        list(stream.items(block))
    assert effort.calls < 300_000
