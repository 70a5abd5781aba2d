"""Random C programs give the same numbers as host code and as lowered programs, at every level clang optimises to."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

import pytest

from bfimg.bitcode.lower import lower
from bfimg.pattern.interpret import Machine
from bfimg.toolchain.compiler import bitcode_command
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


def interpreted(source: Path, names: list[str], level: str) -> list[int | float | None]:
    """What the lowered program gives, call after call in one arena."""
    bitcode = source.with_suffix(".bc")
    command = [part for part in bitcode_command(source.name, bitcode.name) if part not in OURS]
    subprocess.run([*command, *DEFINED, level], cwd=source.parent, check=True)
    machine = Machine(lower(bitcode.read_bytes(), names[0], keep=names, trusted=True).data)
    return [machine.call([a], function=machine.function(name)).value for name in names for a in ARGUMENTS]


@pytest.mark.parametrize("first", range(0, EXAMPLES, PER_FILE))
def test_random_programs(first: int, tmp_path: Path) -> None:
    seeds = range(first, first + PER_FILE)
    names = [f"run_{seed}" for seed in seeds]
    source = tmp_path / "programs.c"
    source.write_text(PRELUDE + "".join(program(seed, name) for seed, name in zip(seeds, names, strict=True)))
    expected = native(source, names)
    for level in LEVELS:
        assert interpreted(source, names, level) == expected, level


def test_a_seed_stands_for_one_program() -> None:
    assert program(7, "a") == program(7, "a") != program(8, "a")
