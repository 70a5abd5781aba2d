"""Module files that are wrong: each is reported by name and reason, never run, and the good one beside it runs."""

import pytest

from bfimg.bitcode import summarise
from bfimg.formats.bitcode_module import BitcodeHeader, LegacyBitcodeHeader, LegacyPackedBitcodeHeader
from bfimg.formats.llvm_wrapper import LlvmWrapperHeader
from bfimg.formats.memory_map import memory_region
from bfimg.module.wrap import wrap_bitcode

GOOD = "SUM.MOD"
RETURN = b"\xc3"


@pytest.fixture
def bitcode(repository):
    """Raw bitcode."""
    data = (repository / "samples" / "sha256.bc").read_bytes()
    assert summarise(data).offset == 0
    return data


@pytest.fixture
def run_with(slave_run, module_files, programs):
    """Function that boots with one file and the good module, and gives the run and the event of that file."""

    def run(name, data, exit_value):
        result = slave_run({name: data, GOOD: module_files["sum"]})
        assert result.module(GOOD)["answer"] == programs["sum"].answer
        assert result.only("done")["passed"] == 1
        assert result.report.exit_value == exit_value
        return result, result.module(name)

    return run


def refused(run_with, name, data, reason):
    run, event = run_with(name, data, "FAILED")
    assert (event["status"], event["reason"]) == ("invalid", reason)
    assert "answer" not in event
    assert run.only("done")["invalid"] == 1
    assert run.report.reason == f"1 of 2 modules invalid: {event['name'] or f'/{name}'}"


def test_module_of_27_bytes(run_with, make_native):
    refused(run_with, "BAD.MOD", make_native(RETURN)[:27], "shorter than its header")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"magic": 0x42444F4D}, "no native module: wrong magic"),
        ({"name": b"x" * 32}, "name is not printable text ended by NUL"),
        ({"name": bytes(32)}, "name is not printable text ended by NUL"),
        ({"name": b"\x1b[2J".ljust(32, b"\0")}, "name is not printable text ended by NUL"),
        ({"code_size": 0}, "code size is zero or not what follows the header"),
        ({"code_size": 2}, "code size is zero or not what follows the header"),
        ({"code_size": 0xFFFFFFFF}, "code size is zero or not what follows the header"),
        ({"code_size": 0xFFFFFFD1}, "code size is zero or not what follows the header"),  # 48 more wraps round to 1
        ({"entry_offset": 1}, "entry is outside the code"),
        ({"entry_offset": 0xFFFFFFFF}, "entry is outside the code"),
    ],
    ids=str,
)
def test_native_header(run_with, make_native, fields, reason):
    refused(run_with, "BAD.MOD", make_native(RETURN, **fields), reason)


def test_bytes_behind_the_code(run_with, make_native):
    refused(run_with, "BAD.MOD", make_native(RETURN) + b"\0", "code size is zero or not what follows the header")


def test_code_larger_than_the_module_arena(run_with, make_native):
    code = RETURN * (memory_region("module_arena").size + 1)
    refused(run_with, "BAD.MOD", make_native(code), "code is larger than the module arena")


def test_file_larger_than_the_file_buffer(run_with):
    refused(run_with, "BAD.MOD", bytes(memory_region("file_buffer").size + 1), "the file is too large")


@pytest.mark.parametrize("size", [0, 3, 4, 127])
def test_bitcode_file_shorter_than_its_header(run_with, bitcode, size):
    data = wrap_bitcode(bitcode, name="test", entry="sha256_main")[:size]
    reason = "no bitcode: wrong magic" if size < 4 else "shorter than its header"
    refused(run_with, "BAD.BC", data, reason)


@pytest.mark.parametrize(
    ("offset", "reason"),
    [
        (0, "no bitcode: wrong magic"),
        (BitcodeHeader.offset_of("magic"), "LLVM wrapper without a BareFlow header"),
        (BitcodeHeader.offset_of("name"), "header CRC is wrong"),
        (BitcodeHeader.offset_of("header_crc"), "header CRC is wrong"),
        (BitcodeHeader.SIZE, "payload CRC is wrong"),
        (-1, "payload CRC is wrong"),
    ],
)
def test_flipped_bit_in_a_bitcode_module(run_with, bitcode, offset, reason):
    data = bytearray(wrap_bitcode(bitcode, name="test", entry="sha256_main"))
    data[offset] ^= 1
    refused(run_with, "BAD.BC", bytes(data), reason)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"header_version": 3}, "header of another version or size"),
        ({"header_size": 64}, "header of another version or size"),
        ({"optimisation_level": 4}, "a header field is out of range"),
        ({"flags": 1}, "a header field is out of range"),
        ({"wrapper": LlvmWrapperHeader(offset=128, size=0)}, "bitcode is empty or outside the file"),
        ({"wrapper": LlvmWrapperHeader(offset=128, size=0xFFFFFFFF)}, "bitcode is empty or outside the file"),
        ({"wrapper": LlvmWrapperHeader(offset=64, size=8)}, "bitcode is empty or outside the file"),
        ({"pattern_offset": 0xFFFFFFF0, "pattern_size": 32}, "pattern section is outside the file"),
        ({"name": bytes(32)}, "name or entry is not printable text ended by NUL"),
        ({"entry": b"\xff" * 48}, "name or entry is not printable text ended by NUL"),
    ],
    ids=str,
)
def test_wrong_bitcode_header_with_a_right_crc(run_with, bitcode, fields, reason):
    data = wrap_bitcode(bitcode, name="test", entry="sha256_main")
    header = BitcodeHeader.parse(data).replace(**fields).sealed()
    refused(run_with, "BAD.BC", header.to_bytes() + data[BitcodeHeader.SIZE :], reason)


def test_bitcode_without_a_header(run_with, bitcode):
    reason = "LLVM bitcode without a BareFlow header: add it with `bfimg add-module`"
    refused(run_with, "BAD.BC", bitcode, reason)


@pytest.mark.parametrize("structure", [LegacyBitcodeHeader, LegacyPackedBitcodeHeader])
def test_version_1_header_is_recognised_and_not_run(run_with, bitcode, structure):
    header = structure(
        name=b"old".ljust(32, b"\0"), entry=b"old_main".ljust(64, b"\0"), bitcode_size=len(bitcode), version=1
    )
    run, event = run_with("OLD.BC", header.to_bytes() + bitcode, "PASSED")
    assert (event["status"], event["name"], event["entry"]) == ("legacy header", "old", "old_main")
    assert run.only("done")["pending"] == 1


def test_version_1_header_cut_short(run_with):
    refused(run_with, "OLD.BC", LegacyBitcodeHeader().to_bytes()[:119], "shorter than its header")
