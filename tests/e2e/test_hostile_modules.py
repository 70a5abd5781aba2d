"""Modules that leave the CPU and the devices in disorder: whatever runs next must not notice."""

import pytest

from bfimg.formats.native_module import (
    NATIVE_FUNCTIONS_MAX,
    NATIVE_TABLE_OFFSET,
    NativeFunction,
    NativeModuleFlag,
    NativeModuleTable,
)
from bfimg.module.wrap import native_module

ENDLESS = "1: jmp 1b"
OVERFLOW = "1: push eax; jmp 1b"
CONFIG = b"time_limit = 50\n"


def write_ports(*writes):
    """Assembly that writes bytes to ports."""
    return "; ".join(f"mov edx, {port:#x}; mov al, {value:#x}; out dx, al" for port, value in writes)


# Exclusive or of what must be the same for every module: segments, control registers, breakpoints, flags, FPU and SSE.
READ_STATE = """
    mov eax, ds; mov ecx, es; shl ecx, 6; xor eax, ecx
    mov ecx, fs; shl ecx, 12; xor eax, ecx
    mov ecx, gs; shl ecx, 18; xor eax, ecx
    mov ecx, cr0; xor eax, ecx
    mov ecx, cr4; rol ecx, 8; xor eax, ecx
    mov ecx, dr7; rol ecx, 4; xor eax, ecx
    pushfd; pop ecx; and ecx, 0xff700; rol ecx, 9; xor eax, ecx
    sub esp, 8; fnstcw [esp]; stmxcsr [esp + 4]; add ax, [esp]; add eax, [esp + 4]; add esp, 8
"""

DISORDER = {
    "segments": "xor eax, eax; mov ds, eax; mov es, eax; mov fs, eax; mov gs, eax",
    "code segments": "mov eax, 8; mov ds, eax; mov es, eax; mov fs, eax; mov gs, eax",
    "flags": "push 0x44c01; popfd; std",
    "no FPU": "mov eax, cr0; or eax, 0xc; mov cr0, eax",
    "no write protection": "mov eax, cr0; and eax, 0xfffeffff; mov cr0, eax",
    "no paging": "mov eax, cr0; and eax, 0x7fffffff; mov cr0, eax",
    "no SSE": "mov eax, cr4; and eax, 0xfffff9ff; mov cr4, eax",
    "breakpoint on the kernel's stack": "mov eax, 0x8ffe0; mov dr0, eax; mov eax, 0xd0303; mov dr7, eax",
    "unmasked x87 exception": "push 0x300; fldcw [esp]; pop eax; fldz; fld1; fldz; fdivp",
    "unmasked SSE exceptions": "push 0; ldmxcsr [esp]; pop eax",
    "stack": "pop eax; xor esp, esp; jmp eax",
    "time of its call": "mov dword ptr [0x15dff8], 0; mov dword ptr [0x15dffc], 0x80000000",
    "interrupts off": "cli",
    "interrupts masked": write_ports((0x21, 0xFF), (0xA1, 0xFF)),
    "interrupts unmasked": write_ports((0x21, 0), (0xA1, 0)),
    "interrupt controller half set up": write_ports((0x20, 0x11)),
    "fast timer": write_ports((0x43, 0x34), (0x40, 2), (0x40, 0)),
    "timer that stops": write_ports((0x43, 0x30), (0x40, 0xFF), (0x40, 0xFF)),
    "timer half set up": write_ports((0x43, 0x34), (0x40, 2)),
    "keyboard off": write_ports((0x64, 0xAD)),
    "COM1 with its divisor open": write_ports((0x3FB, 0x83)),
    "COM1 looped back": write_ports((0x3FC, 0x10)),
    "COM1 in mid line": write_ports((0x3F8, 0x2A)),
    "ATA reset held": write_ports((0x3F6, 4)),
    "ATA command that wants data": write_ports((0x1F6, 0xF0), (0x1F2, 200), (0x1F7, 0x30)),
}


