"""Random C programs give the same numbers as host code, as lowered programs, and as these compiled by the kernel.

For every level that clang optimises to, and every level of the kernel's compiler.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bfimg.bitcode.lower import lower
from bfimg.pattern.decode import decode_program
from bfimg.pattern.encode import encode_program
from bfimg.pattern.interpret import Machine
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


def interpreted(source: Path, names: list[str], level: str) -> list[Case]:
    """What the lowered programs give, call after call."""
    bitcode = source.with_suffix(".bc")
    command = [part for part in bitcode_command(source.name, bitcode.name) if part not in OURS]
    subprocess.run([*command, *DEFINED, level], cwd=source.parent, check=True)
    whole = decode_program(lower(bitcode.read_bytes(), names[0], keep=names, trusted=True).data)
    functions = [function.name for function in whole.functions]
    cases = []
    for name in names:
        data = encode_program(replace(whole, entry=functions.index(name)))
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
