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


def test_memory_of_nothing():
    with pytest.raises(UsageError, match="at least 1 MiB"):
        BootOptions(Path("x"), memory_mib=0)
