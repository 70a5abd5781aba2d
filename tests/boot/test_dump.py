"""``bfimg boot --dump``: what the kernel tells of its compiler becomes text, or the run fails and says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bfimg.boot import BootOptions, BootReport, boot
from bfimg.boot import dump as dump_module
from bfimg.boot.dump import dump_lines
from bfimg.cli.boot import command
from bfimg.errors import FormatError, InputError, UsageError
from bfimg.pattern.assemble import assemble
from bfimg.pattern.decode import decode_program
from bfimg.pattern.disassemble import disassemble
from bfimg.pattern.encode import encode_instructions, encode_program

TEXT = """program entry @main, arena 32, stack 0, data_end 16, depth 1
function "main" (i32) -> i32, registers 2 0 0 0, frame 0
b0, depth 0:
  load.i32 r1, [r0]
  return.value r1
"""
PROGRAM = encode_program(assemble(TEXT))
WORDS = encode_instructions(decode_program(PROGRAM).functions[0].blocks[0].instructions)
FUNCTION = {"event": "dump", "module": "m", "function": 0, "function_name": "main", "level": 2}
START = {"event": "dump", "module": "m", "pass": "program", "program": PROGRAM.hex()}
PASS = {**FUNCTION, "pass": "anchors", "registers": [3, 0, 1, 0], "depths": "00", "words": WORDS.hex(), "facts": "0100"}
CODE = {**FUNCTION, "pass": "emit", "code": "90c3"}


def event(fields: dict[str, Any]) -> str:
    """What a stand-in says to send an event."""
    return f"event('dump', **{ {key: value for key, value in fields.items() if key != 'event'}!r})\n"


def run_of(*events: dict[str, Any]) -> str:
    body = 'event("boot", nonce=nonce)\n' + "".join(map(event, events))
    return body + 'event("done")\nsys.exit(33)'


@pytest.fixture
def run(fake_qemu: Callable[[str], str], disk: Path, tmp_path: Path) -> Callable[..., BootReport]:
    """Function that boots a stand-in that sends these events, and asks for a dump in out.txt."""

    def run_events(*events: dict[str, Any]) -> BootReport:
        return boot(BootOptions(disk, qemu=fake_qemu(run_of(*events)), timeout=20, dump=tmp_path / "out.txt"))

    return run_events


def test_the_program_is_shown_as_the_disassembler_shows_it() -> None:
    assert list(dump_lines([START])) == ["; m: the program", *disassemble(decode_program(PROGRAM)).splitlines()]


def test_a_pass_is_shown_with_its_registers_and_what_it_proved() -> None:
    shown = list(dump_lines([{"event": "boot"}, START, PASS]))[-5:]
    assert shown == [
        "; m, function 0 (main), level 2, after anchors",
        'function "main" (i32) -> i32, registers 3 0 1 0, frame 0',
        "b0, depth 0:",
        "  load.i32 r1, [r0]  ; proven",
        "  return.value r1",
    ]


def test_code_is_disassembled_where_that_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = list(dump_lines([START, CODE]))
    assert lines[-3] == "; m, function 0 (main), level 2: 2 bytes of code"
    assert [line.split()[-1] for line in lines[-2:]] == ["nop", "ret"]
    monkeypatch.setattr(dump_module.shutil, "which", lambda name: None)
    assert list(dump_lines([START, CODE]))[-1] == "       0:   90 c3"


@pytest.mark.parametrize(
    "wrong",
    [
        {**START, "program": "00"},
        {**START, "program": "xyz"},
        {**PASS, "words": WORDS.hex()[:8]},
        {**PASS, "words": "000000ff"},
        {**PASS, "function": 1},
        {**PASS, "registers": 3},
        {**PASS, "facts": "01"},
        {**FUNCTION, "pass": "anchors"},
        {**CODE, "code": 7},
    ],
)  # fmt: skip
def test_what_the_kernel_does_not_send_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match=r"a dump is wrong: .*; see the serial output"):
        list(dump_lines([START, wrong]))


def test_a_name_does_not_steer_a_terminal() -> None:
    assert next(dump_lines([{**START, "module": "\x1b[2J"}])) == "; \\x1b[2J: the program"


def test_the_file_is_written_and_the_kernel_asked_for_it(run, tmp_path) -> None:
    report = run(START, PASS, CODE)
    assert report.passed, report.reason
    assert "jit_dump = yes" in " ".join(report.command)
    assert (tmp_path / "out.txt").read_text().splitlines() == list(dump_lines([START, PASS, CODE]))


def test_a_wrong_dump_fails_the_run_and_the_file_stays(run, tmp_path) -> None:
    (tmp_path / "out.txt").write_text("old")
    assert run(START, {**PASS, "depths": 0}).reason.startswith("no dump: a dump is wrong: ")
    assert (tmp_path / "out.txt").read_text() == "old"


def test_a_disk_is_not_overwritten(disk, fake_qemu) -> None:
    with pytest.raises(UsageError, match="the dump would overwrite a disk"):
        boot(BootOptions(disk, qemu=fake_qemu(run_of()), dump=disk))


def test_a_folder_that_goes_during_the_run_is_an_error(disk, fake_qemu, tmp_path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    qemu = fake_qemu(f"os.rmdir({str(folder)!r})\n" + run_of())
    with pytest.raises(InputError, match=r"out\.txt: cannot be written: No such file or directory; name another dump"):
        boot(BootOptions(disk, qemu=qemu, dump=folder / "out.txt"))


def test_the_command_line_takes_it(disk, fake_qemu, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("BFIMG_QEMU", fake_qemu(run_of(START)))
    assert CliRunner().invoke(command, [str(disk), "--dump", str(tmp_path / "out.txt")]).exit_code == 0
    assert (tmp_path / "out.txt").read_text().startswith("; m: the program\n")
