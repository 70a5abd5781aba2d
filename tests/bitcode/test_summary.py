"""A summary says what llvm-dis, llvm-nm and llvmlite say; damaged bitcode is refused in one line."""

from __future__ import annotations

import random
import re
import struct

import llvmlite.binding as llvm
import pytest

from bfimg.bitcode import BitcodeSummary, FunctionSummary, GlobalSummary, summarise
from bfimg.errors import FormatError
from tests.effort import counted

LINKAGE_WORDS = {
    "appending",
    "available_externally",
    "common",
    "extern_weak",
    "external",
    "internal",
    "linkonce",
    "linkonce_odr",
    "private",
    "weak",
    "weak_odr",
}
CALLING_CONVENTIONS = {"fastcc": 8, "coldcc": 9, "x86_stdcallcc": 64, "cc1000": 1000}
LLVMLITE_LINKAGES = {"weak_any": "weak", "linkonce_any": "linkonce", "external_weak": "extern_weak"}

# Without pointers in signatures, so that LLVM 14 and LLVM 22 both read it.
ASSEMBLY = r"""
source_filename = "by hand"
target datalayout = "e-m:e-p:32:32-n8:16:32-S128"
target triple = "i686-unknown-none-elf"

@variable = global i32 1
@constant = constant i32 2
@imported = external global i32
@imported_constant = external constant i32
@maybe = extern_weak global i32
@own = internal global i32 3
@hidden_name = private constant i32 4
@tentative = common global i32 0
@weak_variable = weak global i32 5
@per_thread = internal thread_local global i32 6
@"name with \22quotes\22 and \C3\A9" = global i32 7

define void @plain() { ret void }
declare void @imported_function()
declare extern_weak void @maybe_function()
define internal fastcc void @own_function() { ret void }
define weak void @weak_function() { ret void }
define weak_odr void @weak_odr_function() { ret void }
define linkonce void @linkonce_function() { ret void }
define linkonce_odr void @linkonce_odr_function() { ret void }
define private coldcc void @private_function() { ret void }
define available_externally void @elsewhere() { ret void }
define x86_stdcallcc void @stdcall() { ret void }
define cc 1000 void @numbered_convention() { call void @imported_function() ret void }
"""


@pytest.fixture(scope="module")
def assembled(tool, tmp_path_factory):
    """ASSEMBLY as a bitcode file, by llvm-as."""
    folder = tmp_path_factory.mktemp("assembly")
    (folder / "hand.ll").write_text(ASSEMBLY)
    tool("llvm-as", folder / "hand.ll", "-o", folder / "hand.bc")
    return folder / "hand.bc"


@pytest.fixture(scope="module")
def small(assembled):
    return assembled.read_bytes()


def disassembled(tool, path):
    """What llvm-dis says: (triple, data layout, source file name, functions, globals)."""
    text = tool("llvm-dis", "-o", "-", path).decode("utf-8")
    heads = [
        re.search(pattern, text, re.MULTILINE)[1]
        for pattern in (
            r'^target triple = "(.*)"$',
            r'^target datalayout = "(.*)"$',
            r'^source_filename = "(.*)"$',
        )
    ]
    functions, variables = [], []
    for line in text.splitlines():
        if match := re.match(r'(define|declare) ([^@]*)@("[^"]*"|[\w.$-]+)\(', line):
            words = match[2].split()
            conventions = [CALLING_CONVENTIONS[word] for word in words if word in CALLING_CONVENTIONS]
            functions.append(
                FunctionSummary(
                    name=unquoted(match[3]),
                    is_declaration=match[1] == "declare",
                    linkage=linkage_of(words),
                    calling_convention=conventions[0] if conventions else 0,
                )
            )
        elif match := re.match(r'@("[^"]*"|[\w.$-]+) = (.*?)\b(global|constant) ', line):
            words = match[2].split()
            variables.append(
                GlobalSummary(
                    name=unquoted(match[1]),
                    is_declaration=bool({"external", "extern_weak"} & set(words)),
                    linkage=linkage_of(words),
                    is_constant=match[3] == "constant",
                )
            )
    return (*heads, tuple(functions), tuple(variables))


