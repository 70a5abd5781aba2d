"""The table inside a native module: found, judged, sealed. Data is always a whole module file, header first."""

from __future__ import annotations

from collections.abc import Iterator

from bfimg.formats.crc import CRC32
from bfimg.formats.native_module import (
    NATIVE_FUNCTION_NAME_MAX,
    NATIVE_TABLE_MAGIC,
    NATIVE_TABLE_OFFSET,
    NativeFunction,
    NativeModuleFlag,
    NativeModuleHeader,
    NativeModuleTable,
)

TABLE_START = NativeModuleHeader.SIZE + NATIVE_TABLE_OFFSET
_TABLE_END = TABLE_START + NativeModuleTable.SIZE


def find_table(data: bytes) -> NativeModuleTable | None:
    """The table, None in code that has none: made by another tool."""
    window = data[TABLE_START:_TABLE_END]
    if len(window) < NativeModuleTable.SIZE or int.from_bytes(window[:4], "little") != NATIVE_TABLE_MAGIC:
        return None
    return NativeModuleTable.parse(window)


def file_crc(data: bytes) -> int:
    """What NativeModuleTable.file_crc has to be: the CRC-32 of the file without the table."""
    return CRC32.compute(data[:TABLE_START] + data[_TABLE_END:])


def without_table(data: bytes) -> bytes:
    """The code of a module that has a table, the table blanked, so that what differs in it is not counted as code."""
    return data[NativeModuleHeader.SIZE : TABLE_START] + bytes(NativeModuleTable.SIZE) + data[_TABLE_END:]


def table_problems(data: bytes, table: NativeModuleTable) -> Iterator[str]:
    """What is wrong with the table of a file whose header is right; each begins with the field."""
    for problem in table.problems("table"):
        yield f"{problem.field} {problem.message}"
    crc = file_crc(data)
    if table.file_crc != crc:
        yield f"table.file_crc is {table.file_crc:#x}, computed {crc:#x}"
    code = data[NativeModuleHeader.SIZE :]
    smallest = NATIVE_TABLE_OFFSET + NativeModuleTable.SIZE
    if not smallest <= table.image_size <= len(code):
        yield f"table.image_size is {table.image_size}, must be in {smallest}..{len(code)}"
    for name in ("init", "fini"):
        if getattr(table, name) >= table.image_size:
            yield f"table.{name} {getattr(table, name):#x} is outside the image of {table.image_size} bytes"
    if bool(table.flags & NativeModuleFlag.INSTRUMENTED) != bool(table.functions):
        yield f"table.functions is {table.functions}, the flags say otherwise"
    elif bool(table.functions) != bool(table.function_count):
        yield f"table.function_count is {table.function_count}, table.functions {table.functions}"
    elif table.functions:
        yield from _function_problems(code, table)


def _function_problems(code: bytes, table: NativeModuleTable) -> Iterator[str]:
    end = table.functions + table.function_count * NativeFunction.SIZE
    if table.functions < table.image_size or end > len(code):
        yield f"table.functions {table.functions}..{end} are not between the image and the end of the code"
        return
    behind = 0
    for index, function in enumerate(functions(code, table)):
        if not behind <= function.offset < table.image_size:
            yield f"table.functions[{index}].offset {function.offset:#x} is outside the image or out of order"
        elif function.size > table.image_size - function.offset:
            yield f"table.functions[{index}].size {function.size} reaches beyond the image"
        elif not (end <= function.name < len(code) and _is_name(code, function.name)):
            yield f"table.functions[{index}].name {function.name:#x} is no text behind the functions"
        behind = function.offset + function.size


def _is_name(code: bytes, start: int) -> bool:
    return code.find(b"\0", start, start + NATIVE_FUNCTION_NAME_MAX + 1) - start > 0


def functions(code: bytes, table: NativeModuleTable) -> tuple[NativeFunction, ...]:
    """The functions of an instrumented module; `code` begins behind the header. Raises FormatError where cut short."""
    start, size = table.functions, NativeFunction.SIZE
    return tuple(NativeFunction.parse(code, start + index * size) for index in range(table.function_count))
