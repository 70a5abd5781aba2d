"""The encoder's instructions, disassembled by LLVM, are those that were asked for."""

from __future__ import annotations

import ctypes
import itertools
import re
import subprocess
from collections.abc import Callable

import pytest

REGISTERS = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"]
NO_BASE, NO_INDEX = 8, 4
DISPLACEMENTS = [0, 1, 127, 128, -128, -129, 0x160000]
GROUP = ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"]
# opcode, and the text of "instruction reg, memory"
MEMORY_FORMS = {
    0x8B: "mov {r}, dword ptr {m}",
    0x89: "mov dword ptr {m}, {r}",
    0x660089: "mov word ptr {m}, {w}",
    0x8D: "lea {r}, {m}",
    0x1B6: "movzx {r}, byte ptr {m}",
    0x1BF: "movsx {r}, word ptr {m}",
    0x1AF: "imul {r}, dword ptr {m}",
    0xF20110: "movsd {x}, qword ptr {m}",
    0xF30111: "movss dword ptr {m}, {x}",
    0x66012E: "ucomisd {x}, qword ptr {m}",
}
REGISTER_FORMS = {
    0x2B: "sub {r}, {s}",
    0x85: "test {s}, {r}",
    0x6601D4: "paddq {x}, {y}",
    0xF2012C: "cvttsd2si {r}, {y}",
    0x66016E: "movd {x}, {s}",
}


class Buffer(ctypes.Structure):
    """``struct x86``."""

    _fields_ = (("start", ctypes.c_void_p), ("capacity", ctypes.c_uint32), ("size", ctypes.c_uint32))


@pytest.fixture(scope="module")
def encoder(host_library: Callable[..., ctypes.CDLL]) -> ctypes.CDLL:
    return host_library("jit/x86.c", "lib/string.c")


def code_of(encoder: ctypes.CDLL, calls: list[tuple[str, tuple[int, ...]]]) -> bytes:
    memory = ctypes.create_string_buffer(1 << 18)
    buffer = Buffer(ctypes.addressof(memory), len(memory), 0)
    for name, arguments in calls:
        getattr(encoder, name)(ctypes.byref(buffer), *map(ctypes.c_uint32, arguments))
    assert buffer.size <= len(memory)
    return memory.raw[: buffer.size]


def disassembled(code: bytes) -> list[str]:
    text = " ".join(f"{byte:#04x}" for byte in code)
    command = ["llvm-mc", "--disassemble", "--triple=i686", "--output-asm-variant=1"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60)
    assert "warning" not in done.stderr, done.stderr
    lines = [re.sub(r"\s+", " ", line).strip() for line in done.stdout.splitlines() if not line.startswith("\t.")]
    return [re.sub(r", 4294967\d{3}$", signed, line) for line in lines]


def signed(match: re.Match[str]) -> str:
    """A large number as the negative one of the same bits."""
    return f", {int(match[0][2:]) - (1 << 32)}"


def assembled(lines: list[str]) -> list[str]:
    """The same texts as LLVM itself writes them."""
    command = ["llvm-mc", "--triple=i686", "--x86-asm-syntax=intel", "--output-asm-variant=1"]
    text = "\n".join(lines)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60)
    return [re.sub(r"\s+", " ", line).strip() for line in done.stdout.splitlines() if not line.startswith("\t.")]


def names(register: int, other: int = 0) -> dict[str, str]:
    word = REGISTERS[register][1:]
    return {"r": REGISTERS[register], "w": word, "s": REGISTERS[other], "x": f"xmm{register}", "y": f"xmm{other}"}


def address(base: int, index: int, shift: int, displacement: int) -> str:
    terms = [] if base == NO_BASE else [REGISTERS[base]]
    if index != NO_INDEX:
        terms.append(f"{1 << shift}*{REGISTERS[index]}")
    return f"[{' + '.join([*terms, str(displacement)])}]"


def test_memory_operands(encoder: ctypes.CDLL) -> None:
    calls, texts = [], []
    bases, indices = [*range(8), NO_BASE], [0, 1, 4, 5, 7]
    for number, (base, index, shift, displacement) in enumerate(
        itertools.product(bases, indices, range(4), DISPLACEMENTS)
    ):
        opcode, form = list(MEMORY_FORMS.items())[number % len(MEMORY_FORMS)]
        if index == NO_INDEX and shift:
            continue
        calls.append(("x86_indexed", (opcode, number % 8, base, index, shift, displacement & 0xFFFFFFFF)))
        texts.append(form.format(m=address(base, index, shift, displacement), **names(number % 8)))
    assert disassembled(code_of(encoder, calls)) == assembled(texts)


def test_register_operands(encoder: ctypes.CDLL) -> None:
    calls, texts = [], []
    for (opcode, form), register, other in itertools.product(REGISTER_FORMS.items(), range(8), range(8)):
        calls.append(("x86_register_pair", (opcode, register << 3 | other)))
        texts.append(form.format(**names(register, other)))
    assert disassembled(code_of(encoder, calls)) == assembled(texts)


def test_numbers(encoder: ctypes.CDLL) -> None:
    calls, texts = [], []
    for (number, name), register, value in itertools.product(enumerate(GROUP), range(8), DISPLACEMENTS):
        calls.append(("x86_group", (number, register, value & 0xFFFFFFFF)))
        texts.append(f"{name} {REGISTERS[register]}, {value}")
        calls.append(("x86_group_memory", (number, 5, -4 & 0xFFFFFFFF, value & 0xFFFFFFFF)))
        texts.append(f"{name} dword ptr [ebp - 4], {value}")
    calls += [("x86_constant", (register, 0x12345678)) for register in range(8)]
    texts += [f"mov {name}, 0x12345678" for name in REGISTERS]
    assert disassembled(code_of(encoder, calls)) == assembled(texts)


def test_what_does_not_fit_is_counted_and_not_written(encoder: ctypes.CDLL) -> None:
    memory = ctypes.create_string_buffer(b"\xee" * 8)
    buffer = Buffer(ctypes.addressof(memory), 3, 0)
    encoder.x86_constant(ctypes.byref(buffer), 1, ctypes.c_uint32(0x55443322))
    encoder.x86_patch(ctypes.byref(buffer), 0, 0)
    assert (buffer.size, memory.raw[:5]) == (5, b"\xb9\x22\x33\xee\xee")