def linkage_of(words):
    return next((word for word in words if word in LINKAGE_WORDS), "external")


def unquoted(name):
    data = re.sub(rb"\\([0-9A-F]{2})", lambda code: bytes([int(code[1], 16)]), name.strip('"').encode())
    return data.decode()


def contents(summary):
    return (
        summary.triple,
        summary.data_layout,
        summary.source_filename,
        summary.functions,
        summary.globals,
    )


def symbols(tool, path):
    """(name, is undefined, is global) of each symbol that llvm-nm lists."""
    lines = tool("llvm-nm", "--format=posix", path).decode().splitlines()
    listed = (re.fullmatch(r"(.*) (\w) [-0]+ 0", line).groups() for line in lines)
    return {(name, kind in "Uw", kind.isupper() or kind == "w") for name, kind in listed}


def check_against_nm(summary, tool, path):
    """llvm-nm lists no private symbols and none of LLVM's own; available_externally counts as undefined."""
    expected = {
        (
            symbol.name,
            symbol.is_declaration or symbol.linkage == "available_externally",
            symbol.linkage != "internal",
        )
        for symbol in (*summary.functions, *summary.globals)
        if symbol.linkage != "private" and not symbol.name.startswith("llvm.")
    }
    assert symbols(tool, path) == expected


def test_clangs_bitcode_as_llvm_dis_reads_it(compiled, tool):
    summary = summarise(compiled.read_bytes())
    assert contents(summary) == disassembled(tool, compiled)
    assert {"entry", "imported", "weak_function"} <= {function.name for function in summary.functions}
    assert (summary.offset, summary.size) == (0, compiled.stat().st_size)


def test_clangs_bitcode_as_llvm_nm_reads_it(compiled, tool):
    check_against_nm(summarise(compiled.read_bytes()), tool, compiled)


def test_every_linkage_and_convention_as_llvm_dis_reads_it(assembled, small, tool):
    summary = summarise(small)
    assert contents(summary) == disassembled(tool, assembled)
    assert len(summary.functions) == 12
    assert len(summary.globals) == 11


def test_every_linkage_as_llvm_nm_reads_it(assembled, small, tool):
    check_against_nm(summarise(small), tool, assembled)


def test_producer_and_epoch_as_llvm_bcanalyzer_reads_them(assembled, small, tool):
    dump = tool("llvm-bcanalyzer", "-dump", assembled).decode()
    summary = summarise(small)
    assert summary.producer == re.search(r"<STRING .*record string = '(.*)'", dump)[1]
    assert summary.epoch == int(re.search(r"<EPOCH .*op0=(\d+)", dump)[1])


def test_newer_bitcode_as_llvmlite_reads_it():
    module = llvm.parse_assembly(ASSEMBLY)
    summary = summarise(module.as_bitcode())
    major, minor, patch = llvm.llvm_version_info
    assert summary.producer == f"LLVM{major}.{minor}.{patch}"
    assert (summary.triple, summary.data_layout) == (module.triple, module.data_layout)
    assert summary.source_filename == module.source_file
    for found, expected in (
        (summary.functions, module.functions),
        (summary.globals, module.global_variables),
    ):
        assert [(s.name, s.is_declaration, s.linkage) for s in found] == [
            (v.name, v.is_declaration, LLVMLITE_LINKAGES.get(v.linkage.name, v.linkage.name)) for v in expected
        ]
    assert [variable.is_constant for variable in summary.globals] == [
        " constant " in str(variable) for variable in module.global_variables
    ]


def test_the_wrapper_that_clang_writes_for_apple_targets(compile_c, tool):
    path = compile_c("--target=i386-apple-macosx10.7")
    data = path.read_bytes()
    summary = summarise(data)
    assert contents(summary) == disassembled(tool, path)
    assert (summary.offset, summary.size) == struct.unpack_from("<II", data, 8)
    assert data[summary.offset :].startswith(b"BC")


def wrapped(data, *, offset=128, size=None):
    header = struct.pack("<IIIII", 0x0B17C0DE, 0, offset, len(data) if size is None else size, 7)
    return header.ljust(128, b"\xaa") + data


