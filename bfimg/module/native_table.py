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
    """The table, None in code that has none: made by another tool.

    One whose magic alone is damaged is still a table: its CRC fits the right magic.
    """
    window = data[TABLE_START:_TABLE_END]
    if len(window) < NativeModuleTable.SIZE:
        return None
    table = NativeModuleTable.parse(window)
    mended = NATIVE_TABLE_MAGIC.to_bytes(4, "little") + window[4:-4]
    return table if table.magic == NATIVE_TABLE_MAGIC or CRC32.compute(mended) == table.table_crc else None


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
    entry = NativeModuleHeader.parse(data).entry_offset
    if entry >= table.image_size:
        yield f"entry_offset {entry} is outside the image of {table.image_size} bytes"
    if not smallest <= table.image_size <= len(code):
        yield f"table.image_size is {table.image_size}, must be in {smallest}..{len(code)}"
    for name in ("init", "fini"):
        if getattr(table, name) >= table.image_size:
            yield f"table.{name} {getattr(table, name):#x} is outside the image of {table.image_size} bytes"
    if bool(table.flags & NativeModuleFlag.INSTRUMENTED) != bool(table.functions):
        yield f"table.functions is {table.functions}, the flags say otherwise"
    elif bool(table.functions) != bool(table.function_count):
        yield f"table.function_count is {table.function_count}, with functions at {table.functions}"
    elif table.functions:
        yield from _function_problems(code, table)


def _function_problems(code: bytes, table: NativeModuleTable) -> Iterator[str]:
    end = table.functions + table.function_count * NativeFunction.SIZE
    if table.functions < table.image_size or end > len(code):
        yield f"table.functions {table.functions}..{end} are not between the image and the end of the code"
        return
    free = 0  # behind the function before
    for index, function in enumerate(functions(code, table)):
        after = function.offset + function.size
        if not free <= function.offset < table.image_size or after > table.image_size:
            yield f"table.functions[{index}] {function.offset:#x}..{after:#x} is outside the image or out of order"
        elif function.name < end or not _is_name(code, function.name):
            yield f"table.functions[{index}].name {function.name:#x} is no text behind the functions"
        free = max(after, function.offset + 1)


def _is_name(code: bytes, at: int) -> bool:
    text, end, _ = code[at : at + NATIVE_FUNCTION_NAME_MAX + 1].partition(b"\0")
    return bool(end and text) and all(0x20 <= byte <= 0x7E for byte in text)


def functions(code: bytes, table: NativeModuleTable) -> tuple[NativeFunction, ...]:
    """The functions of an instrumented module; `code` begins behind the header. Raises FormatError where cut short."""
    start, size = table.functions, NativeFunction.SIZE
    return tuple(NativeFunction.parse(code, start + index * size) for index in range(table.function_count))
