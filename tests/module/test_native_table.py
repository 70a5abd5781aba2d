"""The table of a native module: sealed so that every flipped bit shows, and each wrong field has a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bfimg.errors import FitError, FormatError
from bfimg.formats.native_module import (
    NATIVE_TABLE_OFFSET,
    NativeFunction,
    NativeModuleFlag,
    NativeModuleHeader,
    NativeModuleTable,
)
from bfimg.module.identify import identify
from bfimg.module.native_table import TABLE_START, file_crc, find_table, functions
from bfimg.module.wrap import FunctionName, LinkedModule, native_module, sealed_module

IMAGE_SIZE = 128
FUNCTIONS = (FunctionName(80, 8, "first"), FunctionName(96, 0, "_ZN6secondC2Ev"))


def linked(named: tuple[FunctionName, ...] | None = FUNCTIONS, size: int = IMAGE_SIZE) -> LinkedModule:
    """What a linker script makes: a jump, the table with its own fields filled in, code."""
    table = NativeModuleTable(image_size=size, init=88).to_bytes()
    image = b"\xe9\x00\x00\x00\x00".ljust(NATIVE_TABLE_OFFSET, b"\0") + table
    return LinkedModule(image.ljust(IMAGE_SIZE, b"\x90"), named, 0x1D)


def changed(data: bytes, **fields: int) -> bytes:
    """The module with fields of its table replaced and both CRCs right."""
    table = find_table(data)
    assert table is not None
    table = table.replace(file_crc=file_crc(data)).replace(**fields).sealed()
    return data[:TABLE_START] + table.to_bytes() + data[TABLE_START + NativeModuleTable.SIZE :]


def test_a_sealed_module_says_what_is_known() -> None:
    data = sealed_module("one", linked(), size=7, answer=0xFFFFFFFF, version=9)
    info = identify(data)
    assert (info.name, info.version, info.problems) == ("one", 9, ())
    table = info.table
    assert table is not None
    assert (table.flags, table.size, table.answer) == (7, 7, 0xFFFFFFFF)
    assert (table.init, table.fini, table.image_size, table.cpu_features) == (88, 0, IMAGE_SIZE, 0x1D)
    code = data[NativeModuleHeader.SIZE :]
    found = functions(code, table)
    assert [(f.offset, f.size) for f in found] == [(80, 8), (96, 0)]
    assert [code[f.name :].split(b"\0")[0].decode() for f in found] == ["first", "_ZN6secondC2Ev"]
    assert code[:NATIVE_TABLE_OFFSET] == linked().image[:NATIVE_TABLE_OFFSET]


def test_what_is_not_known_is_not_claimed() -> None:
    table = identify(sealed_module("one", linked(None))).table
    assert table is not None
    assert (table.flags, table.size, table.answer, table.functions, table.function_count) == (0, 0, 0, 0, 0)
    table = identify(sealed_module("one", linked(()), size=0)).table
    assert table is not None
    assert table.flags == NativeModuleFlag.SIZE_KNOWN
    assert table.functions == table.function_count == 0


def test_every_flipped_bit_is_noticed() -> None:
    data = sealed_module("one", linked(), size=7)
    for index in range(len(data)):
        for bit in (0x01, 0x80):
            flipped = bytearray(data)
            flipped[index] ^= bit
            assert identify(bytes(flipped)).problems, (index, bit)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"version": 2}, "table.version is 0x2, must be 0x1"),
        ({"table_size": 63}, "table.table_size is 0x3f, must be 0x40"),
        ({"flags": 0xF}, "table.flags is 0xf, has bits beyond 0x7"),
        ({"cpu_features": 0x20}, "table.cpu_features is 0x20, has bits beyond 0x1f"),
        ({"reserved1": 1}, "table.reserved1 is 0x1, must be 0x0"),
        ({"file_crc": 1}, "table.file_crc is 0x1, computed 0x"),
        ({"init": IMAGE_SIZE}, "table.init 0x80 is outside the image of 128 bytes"),
        ({"fini": 0xFFFFFFFF}, "table.fini 0xffffffff is outside the image of 128 bytes"),
        ({"image_size": 79}, "table.image_size is 79, must be in 80..173"),
        ({"image_size": 174}, "table.image_size is 174, must be in 80..173"),
        ({"functions": 0}, "table.functions is 0, the flags say otherwise"),
        ({"flags": 0}, "table.functions is 128, the flags say otherwise"),
        ({"functions": 124}, "table.functions 124..148 are not between the image and the end of the code"),
        ({"functions": 172}, "table.functions 172..196 are not between the image and the end of the code"),
        ({"functions": 0xFFFFFFFF}, "table.functions 4294967295..4294967319 are not between"),
        ({"function_count": 257}, "table.function_count is 257, must be in ..256"),
        ({"function_count": 0}, "table.function_count is 0, with functions at 128"),
        ({"function_count": 4}, "table.functions 128..176 are not between the image and the end of the code"),
    ],
    ids=str,
)
def test_each_wrong_field_is_named(fields: dict[str, int], problem: str) -> None:
    problems = identify(changed(sealed_module("one", linked()), **fields)).problems
    assert any(found.startswith(problem) for found in problems), problems


@pytest.mark.parametrize(
    ("index", "fields", "problem"),
    [
        (0, {"offset": IMAGE_SIZE}, "table.functions[0] 0x80..0x88 is outside the image or out of order"),
        (1, {"offset": 80}, "table.functions[1] 0x50..0x50 is outside the image or out of order"),
        (0, {"size": 49}, "table.functions[0] 0x50..0x81 is outside the image or out of order"),
        (0, {"size": 17}, "table.functions[1] 0x60..0x60 is outside the image or out of order"),
        (1, {"name": 157}, "table.functions[1].name 0x9d is no text behind the functions"),
        (1, {"name": 151}, "table.functions[1].name 0x97 is no text behind the functions"),
        (1, {"name": 173}, "table.functions[1].name 0xad is no text behind the functions"),
        (0, {"name": 0xFFFFFFFF}, "table.functions[0].name 0xffffffff is no text behind the functions"),
    ],
)
def test_each_wrong_function_is_named(index: int, fields: dict[str, int], problem: str) -> None:
    data = sealed_module("one", linked())
    at = NativeModuleHeader.SIZE + IMAGE_SIZE + index * NativeFunction.SIZE
    function = NativeFunction.parse(data, at).replace(**fields)
    assert identify(changed(data[:at] + function.to_bytes() + data[at + NativeFunction.SIZE :])).problems[0] == problem


def test_a_name_without_end() -> None:
    data = sealed_module("one", linked())[:-1] + b"x"
    assert "table.functions[1].name 0x9e is no text behind the functions" in identify(changed(data)).problems


@pytest.mark.parametrize("byte", [0x1F, 0x7F, 0xE4])
def test_a_name_that_is_not_printable(byte: int) -> None:
    data = sealed_module("one", linked())
    data = data.replace(b"first", bytes([byte]) + b"irst")
    assert "table.functions[0].name 0x98 is no text behind the functions" in identify(changed(data)).problems


def test_a_long_name_is_cut_to_what_the_kernel_takes() -> None:
    data = sealed_module("one", linked((FunctionName(80, 8, "f" * 300),)))
    info = identify(data)
    assert info.problems == ()
    assert data.endswith(b"\0" + b"f" * 255 + b"\0")


def test_an_entry_behind_the_image() -> None:
    data = sealed_module("one", linked())
    header = NativeModuleHeader.parse(data).replace(entry_offset=IMAGE_SIZE)
    info = identify(changed(header.to_bytes() + data[NativeModuleHeader.SIZE :]))
    assert info.problems == ("entry_offset 128 is outside the image of 128 bytes",)


def test_code_without_a_table_is_a_module_too() -> None:
    info = identify(native_module("one", b"\xc3" * 200))
    assert (info.table, info.problems) == (None, ())
    assert find_table(native_module("one", linked().image[:79])) is None


def test_a_file_cut_short_is_told_by_its_length_alone() -> None:
    assert identify(sealed_module("one", linked())[:-1]).problems == ("code_size is 173, 172 bytes follow the header",)


@pytest.mark.parametrize(
    ("make", "error", "reason"),
    [
        (lambda: sealed_module("x" * 32, linked()), FormatError, r"module\.name"),
        (lambda: sealed_module("one", linked(size=99)), FormatError, "table says 99 bytes, the linker made 128"),
        (
            lambda: sealed_module("one", LinkedModule(b"\xc3" * 16, None, 0)),
            FormatError,
            r"module\.table: truncated: native_module_table needs 64 bytes, 0 are there",
        ),
        (
            lambda: sealed_module("one", linked(tuple(FunctionName(n, 1, "f") for n in range(257)))),
            FitError,
            "257 functions to instrument, a module may have 256",
        ),
    ],
)
def test_what_cannot_be_sealed(make: Callable[[], Path], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        make()