def test_a_wrapper_of_128_bytes_with_something_behind_the_bitcode(small):
    summary = summarise(wrapped(small) + b"pattern program")
    assert contents(summary) == contents(summarise(small))
    assert (summary.offset, summary.size) == (128, len(small))


@pytest.mark.parametrize("options", [[], ["-b"]], ids=["one string table", "a string table each"])
def test_of_several_modules_the_first(assembled, compiled, tool, tmp_path, options):
    both = tmp_path / "both.bc"
    tool("llvm-cat", *options, compiled, assembled, "-o", both)
    assert contents(summarise(both.read_bytes())) == contents(summarise(compiled.read_bytes()))


def test_a_module_that_says_nothing_of_itself(tool, tmp_path):
    (tmp_path / "empty.ll").write_text("")
    tool("llvm-as", tmp_path / "empty.ll", "-o", tmp_path / "empty.bc")
    summary = summarise((tmp_path / "empty.bc").read_bytes())
    assert (summary.triple, summary.data_layout, summary.functions, summary.globals) == ("", "", (), ())


def test_function_bodies_are_not_read(compiled):
    """Bodies follow the constants of the module; its length words alone lead past them."""
    data = bytearray(compiled.read_bytes())
    before = summarise(bytes(data))
    bodies = 0
    for offset in range(4, len(data) - 8, 4):
        # ENTER_SUBBLOCK in a module (ids of 3 bits): block 12 with ids of 4 bits
        if int.from_bytes(data[offset : offset + 4], "little") == 1 | 12 << 3 | 4 << 11:
            length = int.from_bytes(data[offset + 4 : offset + 8], "little") * 4
            data[offset + 8 : offset + 8 + length] = b"\xff" * length
            bodies += 1
    assert bodies >= 1
    assert summarise(bytes(data)) == before


def module_stream(writer, *, version=2, function=(0, 4, 0, 0, 0, 0), triple=b"", strtab=b"main"):
    """A bitcode file of one function, with what is wrong with it."""
    with writer.block(13):
        writer.record(1, *b"by hand")
        writer.record(2, 0)
    with writer.block(8):
        if version is not None:
            writer.record(1, version)
        writer.record(2, *triple)
        if function is not None:
            writer.record(8, *function)
    if strtab is not None:
        with writer.block(23):
            writer.define(("literal", 1), "blob")
            writer.fixed(4, 3)
            writer.blob(strtab)
    return writer.to_bytes()


def test_a_module_by_hand(writer):
    """So that the refusals below are for what they change."""
    data = module_stream(writer)
    assert summarise(data) == BitcodeSummary(
        producer="by hand",
        epoch=0,
        triple="",
        data_layout="",
        source_filename="",
        functions=(FunctionSummary("main", False, "external", 0),),
        globals=(),
        offset=0,
        size=len(data),
    )


def test_a_linkage_that_llvm_may_yet_add_is_external(writer):
    [function] = summarise(module_stream(writer, function=(0, 4, 0, 0, 1, 99))).functions
    assert (function.linkage, function.is_declaration) == ("external", True)


def test_a_name_that_is_not_utf8_can_be_printed(writer):
    [function] = summarise(module_stream(writer, strtab=b"m\xffin")).functions
    assert function.name == r"m\xffin"


REFUSALS = {
    "old": ({"version": 1}, "module version is 1", "module.version"),
    "old, with records that are shorter": (
        {"version": 1, "function": (0,)},
        "version is 1",
        "module.version",
    ),
    "oldest": ({"version": None}, "module version is 0", "module.version"),
    "newer": ({"version": 3}, "module version is 3", "module.version"),
    "short function record": ({"function": (0, 4, 0)}, "3 operands, at least 6", "module.function"),
    "name outside the table": (
        {"function": (1, 4, 0, 0, 0, 0)},
        "1 to 5 of a string table of 4",
        "module.function",
    ),
    "triple of no bytes": ({"triple": (105, 256)}, "no byte", "module.triple"),
    "no string table": ({"strtab": None}, "no string table behind the module", None),
}


