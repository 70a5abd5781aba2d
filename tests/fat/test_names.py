"""Short names are made as the FAT specification says."""

from __future__ import annotations

import pytest

from bfimg.errors import UsageError
from bfimg.fat.names import (
    ShortNameBase,
    check_name,
    exact_short_name,
    generate_short_name,
    short_name_checksum,
    short_name_text,
)


@pytest.mark.parametrize(
    ("name", "short"),
    [("SHA256.BC", b"SHA256  BC "), ("A", b"A          "), ("NAME1234.EXT", b"NAME1234EXT"), ("A~1", b"A~1        ")],
)
def test_names_that_are_short_names(name: str, short: bytes) -> None:
    assert exact_short_name(name) == short
    assert short_name_text(short) == name


@pytest.mark.parametrize("name", ["sha256.bc", "NINECHARS", "A.LONG", "A.B.C", "A B", ".A", "A.", "Ä", "A+B", ""])
def test_names_that_are_not(name: str) -> None:
    assert exact_short_name(name) is None


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("matrix_mul.mod", b"MATRIX~1MOD"),
        ("Makefile", b"MAKEFILE   "),
        ("a+b.c", b"A_B~1   C  "),
        (".profile", b"PROFIL~1   "),
        ("archive.tar.gz", b"ARCHIV~1GZ "),
        ("日本", b"__~1       "),
        ("...", b"_~1        "),
    ],
)
def test_generated_names(name: str, short: bytes) -> None:
    assert generate_short_name(name, set(), {}) == short


def test_numbers_go_on_until_one_is_free() -> None:
    taken: set[bytes] = {b"ALONGN~3TXT"}
    tails: dict[ShortNameBase, int] = {}
    for _ in range(119):
        taken.add(generate_short_name("a long name.txt", taken, tails))
    assert {b"ALONGN~1TXT", b"ALONG~10TXT", b"ALON~100TXT"} <= taken
    assert len(taken) == 120


def test_lower_case_flags_and_special_first_byte() -> None:
    assert short_name_text(b"README  TXT", 0x18) == "readme.txt"
    assert short_name_text(b"README  TXT", 0x08) == "readme.TXT"
    assert short_name_text(b"\x05BC     TXT") == "\u03c3BC.TXT"


def test_checksum_of_a_known_name() -> None:
    # Written by mtools for the long name "a long name.txt".
    assert short_name_checksum(b"ALONGN~1TXT") == sum_by_the_book(b"ALONGN~1TXT")


def sum_by_the_book(raw: bytes) -> int:
    total = 0
    for byte in raw:
        total = (((total & 1) << 7) | ((total & 0xFE) >> 1)) + byte & 0xFF
    return total


def test_reasons_for_refusal() -> None:
    for name, reason in [
        ("a/b", "'/'"),
        ("x" * 256, "256 UTF-16 units"),
        ("a ", "dot or space"),
        ("\ud800", "Unicode"),
    ]:
        with pytest.raises(UsageError, match=reason):
            check_name(name)
    check_name("x" * 255)
