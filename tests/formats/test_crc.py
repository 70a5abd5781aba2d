"""CRCs have the values the catalogue gives."""

from __future__ import annotations

import zlib

import crcmod.predefined
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimg.formats.crc import ALL, CRC16, CRC32, Crc


@pytest.mark.parametrize("crc", ALL, ids=lambda crc: crc.name)
def test_check_value_of_the_catalogue(crc: Crc) -> None:
    assert crc.compute(b"123456789") == crc.check


@given(st.binary())
def test_equal_to_independent_definitions(data: bytes) -> None:
    assert CRC32.compute(data) == zlib.crc32(data)
    assert CRC16.compute(data) == crcmod.predefined.mkPredefinedCrcFun("crc-ccitt-false")(data)


def test_crc32_from_zlib_and_from_the_polynomial_agree() -> None:
    same = Crc("copy", CRC32.width, CRC32.polynomial, CRC32.initial, True, CRC32.xor_out, CRC32.check)
    assert same.compute(b"123456789") == CRC32.check
