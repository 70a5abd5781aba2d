"""Pattern programs through the kernel's compiler, in a process of this machine, compared with the interpreter."""

from __future__ import annotations

import json
import struct
import subprocess
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bfimg.codegen.c_header import c_crc_source, c_header
from bfimg.codegen.constants import defines
from bfimg.codegen.fixed_patterns import fixed_patterns_header
from bfimg.formats.pattern_program import ARENA_START
from bfimg.formats.pattern_types import Trap, ValueType
from bfimg.pattern.interpret import Machine, Outcome, Stop
from bfimg.toolchain.compiler import Toolchain

# What runs as module code, and how it is compiled; the rest is compiled as the kernel is.
MODULE_CODE = (
    "jit/helpers.c",
    *(f"runtime/{n}.c" for n in ("angle", "conversions", "exp", "log", "rounding", "sin_cos")),
)
KERNEL_CODE = ("jit/*.c", "lib/*.c", "memory/heap.c", "memory/kernel_heap.c", "memory/pools.c")
# Levels of all code; the last one stands for functions that are promoted after a few calls, and in loops.
LEVELS = (0, 1, 2, 3, 4)
LAYOUTS = {ValueType.I32: "I", ValueType.I64: "Q", ValueType.F32: "f", ValueType.F64: "d"}


@dataclass(frozen=True)
class Call:
    """One call: words of the arguments, what the interpreter made of it, and the CRC of the arena behind it."""

    arguments: tuple[int, ...]
    result: ValueType
    outcome: Outcome
    arena: int


@dataclass
class Case:
    """A program and the calls of its entry, one after the other. comparable: until a call that cannot be compared."""

    program: bytes
    calls: list[Call] = field(default_factory=list)
    comparable: bool = True


def build_runner(kernel: Path, folder: Path, toolchain: Toolchain) -> Path:
    """Compile and link ``tests/kernel/jit/execute.c`` with the compiler of the kernel."""
    (folder / "bf_formats.h").write_text(c_header())
    (folder / "bf_constants.h").write_text("#pragma once\n" + "".join(f"{define.line()}\n" for define in defines()))
    (folder / "bf_crc.c").write_text(c_crc_source())
    (folder / "bf_patterns.h").write_text(fixed_patterns_header())
    module_code = [kernel / name for name in MODULE_CODE]
    kernel_code = [source for pattern in KERNEL_CODE for source in sorted(kernel.glob(pattern))]
    kernel_code = [source for source in kernel_code if source not in module_code]
    kernel_code += [folder / "bf_crc.c", Path(__file__).parent / "kernel" / "jit" / "execute.c"]
    objects = []
    for sources, command in ((kernel_code, toolchain.kernel_command), (module_code, toolchain.module_command)):
        for source in sources:
            objects.append(folder / f"{source.parent.name}.{source.stem}.o")
            include = (str(folder), str(kernel), str(kernel / "runtime" / "include"))
            _run([*command(str(source), str(objects[-1]), include)])
    runner = folder / "execute"
    flags = ["-m", "elf_i386", "-static", "-nostdlib", "--gc-sections", "-z", "noexecstack"]
    _run([*toolchain.linker, *flags, *map(str, objects), "-o", str(runner)])
    return runner


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def arena_crc(machine: Machine) -> int:
    """CRC-32 of the valid bytes of an arena."""
    return zlib.crc32(machine.memory[ARENA_START:])


def record(machine: Machine, case: Case, values: Sequence[float], outcome: Outcome) -> None:
    """Add a call of the entry that the interpreter has just made."""
    signature = machine.program.functions[machine.program.entry].signature
    words: list[int] = []
    for value, kind in zip(values, signature.parameters, strict=True):
        if kind in (ValueType.I32, ValueType.I64):
            value = int(value) % (1 << (64 if kind is ValueType.I64 else 32))
        packed = struct.pack("<" + LAYOUTS[kind], value)
        words += struct.unpack(f"<{len(packed) // 4}I", packed)
    case.calls.append(Call(tuple(words), signature.result, outcome, arena_crc(machine)))


def compare(runner: Path, cases: Sequence[Case]) -> None:
    """Run all cases at all LEVELS; assert that values, traps with their places, and arenas are the interpreter's."""
    for level in LEVELS:
        _compare_at(level, runner, cases)


def compile_only(runner: Path, program: bytes, level: int) -> dict[str, Any]:
    """What the runner tells of a program's code at a level: code_bytes; loads and stores in it, and proven ones."""
    done = subprocess.run([runner], input=_encoded(Case(program), level), capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done
    head: dict[str, Any] = json.loads(done.stdout)
    assert head["refused"] == ""
    return head


def _compare_at(level: int, runner: Path, cases: Sequence[Case]) -> None:
    text = b"".join(_encoded(case, level) for case in cases)
    done = subprocess.run([runner], input=text, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done
    lines = iter(done.stdout.splitlines())
    for case in cases:
        head = json.loads(next(lines))
        assert head["refused"] == "", (level, head)
        for call in case.calls:
            answer = json.loads(next(lines))
            assert is_same(call, answer), (level, case.program.hex(), call, answer)


def _encoded(case: Case, level: int) -> bytes:
    calls = b"".join(struct.pack(f"<{len(c.arguments) + 1}I", len(c.arguments), *c.arguments) for c in case.calls)
    return struct.pack("<II", level, len(case.program)) + case.program + struct.pack("<I", len(case.calls)) + calls


def is_same(call: Call, answer: dict[str, Any]) -> bool:
    """Whether a line of the runner tells what the interpreter found."""
    if call.outcome.stop is not None:
        return _is_same_stop(call.outcome.stop, answer) and answer["arena"] == call.arena
    if "low" not in answer or answer["arena"] != call.arena:
        return False
    value = call.outcome.value
    if call.result is ValueType.NONE or value is None:
        return value is None
    layout = "<" + LAYOUTS[call.result]
    found = struct.pack("<II", answer["low"], answer["high"])[: struct.calcsize(layout)]
    (number,) = struct.unpack(layout, found)
    return found == struct.pack(layout, value) or (number != number and value != value)


def _is_same_stop(stop: Stop, answer: dict[str, Any]) -> bool:
    place = stop.place
    return answer.get("trap") == stop.trap and (
        stop.trap is Trap.TIME
        or (answer["function"], answer["block"], answer["operation"])
        == (place.function, place.block, place.instruction)
    )
