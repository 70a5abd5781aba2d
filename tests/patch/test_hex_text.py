"""An edited hexdump is written where it says, or refused: no byte is lost or taken from the text beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import hexdump
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimg.errors import FormatError
from bfimg.image.store import Store
from bfimg.patch import apply_hex_text

Make = Callable[..., Store]


@given(st.binary(min_size=1, max_size=70))
def test_what_the_hexdump_package_writes_comes_back(data: bytes) -> None:
    store = Store.blank(100)
    apply_hex_text(store, hexdump.hexdump(data, result="return"))
    assert store.read(0, len(data)) == data


@given(st.binary(min_size=1, max_size=70).filter(lambda data: data[:16] * 2 != data[:32]))
def test_what_the_hexdump_program_writes_comes_back(data: bytes) -> None:
    dump = subprocess.run(["hexdump", "-v", "-C"], input=data, capture_output=True, check=True).stdout.decode()
    store = Store.blank(100)
    apply_hex_text(store, dump)
    assert store.read(0, len(data)) == data


def test_what_inspect_prints_comes_back(bfimg: Callable[..., object], disk: Path) -> None:
    dump = bfimg("inspect", disk, "stage2", "--hex").out  # type: ignore[attr-defined]
    store = Store.blank(disk.stat().st_size)
    apply_hex_text(store, dump)
    assert store.read(512, 4096) == disk.read_bytes()[512 : 512 + 4096]
    assert not any(store.read(0, 512))


@pytest.mark.parametrize(
    ("text", "offset", "data"),
    [
        ("1FE: 55 AA", 0x1FE, b"\x55\xaa"),
        ("1fe: 55 aa\n\n", 0x1FE, b"\x55\xaa"),
        ("  000001fe: 55", 0x1FE, b"\x55"),
        ("0: " + "01 " * 8 + " " + "02 " * 7 + "02", 0, b"\1" * 8 + b"\2" * 8),
        ("0: " + "01 " * 15 + "01", 0, b"\1" * 16),
    ],
)
def test_lines_written_by_hand(text: str, offset: int, data: bytes) -> None:
    store = Store.blank(1000)
    apply_hex_text(store, text)
    assert store.read(offset, len(data)) == data
    assert sum(map(bool, store.read(0, 1000))) == len(data)


@pytest.mark.parametrize(
    "line",
    [
        "no dump",
        "55 AA",
        "1FE 55 AA",
        "1FE: 5",
        "1FE: 55 A",
        "1FE: 55AA",
        "1FE: 55 XY",
        "1FE: 55 AA and a remark",
        "00000000: 3041 4142                                0AAB",
        "*",
        "0: " + "01 " * 16 + "01",
        "0: " + "01 " * 8 + " " + "01 " * 8 + "01",
        "3E7: 01 02",
        "FFFFFFFFFFFFFFFF: 01",
        "10000000000000000: 01",
    ],
)
def test_other_lines_are_refused_before_anything_is_written(line: str) -> None:
    store = Store.blank(1000)
    with pytest.raises(FormatError, match="line 2 ") as caught:
        apply_hex_text(store, f"0: 01\n{line}\n", "change.hex")
    assert caught.value.path == "change.hex"
    assert not store.changed
