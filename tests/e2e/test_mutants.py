"""Damaged programs on the machine: the kernel refuses each or runs it to an answer or a trap, and goes on.

The CRCs are made right again, so that every other check has to hold. What ends in the interpreter ends in the kernel in
the same way. The seed is fixed; BFIMG_TEST_TARGET_MUTANTS sets how many (`make test-long` runs 2,000).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bfimg.bitcode.lower import lower
from bfimg.boot.serial_protocol import Event
from bfimg.build.programs import load_programs
from bfimg.errors import FormatError
from bfimg.formats.pattern_types import Trap, ValueType
from bfimg.module.wrap import wrap_bitcode
from bfimg.pattern.interpret import Machine, Outcome
from tests.compiled import LAYOUTS
from tests.pattern.conftest import INEXACT
from tests.pattern.test_mutants import mutant

MUTANTS = int(os.environ.get("BFIMG_TEST_TARGET_MUTANTS", "200"))
LEVELS = [0, 1, 2, 3]  # in turn
PER_BOOT = 50
FUEL = 300_000
ARGUMENT = 1  # of a module whose name the kernel does not know
SETTINGS = ("iterations=1", "time_limit=20", "heap_kib=4096")
# What only the machine has too little of, in a program that is right.
NO_ROOM = ("its arena is larger than the module arena", "no room in the JIT code pool: raise jit_code_kib")
NO_END = ("time limit", "stack overflow")
STATUSES = {"unchecked", "stopped", "invalid"}


@dataclass(frozen=True)
class Mutant:
    """A damaged program; why it is refused, else what the interpreter made of it: None when that did not end."""

    program: bytes
    error: FormatError | None
    outcome: Outcome | None
    result: ValueType


@pytest.fixture(scope="module")
def sample_programs(repository: Path) -> list[bytes]:
    """The programs of the 12 modules."""
    return [
        lower((repository / f"samples/{program.name}.bc").read_bytes(), program.entry, trusted=True).data
        for program in load_programs(repository / "kernel")
    ]


@pytest.fixture(scope="module")
def mutants(sample_programs: list[bytes]) -> list[Mutant]:
    random = Random(6)
    return [interpreted(mutant(random, random.choice(sample_programs))) for _ in range(MUTANTS)]


def interpreted(program: bytes) -> Mutant:
    try:
        machine = Machine(program)
    except FormatError as error:
        return Mutant(program, error, None, ValueType.NONE)
    signature = machine.program.functions[machine.program.entry].signature
    if INEXACT & set(machine.program.imports):
        return Mutant(program, None, None, signature.result)
    outcome = machine.call(arguments(signature.parameters), fuel=FUEL)
    ended = outcome.stop is None or outcome.stop.trap is not Trap.TIME
    return Mutant(program, None, outcome if ended else None, signature.result)


def arguments(kinds: tuple[ValueType, ...]) -> list[Any]:
    """As the kernel passes them: the first word is the argument, the others are zero."""
    layout = "<" + "".join(LAYOUTS[kind] for kind in kinds)
    words = ARGUMENT.to_bytes(4, "little").ljust(max(4, struct.calcsize(layout)), b"\0")
    return list(struct.unpack_from(layout, words))


def assert_contained(mutant: Mutant, event: Event, fault: Event | None) -> None:
    assert event["status"] in STATUSES
    if mutant.error is not None:
        assert (event["status"], event["offset"]) == ("invalid", mutant.error.offset)
        return
    if event["status"] == "invalid":
        assert event["reason"] in NO_ROOM
        return
    outcome = mutant.outcome
    if outcome is None or event.get("reason") in NO_END:
        return
    if outcome.stop is None:
        assert event["status"] == "unchecked"
        assert mutant.result is not ValueType.I32 or event["answer"] == outcome.value
        return
    assert fault is not None
    place = outcome.stop.place
    assert event["reason"] == f"{outcome.stop.trap.name.lower().replace('_', ' ')} trap"
    assert (fault["function"], fault["block"], fault["operation"]) == (place.function, place.block, place.instruction)


def test_mutants_are_refused_trapped_and_answered(mutants: list[Mutant]) -> None:
    outcomes = [each.outcome for each in mutants if each.outcome is not None]
    stopped = sum(outcome.stop is not None for outcome in outcomes)
    assert stopped > MUTANTS // 40 and len(outcomes) - stopped > MUTANTS // 10
    assert sum(each.error is not None for each in mutants) > MUTANTS // 4


@pytest.mark.parametrize("number", range(MUTANTS // PER_BOOT))
def test_mutants_are_refused_or_contained(
    number: int,
    mutants: list[Mutant],
    slave_volume: Callable[..., Path],
    boot_disk: Callable[..., Any],
    kernel_disk: Path,
    module_files: dict[str, bytes],
    repository: Path,
) -> None:
    raw = (repository / "samples" / "fibonacci.bc").read_bytes()
    batch = {f"M{place}": each for place, each in enumerate(mutants[number * PER_BOOT : (number + 1) * PER_BOOT])}
    files = {f"{name}.BC": wrap_bitcode(raw, name=name, entry="main", program=m.program) for name, m in batch.items()}
    settings = (*SETTINGS, f"jit_level={LEVELS[number % len(LEVELS)]}")
    volume = slave_volume({**files, "SUM.MOD": module_files["sum"]})
    run = boot_disk(kernel_disk, slave=volume, icount=True, timeout=60, config=settings)
    assert (run.module("SUM.MOD")["status"], run.only("done")["passed"]) == ("passed", 1)
    faults = {event["module"]: event for event in run.events("fault")}
    for name, each in batch.items():
        assert_contained(each, run.module(f"{name}.BC"), faults.get(name))
