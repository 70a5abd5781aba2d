"""Random C programs give the same numbers as host code, as lowered programs, and as these compiled by the kernel.

For every level that clang optimises to, and every level of the kernel's compiler.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bfimg.bitcode.lower import lower
from bfimg.formats.pattern_ops import Op
from bfimg.pattern.decode import decode_program
from bfimg.pattern.encode import encode_program
from bfimg.pattern.interpret import Machine
from bfimg.pattern.program import Function, Instruction, Program
from bfimg.toolchain.compiler import bitcode_command
from tests.compiled import Case, compare, record
from tests.differential.generator import PRELUDE, program

EXAMPLES = int(os.environ.get("BFIMG_TEST_EXAMPLES", "50"))
PER_FILE = 5
LEVELS = ("-O0", "-O1", "-O2")
ARGUMENTS = (0, 1, 12345, 0xFFFFFFFF)
# What makes the programs defined: see the generator.
DEFINED = ("-w", "-fwrapv", "-fno-strict-aliasing", "-ffp-contract=off")
OURS = ("-O1", "-fno-vectorize", "-fno-slp-vectorize", "-fno-unroll-loops")  # of the bitcode command


def native(source: Path, names: list[str]) -> list[int]:
    """What host code gives, call after call."""
    library = source.with_suffix(".so")
    subprocess.run(["clang", *DEFINED, "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    loaded = ctypes.CDLL(str(library))
    answers = []
    for name in names:
        function = loaded[name]
        function.restype = ctypes.c_uint32
        answers += [int(function(ctypes.c_uint32(argument))) for argument in ARGUMENTS]
    return answers


def alone(program: Program, name: str) -> Program:
    """The program of one function, with those that it calls."""
    functions = program.functions
    entry = next(number for number, function in enumerate(functions) if function.name == name)
    kept = list(dict.fromkeys([entry, *(number for table in program.tables for number in table.functions)]))
    for number in kept:
        calls = [i for block in functions[number].blocks for i in block.instructions if i.op is Op.CALL]
        kept += dict.fromkeys(i.operands[1] for i in calls if i.operands[1] not in kept)

    def renumbered(function: Function) -> Function:
        blocks = [
            replace(block, instructions=tuple(map(_with_calls_to(kept), block.instructions)))
            for block in function.blocks
        ]
        return replace(function, blocks=tuple(blocks))

    return replace(
        program,
        functions=tuple(renumbered(functions[number]) for number in kept),
        entry=0,
        tables=tuple(replace(t, functions=tuple(map(kept.index, t.functions))) for t in program.tables),
    )


def _with_calls_to(kept: list[int]) -> Callable[[Instruction], Instruction]:
    """Renumbers the function in a CALL."""

    def change(instruction: Instruction) -> Instruction:
        if instruction.op is not Op.CALL:
            return instruction
        result, called, *arguments = instruction.operands
        return replace(instruction, operands=(result, kept.index(called), *arguments))

    return change


def interpreted(source: Path, names: list[str], level: str) -> list[Case]:
    """What the lowered programs give, call after call."""
    bitcode = source.with_suffix(".bc")
    command = [part for part in bitcode_command(source.name, bitcode.name) if part not in OURS]
    subprocess.run([*command, *DEFINED, level], cwd=source.parent, check=True)
    whole = decode_program(lower(bitcode.read_bytes(), names[0], keep=names, trusted=True).data)
    cases = []
    for name in names:
        data = encode_program(alone(whole, name))
        machine, case = Machine(data), Case(data)
        for argument in ARGUMENTS:
            record(machine, case, [argument], machine.call([argument]))
        cases.append(case)
    return cases


@pytest.mark.parametrize("first", range(0, EXAMPLES, PER_FILE))
def test_random_programs(first: int, tmp_path: Path, compiled_runner: Path) -> None:
    seeds = range(first, first + PER_FILE)
    names = [f"run_{seed}" for seed in seeds]
    source = tmp_path / "programs.c"
    source.write_text(PRELUDE + "".join(program(seed, name) for seed, name in zip(seeds, names, strict=True)))
    expected = native(source, names)
    for level in LEVELS:
        cases = interpreted(source, names, level)
        assert [call.outcome.value for case in cases for call in case.calls] == expected, level
        compare(compiled_runner, cases)


def test_a_seed_stands_for_one_program() -> None:
    assert program(7, "a") == program(7, "a") != program(8, "a")
