"""kernel/profile/statistics.c, built for the host, against Python's integers."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

U64_MAX = 2**64 - 1
SQUARE_WORDS = 4


class Statistics(ctypes.Structure):
    """struct statistics, as a 64-bit compiler lays it out."""

    _fields_ = (
        ("count", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("minimum", ctypes.c_uint64),
        ("maximum", ctypes.c_uint64),
        ("squares", ctypes.c_uint32 * SQUARE_WORDS),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> ctypes.CDLL:
    path = tmp_path_factory.mktemp("statistics") / "statistics.so"
    warnings = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsanitize=undefined", "-fsanitize-trap=all")
    source = repository / "kernel" / "profile" / "statistics.c"
    command = ("clang", *warnings, "-O1", "-shared", "-fPIC", "-I", repository / "kernel", source, "-o", path)
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(path))
    loaded.statistics_add.argtypes = (ctypes.POINTER(Statistics), ctypes.c_uint64)
    for function in (loaded.statistics_average, loaded.statistics_variance):
        function.argtypes, function.restype = (ctypes.POINTER(Statistics),), ctypes.c_uint64
    return loaded


def sums(library: ctypes.CDLL, values: list[int]) -> Statistics:
    statistics = Statistics()
    for value in values:
        library.statistics_add(statistics, value)
    return statistics


def variance(values: list[int]) -> int:
    """Of the population, rounded down: (n * sum of squares - square of the sum) / n^2."""
    n = len(values)
    return (n * sum(value * value for value in values) - sum(values) ** 2) // n**2


@st.composite
def measured(draw: st.DrawFn) -> list[int]:
    """Values of any size whose sum has 64 bits."""
    bits = draw(st.integers(0, 64))
    values = draw(st.lists(st.integers(0, 2**bits - 1) | st.integers(0, 1000), max_size=40))
    while sum(values) > U64_MAX:
        values.pop()
    return values


@given(measured())
def test_sums_equal_those_of_python(library: ctypes.CDLL, values: list[int]) -> None:
    statistics = sums(library, values)
    assert statistics.count == len(values)
    assert statistics.total == sum(values)
    squares = sum(word << 32 * i for i, word in enumerate(statistics.squares))
    assert squares == sum(value * value for value in values)
    assert (statistics.minimum, statistics.maximum) == (min(values, default=0), max(values, default=0))
    assert library.statistics_average(statistics) == (sum(values) // len(values) if values else 0)
    assert library.statistics_variance(statistics) == (min(variance(values), U64_MAX) if values else 0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2, 4, 4, 4, 5, 5, 7, 9], 4),
        ([U64_MAX], 0),
        ([0, U64_MAX], U64_MAX),
        ([0, 2**33 - 1], (2**33 - 1) ** 2 // 4),
        ([10**15 + 1, 10**15 + 2, 10**15 + 4], 1),
    ],
)
def test_variance_of_known_values(library: ctypes.CDLL, values: list[int], expected: int) -> None:
    assert library.statistics_variance(sums(library, values)) == expected


def test_a_million_values_lose_nothing(library: ctypes.CDLL) -> None:
    values = [2**40 + i % 1000 for i in range(1_000_000)]
    assert library.statistics_variance(sums(library, values)) == variance(values) == 83333


@given(st.integers(0, 2**32 - 1), st.integers(0, U64_MAX), st.integers(0, 2**128 - 1))
def test_sums_that_cannot_be_are_survived(library: ctypes.CDLL, count: int, total: int, squares: int) -> None:
    """A module may write anything over its own records."""
    words = (ctypes.c_uint32 * SQUARE_WORDS)(*(squares >> 32 * i & 0xFFFFFFFF for i in range(SQUARE_WORDS)))
    statistics = Statistics(count, total, 0, 0, words)
    exact = (count * squares - total**2) // count**2 if count else 0
    assert library.statistics_variance(statistics) == (exact if 0 <= exact <= U64_MAX else U64_MAX)
    guarded = (Statistics * 2)(statistics)
    library.statistics_add(guarded[0], U64_MAX)
    assert bytes(guarded[1]) == bytes(Statistics())
