"""What every definition gets from `Structure`."""

from __future__ import annotations

from enum import IntEnum

import pytest

from bfimg.errors import FormatError
from bfimg.formats.crc import CRC16
from bfimg.formats.structure import (
    Structure,
    array,
    decode_text,
    encode_text,
    nested,
    raw,
    text,
    u8,
    u16,
    u32,
    u64,
)


class Colour(IntEnum):
    RED = 1
    BLUE = 2


class Point(Structure, c_name="point", size=3, source="test"):
    """A point."""

    x: int = u8("across", low=1, high=9)
    y: int = u16("down", default=7)


class Sheet(Structure, c_name="sheet", size=40, source="test"):
    """All kinds of field."""

    magic: int = u32("marks a sheet", const=0x11223344)
    colour: int = u8("colour", values=Colour, default=Colour.RED)
    blob: bytes = raw(4, "bytes")
    title: bytes = text(8, "text")
    corner: Point = nested(Point, "one point")
    rest: tuple[Point, ...] = array(Point, 2, "two points")
    big: int = u64("large", default=1 << 40)
    tail: int = u32("free")
    crc: int = u16("CRC of what stands before", crc=CRC16)


def sheet() -> Sheet:
    point = Point(x=2, y=0x0304)
    return Sheet(blob=b"\1\2\3\4", title=b"abc\0\xff\0\0\0", corner=point, rest=(point, point))


def test_bytes_are_little_endian_and_in_field_order() -> None:
    assert sheet().to_bytes() == bytes.fromhex(
        "44332211010102030461626300ff0000000204030204030204030000000000010000000000000000"
    )


def test_parse_gives_back_what_was_built_at_any_offset() -> None:
    data = b"xyz" + sheet().to_bytes() + b"tail"
    assert Sheet.parse(data, 3) == sheet()
    assert Sheet.parse(memoryview(data), 3) == sheet()


def test_every_byte_pattern_survives_a_round_trip() -> None:
    for value in (0x00, 0x5A, 0xFF):
        data = bytes([value]) * Sheet.SIZE
        assert Sheet.parse(data).to_bytes() == data


def test_truncated_input_names_structure_place_and_sizes() -> None:
    with pytest.raises(FormatError) as caught:
        Point.parse(b"\1\2\3\4", 2, path="a.img", field="corner")
    assert str(caught.value) == "a.img: offset 0x2: corner: truncated: point needs 3 bytes, 2 are there"


def test_a_value_too_large_for_its_field_is_refused_by_name() -> None:
    with pytest.raises(FormatError, match=r"point: .*y"):
        Point(y=0x10000).to_bytes()


def test_declared_size_must_be_the_sum_of_the_fields() -> None:
    with pytest.raises(TypeError, match="Wrong is 1 bytes, declared as 2"):

        class Wrong(Structure, c_name="wrong", size=2, source="test"):
            one: int = u8("only one byte")


def test_objects_are_immutable_values() -> None:
    assert Point(x=1) == Point(x=1) != Point(x=2)
    assert Point(x=1) != (1, 7)
    assert len({Point(x=1), Point(x=1), Point(x=2)}) == 2
    assert repr(Point(x=1)) == "Point(x=1, y=7)"
    with pytest.raises(AttributeError, match=r"use replace\(x="):
        Point().x = 1
    with pytest.raises(TypeError, match="Point has no field z"):
        Point(z=1)


def test_offsets_and_missing_fields() -> None:
    assert Sheet.offset_of("crc") == 38
    assert Sheet.field_spec("corner").element is Point
    with pytest.raises(KeyError):
        Sheet.field_spec("colours")


def test_sealed_fills_in_the_crc_of_what_stands_before() -> None:
    sealed = sheet().sealed()
    assert sealed.crc == CRC16.compute(sealed.to_bytes()[:38]) != 0
    assert not list(sealed.problems())


def test_problems_name_path_offset_and_what_is_allowed() -> None:
    bad = sheet().replace(magic=1, colour=3, corner=Point(x=0), rest=(Point(x=1), Point(x=10))).sealed()
    found = [(p.field, p.offset, p.message) for p in bad.problems("s", 100)]
    assert found == [
        ("s.magic", 100, "is 0x1, must be 0x11223344"),
        ("s.colour", 104, "is 0x3, must be one of 0x1 red, 0x2 blue"),
        ("s.corner.x", 117, "is 0, must be in 1..9"),
        ("s.rest[1].x", 123, "is 10, must be in 1..9"),
    ]
    assert [p.field for p in sheet().problems()] == ["crc"]


def test_legal_ranges_in_words() -> None:
    assert Sheet.field_spec("magic").legal() == "0x11223344"
    assert Sheet.field_spec("colour").legal() == "0x1 red, 0x2 blue"
    assert Sheet.field_spec("crc").legal() == "CRC-16/IBM-3740"
    assert Point.field_spec("x").legal() == "1..9"
    assert Sheet.field_spec("tail").legal() == ""


def test_unpacker_reads_the_same_values() -> None:
    values = Sheet.unpacker().unpack(sheet().to_bytes())
    point = Point(x=2, y=0x0304).to_bytes()
    assert values == (0x11223344, 1, b"\1\2\3\4", b"abc\0\xff\0\0\0", point, point * 2, 1 << 40, 0, 0)


def test_text_ends_at_nul_and_shows_odd_bytes() -> None:
    assert decode_text(b"abc\0def") == "abc"
    assert decode_text(b"a\xffc") == "a\\xffc"
    assert decode_text(b"LABEL   ", b" ") == "LABEL"


def test_text_is_padded_and_leaves_room_for_nul() -> None:
    assert encode_text("abc", 4, field="name") == b"abc\0"
    for bad in ("abcd", "", "ä", "a\n"):
        with pytest.raises(FormatError, match="name: "):
            encode_text(bad, 4, field="name")
