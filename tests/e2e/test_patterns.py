"""Pattern sections of bitcode modules: verified when they are loaded; wrong ones are refused by name, reason, place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bfimg.errors import FormatError
from bfimg.formats.bitcode_module import BitcodeHeader
from bfimg.formats.crc import CRC32
from bfimg.formats.pattern import PatternDescriptor, PatternType
from bfimg.formats.pattern_program import ProgramHeader
from bfimg.module.wrap import wrap_bitcode
from bfimg.pattern.encode import encode_program
from bfimg.pattern.fixed import fixed_program, run_fixed
from bfimg.pattern.verify import verify

PROGRAM = encode_program(fixed_program(PatternType.POWER))
CODE = ProgramHeader.SIZE + 8 + 20  # behind one signature and one function
DEPTHS = 4  # of three blocks


def descriptor(program: bytes, **fields: int) -> bytes:
    sums = {"program_size": len(program), "program_crc": CRC32.compute(program) if program else 0}
    return PatternDescriptor(**{**sums, **fields}).sealed().to_bytes()


def damaged(offset: int, value: int) -> bytes:
    """PROGRAM with another byte at an offset, and CRCs that fit."""
    data = bytearray(PROGRAM)
    data[offset] = value
    body = bytes(data[ProgramHeader.SIZE :])
    header = ProgramHeader.parse(bytes(data)).replace(body_crc=CRC32.compute(body))
    return header.sealed().to_bytes() + body


@pytest.fixture
def module(repository: Path) -> Callable[..., bytes]:
    """``module("power", section)``: a bitcode module with this pattern section; `gap` bytes in front of it."""

    def make(name: str, section: bytes, gap: int = 0) -> bytes:
        data = wrap_bitcode((repository / "samples" / "sha256.bc").read_bytes(), name=name, entry="main")
        start = len(data) + gap
        data += bytes(gap) + section
        header = BitcodeHeader.parse(data).replace(
            pattern_offset=start, pattern_size=len(section), payload_crc=CRC32.compute(data[BitcodeHeader.SIZE :])
        )
        return header.sealed().to_bytes() + data[BitcodeHeader.SIZE :]

    return make


def test_good_sections_are_verified(slave_run, module) -> None:
    files = {
        "PROGRAM0.BC": module("program0", descriptor(PROGRAM) + PROGRAM),
        "PROGRAM3.BC": module("program3", descriptor(PROGRAM) + PROGRAM, 3),
    }
    run = slave_run(files)
    assert run.report.passed
    for file in files:
        assert (run.module(file)["status"], run.module(file)["verified"]) == ("unchecked", True)


def test_a_module_without_a_section_is_found_but_not_run(slave_run, repository) -> None:
    data = wrap_bitcode((repository / "samples" / "sha256.bc").read_bytes(), name="bare", entry="main")
    run = slave_run({"BARE.BC": data})
    assert (run.module("BARE.BC")["status"], run.only("done")["pending"]) == ("not yet executable", 1)
    assert ": /BARE.BC found, CRC correct\n" in run.report.transcript.replace("\r", "")


# Parameters whose results fit, and some that go beyond 32 bits.
PARAMETERS = [(0, 0), (1, 7), (10, 3), (12, 70_001), (47, 31), (48, 33), (70_000, 70_000)]
FIXED = [kind for kind in PatternType if kind is not PatternType.CUSTOM]


def fixed(kind: PatternType, first: int, second: int = 0) -> PatternDescriptor:
    return PatternDescriptor(type=kind, param1=first, param2=second).sealed()


def test_fixed_patterns_give_the_answers_of_the_interpreter(slave_run, module) -> None:
    calls = [(kind, parameters) for kind in FIXED for parameters in PARAMETERS]
    calls += [(PatternType.POWER, (0xFFFFFFFF, 3)), (PatternType.LOOP_ADD, (3, 0xFFFFFFFF))]
    patterns = {f"{kind.name[:5]}{number}": fixed(kind, *numbers) for number, (kind, numbers) in enumerate(calls)}
    # The module programs called fibonacci and sum have known answers, which are not those of patterns.
    patterns |= {"SUM": fixed(PatternType.SUM, 5), "FIBONACCI": fixed(PatternType.FIBONACCI, 7)}
    files = {f"{name[:8]}.BC": module(name.lower(), pattern.to_bytes()) for name, pattern in patterns.items()}
    run = slave_run(files)
    assert run.report.passed, run.report.reason
    events = {str(event["name"]).upper(): event for event in run.events("module")}
    for name, pattern in patterns.items():
        event = events[name]
        assert (event["status"], event["verified"], event["size"]) == ("unchecked", True, pattern.param1)
        assert event["answer"] == run_fixed(pattern).value, name
    assert (events["SUM"]["answer"], events["FIBONACCI"]["answer"]) == (15, 13)


def test_a_fixed_pattern_that_takes_too_long_is_stopped(slave_run, module, module_files) -> None:
    endless = module("endless", fixed(PatternType.SUM, 0xFFFFFFFF).to_bytes())
    run = slave_run({"BAREFLOW.CFG": b"time_limit = 50\n", "ENDLESS.BC": endless, "SUM.MOD": module_files["sum"]})
    assert (run.module("ENDLESS.BC")["status"], run.module("ENDLESS.BC")["reason"]) == ("stopped", "time limit")
    assert run.only("fault")["function_name"] == "sum"
    assert run.module("SUM.MOD")["status"] == "passed"


WRONG_SECTIONS = {
    "SHORT": (descriptor(b"")[:31], "pattern section is shorter than its descriptor"),
    "MAGIC": (descriptor(b"", magic=1), "no pattern section, or one of another version"),
    "VERSION": (descriptor(b"", version=2), "no pattern section, or one of another version"),
    "CRC": (descriptor(b"")[:31] + b"\xff", "pattern descriptor CRC is wrong"),
    "TYPE0": (descriptor(b"", type=0), "a pattern descriptor field is out of range"),
    "TYPE7": (descriptor(b"", type=7), "a pattern descriptor field is out of range"),
    "LEVEL": (descriptor(b"", type=1, level=4), "a pattern descriptor field is out of range"),
    "RESERVED": (descriptor(b"", type=1, reserved=1), "a pattern descriptor field is out of range"),
    "SIZE": (descriptor(PROGRAM) + PROGRAM[:-4], "program size is not what follows the pattern descriptor"),
    "HUGE": (descriptor(b"", program_size=0xFFFFFFE0), "program size is not what follows the pattern descriptor"),
    "BOTH": (descriptor(PROGRAM, type=1) + PROGRAM, "a fixed pattern has a program"),
    "SUM": (descriptor(PROGRAM, program_crc=1) + PROGRAM, "program CRC is wrong"),
    "FIXEDSUM": (descriptor(b"", type=1, program_crc=1), "program CRC is wrong"),
}
WRONG_PROGRAMS = {
    "EMPTY": (b"", "shorter than its header"),
    "HEADER": (PROGRAM[:40] + b"\xff" + PROGRAM[41:], "header CRC is wrong"),
    "BODY": (PROGRAM[:-1] + b"\1", "body CRC is wrong"),
    "FUNCTION": (damaged(ProgramHeader.SIZE + 8, 1), "no such signature"),
    "DEPTHS": (damaged(CODE + 3, 1), "bytes that fill up are not zero"),
    "OP": (damaged(CODE + DEPTHS, 0xA0), "no such operation"),
    "REGISTER": (damaged(CODE + DEPTHS + 1, 4), "no register of that number and type"),
    "BLOCK": (damaged(CODE + DEPTHS + 8, 3), "no such block"),
}


def test_wrong_sections_are_refused_and_the_kernel_goes_on(slave_run, module, module_files) -> None:
    files = {f"{name}.BC": module(name.lower(), section) for name, (section, _) in WRONG_SECTIONS.items()}
    run = slave_run({**files, "SUM.MOD": module_files["sum"]})
    assert run.module("SUM.MOD")["status"] == "passed"
    assert run.only("done")["invalid"] == len(files)
    for name, (_, reason) in WRONG_SECTIONS.items():
        event = run.module(f"{name}.BC")
        assert (event["status"], event["name"], event["reason"]) == ("invalid", name.lower(), reason)
        assert not event.keys() & {"offset", "function", "block", "word"}


def test_wrong_programs_are_refused_where_the_host_finds_them_wrong(slave_run, module, module_files) -> None:
    files = {
        f"{name}.BC": module(name.lower(), descriptor(program) + program)
        for name, (program, _) in WRONG_PROGRAMS.items()
    }
    run = slave_run({**files, "SUM.MOD": module_files["sum"]})
    assert run.module("SUM.MOD")["status"] == "passed"
    assert run.only("done")["invalid"] == len(files)
    for name, (program, reason) in WRONG_PROGRAMS.items():
        with pytest.raises(FormatError) as caught:
            verify(program)
        event = run.module(f"{name}.BC")
        assert (event["status"], event["reason"], event["offset"]) == ("invalid", reason, caught.value.offset)
        if "word" in event:
            place = f"function {event['function']} (power), block {event['block']}, word {event['word']}: "
            assert place in caught.value.message
    assert "no such operation: function 0, block 0, word 0\n" in run.report.transcript.replace("\r", "")
    assert [name for name in WRONG_PROGRAMS if "function" in run.module(f"{name}.BC")] == list(WRONG_PROGRAMS)[4:]
