"""Options that cannot work are refused before anything runs."""

from pathlib import Path

import pytest

from bfimg.boot import BootOptions
from bfimg.errors import UsageError


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 86_401])
def test_timeout_that_cannot_be_kept(timeout):
    with pytest.raises(UsageError, match="cannot be kept"):
        BootOptions(Path("x"), timeout=timeout)


@pytest.mark.parametrize("pattern", ["(", "*", "[z-a]", "(?P<a>", "a{99999999999999999999}"])
def test_expectation_that_is_no_regular_expression(pattern):
    with pytest.raises(UsageError, match="no regular expression"):
        BootOptions(Path("x"), expect=("fine", pattern))


@pytest.mark.parametrize("size", [-1, 0, 3, 3585, 10**9])
def test_memory_size_that_cannot_be_used(size):
    with pytest.raises(UsageError, match="give 4 to 3584 MiB"):
        BootOptions(Path("x"), memory_mib=size)


@pytest.mark.parametrize("fields", [{"machine": "help"}, {"machine": "pc,help"}, {"cpu": "?"}], ids=str)
def test_question_to_qemu_is_no_run(fields):
    with pytest.raises(UsageError, match="QEMU lists them"):
        BootOptions(Path("x"), **fields)
