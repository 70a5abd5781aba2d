"""Modules that misbehave while they run. In assembly: no compiler leaves a division by zero in."""

from pathlib import Path

import pytest

from bfimg.formats.memory_map import memory_region

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


# name: (assembly of the module, reason the kernel gives)
FAULTS = {
    "divide by zero": ("xor ecx, ecx; xor edx, edx; mov eax, 1; div ecx", "divide error"),
    "overflowing division": ("mov edx, 5; xor eax, eax; mov ecx, 1; div ecx", "divide error"),
    "undefined instruction": ("nop; ud2", "invalid opcode"),
    "breakpoint": ("int3", "breakpoint"),
    "read through a null pointer": ("xor eax, eax; mov eax, [eax]", "page fault"),
    "write through a null pointer": ("xor eax, eax; mov [eax + 8], eax", "page fault"),
    "call through a null pointer": ("xor eax, eax; call eax", "page fault"),
    "write to kernel code": ("mov dword ptr [0x10040], 0", "page fault"),
    "write to the kernel stack": ("mov dword ptr [0x8fff0], 0", "page fault"),
    "write to the kernel heap": ("mov dword ptr [0x100000], 0", "page fault"),
    "write to the page table": ("mov dword ptr [0xc000], 0", "page fault"),
    "write to the screen": ("mov dword ptr [0xb8000], 0", "page fault"),
    "read above memory": ("mov eax, [0xfff00000]", "page fault"),
    "jump out of memory": ("mov eax, 0x7ff00000; jmp eax", "page fault"),
    "stack into kernel memory": ("mov esp, 0x20000; push eax", "double fault"),
    "stack into nothing": ("mov esp, 0x40000000; push eax", "double fault"),
    "interrupt nobody has": ("int 0x80", "general protection"),
    "bad segment": ("mov eax, 0x33; mov ds, eax", "general protection"),
    "unaligned SSE access": ("lea eax, [esp + 1]; and eax, -16; movaps xmm0, [eax + 1]", "general protection"),
    "endless recursion": ("1: call 1b", "stack overflow"),
    "endless pushing": ("1: push eax; jmp 1b", "stack overflow"),
    "large local variable": ("sub esp, 0x8400; mov [esp], eax; call 1f; 1: nop", "stack overflow"),
    "endless loop": ("1: jmp 1b", "time limit"),
    "endless loop that sleeps": ("1: hlt; jmp 1b", "time limit"),
    "endless loop with the direction flag set": ("std; 1: jmp 1b", "time limit"),
    "write to the interrupted kernel's registers": ("mov dword ptr [0x9000], 1", "page fault"),
}


def test_every_fault_stops_its_module_and_the_next_one_runs(assemble, slave_run, make_native):
    files = {"BAREFLOW.CFG": b"time_limit = 50\n"}
    for number, (code, _) in enumerate(FAULTS.values()):
        files[f"FAULT{number:02}.MOD"] = make_native(assemble(code), name=f"fault{number:02}".encode().ljust(32, b"\0"))
        files[f"NEXT{number:02}.MOD"] = make_native(DOUBLE_ARGUMENT, name=f"next{number:02}".encode().ljust(32, b"\0"))
    run = slave_run(files)
    assert run.report.exit_value == "FAILED", run.report.transcript
    reasons = {event["module"]: event["name"] for event in run.events("fault")}
    expected = {f"fault{number:02}": reason for number, (_, reason) in enumerate(FAULTS.values())}
    assert {name: reasons[module] for name, module in zip(FAULTS, expected, strict=True)} == {
        name: reason for name, (_, reason) in FAULTS.items()
    }
    for number in range(len(FAULTS)):
        assert run.module(f"FAULT{number:02}.MOD")["status"] == "stopped"
        assert run.module(f"NEXT{number:02}.MOD")["status"] == "unchecked"
    assert run.only("done")["stopped"] == len(FAULTS)


def test_fault_is_reported_with_its_place_and_registers(assemble, slave_run, make_native):
    code = assemble(
        "mov eax, 0x11; mov ebx, 0x22; mov ecx, 0x33; mov edx, 0x44; mov esi, 0x55; mov edi, 0x66; mov [0], al"
    )
    fault = slave_run({"FAULTY.MOD": make_native(code)}).only("fault")
    assert (fault["vector"], fault["name"], fault["module"], fault["cr2"]) == (14, "page fault", "test", 0)
    assert fault["eip"] == memory_region("module_arena").start + 30
    registers = [fault[name] for name in ("eax", "ebx", "ecx", "edx", "esi", "edi")]
    assert registers == [0x11, 0x22, 0x33, 0x44, 0x55, 0x66]
    assert fault["error_code"] == 2  # a write to an absent page in ring 0


def test_each_module_starts_with_fresh_floating_point_units(assemble, slave_run, make_native):
    """x87 control word and MXCSR at the entry are those that the Intel SDM asks for, whatever was there before."""
    read = "push eax; stmxcsr [esp]; push eax; fnstcw [esp]; pop eax; shl eax, 16; pop ecx; or eax, ecx"
    spoil = "push 0x7fbf; ldmxcsr [esp]; push 0x0c7f; fldcw [esp]; add esp, 8; fld1; fld1"
    codes = {"A": read, "B": spoil, "C": read, "D": f"{spoil}; ud2", "E": read}
    files = {
        f"{name}.MOD": make_native(assemble(code), name=name.encode().ljust(32, b"\0")) for name, code in codes.items()
    }
    run = slave_run(files)
    assert [run.module(f"{name}.MOD")["status"] for name in "BD"] == ["unchecked", "stopped"]
    assert [run.module(f"{name}.MOD")["answer"] for name in "ACE"] == [0x037F_1F80] * 3


def test_guest_that_turns_interrupts_off_and_loops_is_ended_by_the_host(
    assemble, boot_disk, kernel_disk, slave_volume, make_native
):
    volume = slave_volume({"ENDLESS.MOD": make_native(assemble("cli; 1: jmp 1b"))})
    report = boot_disk(kernel_disk, slave=volume, timeout=2).report
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
