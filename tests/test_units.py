"""Sizes as people write them."""

from __future__ import annotations

import pytest

from bfimg.errors import UsageError
from bfimg.units import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("512B", 512),
        ("2880s", 1_474_560),
        ("64K", 65_536),
        ("64 KiB", 65_536),
        ("1m", 1 << 20),
        ("10.5MiB", 11_010_048),
        ("1.44G", None),
        ("2G", 2 << 30),
        ("0x200", 512),
        ("0x8S", 4096),
    ],
)
def test_units(text: str, size: int | None) -> None:
    if size is None:
        with pytest.raises(UsageError, match="no whole number of bytes"):
            parse_size(text)
    else:
        assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1", "1e6", "12 apples", "1.K", "0x", "1" * 5000, "one"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="is no size"):
        parse_size(text)