def modules(files):
    """BAREFLOW.CFG, and module files in order of these (name, code) pairs."""
    return {"BAREFLOW.CFG": CONFIG, **{f"{name.upper()}.MOD": native_module(name, code) for name, code in files}}


def test_disorder_of_a_module_is_cleared_up(assemble, slave_run):
    files = [("before", assemble(READ_STATE))]
    for number, code in enumerate(DISORDER.values()):
        files += [
            (f"evil{number}", assemble(code)),
            (f"state{number}", assemble(READ_STATE)),
            (f"loop{number}", assemble(ENDLESS)),
        ]
    run = slave_run(modules(files))
    found = {event["name"]: event for event in run.events("module")}
    assert len(found) == len(files), run.report.reason
    normal = found["before"]["answer"]
    for number, name in enumerate(DISORDER):
        assert found[f"evil{number}"]["status"] == "unchecked", name
        assert found[f"evil{number}"]["cycles"] < 1 << 40, name
        assert found[f"state{number}"]["answer"] == normal, name
        assert found[f"loop{number}"]["reason"] == "time limit", name


def test_double_faults_by_instruction_and_by_overflow_follow_each_other(assemble, slave_run):
    codes = {"FIRST": "int 8", "SECOND": OVERFLOW, "THIRD": "int 8", "FOURTH": OVERFLOW}
    run = slave_run(modules((name.lower(), assemble(code)) for name, code in codes.items()))
    reasons = [event["reason"] for event in run.events("module")]
    assert reasons == ["double fault", "stack overflow"] * 2, run.report.transcript


@pytest.mark.parametrize("code", ["ud2", OVERFLOW, ENDLESS], ids=["fault", "overflow", "time limit"])
def test_memory_is_as_before_after_many_faults(assemble, boot_disk, kernel_disk, slave_volume, make_sealed, code):
    body = assemble(code)
    start = NATIVE_TABLE_OFFSET + NativeModuleTable.SIZE
    functions = start + len(body)
    listed = NativeFunction(offset=start, name=functions + NativeFunction.SIZE).to_bytes() + b"f\0"
    bad = make_sealed(
        body, name="bad", behind=listed, flags=NativeModuleFlag.INSTRUMENTED, functions=functions, function_count=1
    )
    volume = slave_volume(
        {
            "BAREFLOW.CFG": b"interactive = yes\ntime_limit = 1\n",
            "BAD.MOD": bad,
            "GOOD.MOD": native_module("good", assemble("mov eax, 7")),
        }
    )
    keys = ["r", "e", *(["r"] * 40), "e", "down", "r", "q"]
    run = boot_disk(kernel_disk, slave=volume, keys=tuple(keys))
    assert [event["status"] for event in run.events("module")] == [*(["stopped"] * 41), "unchecked"]
    memory = [line for line in run.report.transcript.splitlines() if line.startswith('"memory"')]
    assert len(memory) == 2 and memory[0] == memory[1]


def test_profiles_that_the_heap_has_no_room_for_are_named(slave_run, make_sealed):
    code = b"\x90" * NATIVE_FUNCTIONS_MAX + b"\xc3"
    functions = NATIVE_TABLE_OFFSET + NativeModuleTable.SIZE + len(code)
    name = functions + NATIVE_FUNCTIONS_MAX * NativeFunction.SIZE
    offsets = range(functions - len(code), functions - 1)
    table = {
        "flags": NativeModuleFlag.INSTRUMENTED,
        "functions": functions,
        "function_count": NATIVE_FUNCTIONS_MAX,
        "behind": b"".join(NativeFunction(offset=at, name=name).to_bytes() for at in offsets) + b"f" * 100 + b"\0",
    }
    run = slave_run({f"M{number}.MOD": make_sealed(code, name=f"m{number}", **table) for number in range(8)})
    assert run.report.passed, run.report.reason
    lines = run.report.transcript.splitlines()
    headings = [next(at for at, line in enumerate(lines) if line.startswith(f"{name} ")) for name in ("m0", "m7")]
    missing = ["no memory for its profile" in lines[at + 1] for at in headings]
    assert missing == [False, True]