@pytest.mark.parametrize("change, message, field", REFUSALS.values(), ids=REFUSALS)
def test_refuses_a_module_that_is(writer, change, message, field):
    data = module_stream(writer, **change)
    with pytest.raises(FormatError, match=message) as caught:
        summarise(data, path="module.bc")
    error = caught.value
    assert (error.path, error.field) == ("module.bc", field)
    assert 4 <= error.offset <= len(data)
    assert error.hint


def test_offsets_in_errors_count_from_the_start_of_a_wrapped_file(writer):
    data = module_stream(writer, version=1)
    with pytest.raises(FormatError) as raw:
        summarise(data)
    with pytest.raises(FormatError) as behind_header:
        summarise(wrapped(data))
    assert behind_header.value.offset == raw.value.offset + 128


def test_many_functions_cannot_each_have_the_whole_string_table(writer):
    with writer.block(13):
        writer.record(1)
    with writer.block(8):
        writer.record(1, 2)
        for _ in range(3):
            writer.record(8, 0, 400, 0, 0, 0, 0)
    with writer.block(23):
        writer.define(("literal", 1), "blob")
        writer.fixed(4, 3)
        writer.blob(b"n" * 1000)
    with pytest.raises(FormatError, match="names overlap"):
        summarise(writer.to_bytes())


def test_refuses_bitcode_without_a_module(writer):
    with writer.block(13):
        writer.record(1)
    with pytest.raises(FormatError, match="no module in the bitcode"):
        summarise(writer.to_bytes())


def test_refuses_a_module_of_unknown_producer(writer):
    with writer.block(8):
        writer.record(1, 2)
    with pytest.raises(FormatError, match="no identification block"):
        summarise(writer.to_bytes())


@pytest.mark.parametrize("data", [b"", b"BC", b"\x7fELF....", b"; ModuleID = 'x'", bytes(4096), b"LLBC" + bytes(124)])
def test_refuses_what_is_no_bitcode(data):
    with pytest.raises(FormatError, match="not LLVM bitcode") as caught:
        summarise(data)
    assert caught.value.offset == 0


@pytest.mark.parametrize("change", [{"offset": 0x7FFFFFFF}, {"offset": 129}, {"size": 0xFFFFFFFF}])
def test_refuses_a_wrapper_that_points_outside_the_file(small, change):
    with pytest.raises(FormatError, match="wrapped bitcode ends at") as caught:
        summarise(wrapped(small, **change))
    assert caught.value.offset == 8


@pytest.mark.parametrize("change", [{"offset": 0}, {"offset": 64}, {"size": 0}, {"size": 3}])
def test_refuses_a_wrapper_that_points_to_something_else(small, change):
    with pytest.raises(FormatError, match="not LLVM bitcode"):
        summarise(wrapped(small, **change))


def test_refuses_half_a_wrapper_header():
    with pytest.raises(FormatError, match="truncated"):
        summarise(wrapped(b"")[:19])


def in_few_calls(data):
    """The summary, or None when it is refused: nothing else may happen, and not after many calls."""
    with counted() as effort:
        try:
            return summarise(data)
        except FormatError as error:
            assert error.offset is not None
            assert 0 <= error.offset <= len(data)
            assert "\n" not in str(error)
            return None
        finally:
            assert effort.calls < 20_000


def test_refuses_a_file_cut_at_any_byte(small):
    assert [size for size in range(len(small)) if in_few_calls(small[:size]) is not None] == []


def test_survives_flipped_bits(small):
    """Single flips, and ten at once, all over the file; the seed makes each failure repeatable."""
    chance = random.Random(14)
    refused = 0
    for count in [1] * 1500 + [10] * 500:
        data = bytearray(small)
        for _ in range(count):
            bit = chance.randrange(len(data) * 8)
            data[bit // 8] ^= 1 << bit % 8
        refused += in_few_calls(bytes(data)) is None
    assert 200 < refused < 2000


def test_survives_random_blocks(small):
    """Random words behind a sound beginning reach deeper into the reader than random files do."""
    chance = random.Random(22)
    for _ in range(500):
        keep = chance.randrange(4, len(small), 4)
        in_few_calls(small[:keep] + chance.randbytes(len(small) - keep))
