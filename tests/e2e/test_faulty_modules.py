"""Modules that misbehave while they run. Code by hand: no compiler leaves a division by zero in."""

import time
from pathlib import Path

import pytest

DIVIDE_BY_ZERO = bytes.fromhex("31 c9 31 d2 b8 01 00 00 00 f7 f1 c3")  # xor ecx, ecx; xor edx, edx; mov eax, 1; div ecx
UNDEFINED = bytes.fromhex("90 0f 0b c3")  # nop; ud2
ENDLESS = bytes.fromhex("eb fe")  # jmp to itself
DOUBLE_ARGUMENT = bytes.fromhex("8b 44 24 04 01 c0 c3")  # mov eax, [esp + 4]; add eax, eax; ret


def read_half_a_command(device):
    """Code that asks a drive for a sector, waits until it has it, and leaves it there. Returns 1."""
    code = b""
    for port, value in [(0x1F6, device), (0x1F2, 1), (0x1F3, 0), (0x1F4, 0), (0x1F5, 0), (0x1F7, 0x20)]:
        code += b"\xba" + port.to_bytes(4, "little") + bytes([0xB0, value, 0xEE])  # mov edx, port; mov al, value; out
    code += bytes.fromhex("ec a8 80 75 fb")  # in al, dx; test al, 0x80; jnz -5
    return code + bytes.fromhex("b8 01 00 00 00 c3")  # mov eax, 1; ret


def processes_with(text):
    """Command lines of running processes that hold `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if text.encode() in command:
            found.append(command)
    return found


@pytest.mark.parametrize(
    ("code", "vector", "name", "offset"),
    [(DIVIDE_BY_ZERO, 0, "divide error", 9), (UNDEFINED, 6, "invalid opcode", 1)],
)
def test_cpu_exception_is_reported_with_its_place(slave_run, make_native, module_files, code, vector, name, offset):
    run = slave_run({"FAULTY.MOD": make_native(code), "SUM.MOD": module_files["sum"]})
    assert (run.report.exit_value, run.report.timed_out) == ("FAULT", False)
    fault = run.only("fault")
    assert (fault["vector"], fault["name"], fault["module"]) == (vector, name, "test")
    assert fault["eip"] == 0x160000 + offset  # in the module arena
    assert run.report.reason.startswith(f"the kernel reported a fault: vector {vector}, name {name}, ")
    assert f"CPU exception {vector}, {name}" in run.report.transcript
    assert not run.events("done")


def test_module_that_never_returns_is_ended_by_the_time_limit(boot_disk, kernel_disk, slave_volume, make_native):
    volume = slave_volume({"ENDLESS.MOD": make_native(ENDLESS)})
    started = time.monotonic()
    report = boot_disk(kernel_disk, slave=volume, timeout=2).report
    assert time.monotonic() - started < 4
    assert report.timed_out and not report.passed
    assert report.nonce_echoed
    assert report.reason.startswith("timed out after 2 s; last line: ")
    assert processes_with(str(volume)) == []


@pytest.mark.parametrize("device", [0xE0, 0xF0], ids=["other drive", "same drive"])
def test_drive_left_with_data_to_give_is_reset_and_read_again(slave_run, make_native, module_files, programs, device):
    run = slave_run({"RUDE.MOD": make_native(read_half_a_command(device)), "SUM.MOD": module_files["sum"]})
    assert run.report.passed, run.report.reason
    assert run.module("RUDE.MOD")["status"] == "unchecked"
    assert run.module("SUM.MOD")["answer"] == programs["sum"].answer


def test_unknown_module_is_run_and_its_answer_is_left_unchecked(slave_run, make_native):
    run = slave_run({"TEST.MOD": make_native(DOUBLE_ARGUMENT)})
    assert run.report.passed, run.report.reason
    event = run.module("TEST.MOD")
    assert (event["status"], event["size"], event["answer"]) == ("unchecked", 1, 2)
    assert "expected" not in event


def test_wrong_answer_fails_the_run(slave_run, make_native, programs):
    name = b"sum".ljust(32, b"\0")
    run = slave_run({"SUM.MOD": make_native(DOUBLE_ARGUMENT, name=name)})
    program, event = programs["sum"], run.module("SUM.MOD")
    assert (event["status"], event["answer"], event["expected"]) == ("failed", 2 * program.size, program.answer)
    assert (run.report.exit_value, run.report.reason) == ("FAILED", "1 of 1 modules failed: sum")
