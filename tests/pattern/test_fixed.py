"""The fixed patterns are programs that compute what their names say."""

from __future__ import annotations

import math

import pytest

from bfimg.errors import UsageError
from bfimg.formats.pattern import PatternDescriptor, PatternType
from bfimg.formats.pattern_types import Trap
from bfimg.pattern.encode import encode_program
from bfimg.pattern.fixed import fixed_program, run_fixed


def fibonacci(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


WANTED = {
    PatternType.FIBONACCI: lambda a, b: fibonacci(a),
    PatternType.SUM: lambda a, b: a * (a + 1) // 2,
    PatternType.FACTORIAL: lambda a, b: math.factorial(a),
    PatternType.POWER: lambda a, b: a**b,
    PatternType.LOOP_ADD: lambda a, b: a * b,
}


@pytest.mark.parametrize("kind", WANTED, ids=lambda kind: kind.name)
def test_answers(kind: PatternType) -> None:
    for first in (0, 1, 2, 5, 12, 47, 100):
        for second in (0, 1, 3, 0xFFFFFFFF if kind is PatternType.LOOP_ADD else 31):
            outcome = run_fixed(PatternDescriptor(type=kind, param1=first, param2=second))
            assert outcome.value == WANTED[kind](first, second) & 0xFFFFFFFF, (first, second)


@pytest.mark.parametrize("kind", WANTED, ids=lambda kind: kind.name)
def test_programs_are_small(kind: PatternType) -> None:
    assert len(encode_program(fixed_program(kind))) <= 160


def test_an_endless_count_runs_out_of_time() -> None:
    outcome = run_fixed(PatternDescriptor(type=PatternType.SUM, param1=0xFFFFFFFF), fuel=1000)
    assert outcome.stop is not None and outcome.stop.trap is Trap.TIME


def test_custom_is_no_fixed_pattern() -> None:
    with pytest.raises(UsageError, match="custom is no fixed pattern"):
        fixed_program(PatternType.CUSTOM)
