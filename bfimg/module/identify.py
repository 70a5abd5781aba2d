"""Recognise a module file by its contents and say what it holds and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bfimg.errors import FormatError
from bfimg.formats.bitcode_module import (
    BITCODE_MAGIC,
    BitcodeHeader,
    LegacyBitcodeHeader,
    LegacyPackedBitcodeHeader,
)
from bfimg.formats.crc import CRC32
from bfimg.formats.llvm_wrapper import LLVM_BITCODE_MAGIC, LLVM_WRAPPER_MAGIC, LlvmWrapperHeader
from bfimg.formats.memory_map import memory_region
from bfimg.formats.native_module import NATIVE_MODULE_MAGIC, NativeModuleHeader, NativeModuleTable
from bfimg.formats.structure import Structure, decode_text
from bfimg.module.native_table import find_table, table_problems
from bfimg.module.program import read_section

HEAD_BYTES = BitcodeHeader.SIZE


class ModuleKind(StrEnum):
    """What a module file is."""

    NATIVE = "native"
    BITCODE = "bitcode"  # version-2 header
    LEGACY_BITCODE = "legacy bitcode"  # version-1 header, C structure or packing script
    WRAPPED_BITCODE = "wrapped bitcode"  # LLVM's wrapper, not BareFlow's
    RAW_BITCODE = "raw bitcode"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ModuleInfo:
    """A module file. Offsets and sizes in bytes from its start; `problems` is empty when it can be loaded.

    table: of a native module that bfimg built; other code has none.
    """

    kind: ModuleKind
    name: str
    entry: str
    version: int
    level: int
    header: Structure | None
    payload_offset: int
    payload_size: int
    problems: tuple[str, ...]
    table: NativeModuleTable | None = None


def identify(data: bytes) -> ModuleInfo:
    """What the bytes of a module file are. Never raises on bad contents: they end up in `problems`."""
    magic = int.from_bytes(data[:4], "little") if len(data) >= 4 else None
    if magic == NATIVE_MODULE_MAGIC:
        return _native(data)
    if magic == LLVM_WRAPPER_MAGIC:
        return _wrapped(data)
    if magic == BITCODE_MAGIC:
        return _legacy(data)
    if magic == LLVM_BITCODE_MAGIC:
        return ModuleInfo(ModuleKind.RAW_BITCODE, "", "", 0, 0, None, 0, len(data), ("has no module header",))
    reason = "is empty" if not data else "has no module magic"
    return ModuleInfo(ModuleKind.UNKNOWN, "", "", 0, 0, None, 0, len(data), (reason,))


def _truncated(kind: ModuleKind, structure: type[Structure], data: bytes) -> ModuleInfo:
    reason = f"is {len(data)} bytes, its header alone is {structure.SIZE}"
    return ModuleInfo(kind, "", "", 0, 0, None, len(data), 0, (reason,))


def _native(data: bytes) -> ModuleInfo:
    if len(data) < NativeModuleHeader.SIZE:
        return _truncated(ModuleKind.NATIVE, NativeModuleHeader, data)
    header = NativeModuleHeader.parse(data)
    size = len(data) - NativeModuleHeader.SIZE
    problems = [f"{problem.field} {problem.message}" for problem in header.problems()]
    problems += _text_problems("name", header.name)
    if header.code_size != size:
        problems.append(f"code_size is {header.code_size}, {size} bytes follow the header")
    if header.entry_offset >= header.code_size:
        problems.append(f"entry_offset {header.entry_offset} is outside the {header.code_size} bytes of code")
    arena = memory_region("module_arena").size
    if header.code_size > arena:
        problems.append(f"code_size {header.code_size} is larger than the module arena's {arena}")
    name = decode_text(header.name)
    start = NativeModuleHeader.SIZE
    table = find_table(data)
    if table is not None and header.code_size == size:
        problems += table_problems(data, table)
    return ModuleInfo(ModuleKind.NATIVE, name, "", header.version, 0, header, start, size, tuple(problems), table)


def _wrapped(data: bytes) -> ModuleInfo:
    second = data[LlvmWrapperHeader.SIZE : LlvmWrapperHeader.SIZE + 4]
    if len(data) < LlvmWrapperHeader.SIZE:
        return _truncated(ModuleKind.WRAPPED_BITCODE, LlvmWrapperHeader, data)
    if int.from_bytes(second, "little") != BITCODE_MAGIC:
        wrapper = LlvmWrapperHeader.parse(data)
        problems = [f"{problem.field} {problem.message}" for problem in wrapper.problems()]
        problems += _extent_problems(wrapper, len(data)) or ["has no BareFlow header"]
        kind = ModuleKind.WRAPPED_BITCODE
        return ModuleInfo(kind, "", "", 0, 0, wrapper, wrapper.offset, wrapper.size, tuple(problems))
    if len(data) < BitcodeHeader.SIZE:
        return _truncated(ModuleKind.BITCODE, BitcodeHeader, data)
    header = BitcodeHeader.parse(data)
    problems = [f"{problem.field} {problem.message}" for problem in header.problems()]
    problems += _text_problems("name", header.name) + _text_problems("entry", header.entry)
    problems += _extent_problems(header.wrapper, len(data))
    payload = data[BitcodeHeader.SIZE :]
    crc = CRC32.compute(payload)
    if crc != header.payload_crc:
        problems.append(f"payload_crc is {header.payload_crc:#x}, computed {crc:#x}")
    end = header.pattern_offset + header.pattern_size
    if header.pattern_size and (header.pattern_offset < BitcodeHeader.SIZE or end > len(data)):
        problems.append(f"pattern section {header.pattern_offset}..{end} is outside the file of {len(data)} bytes")
    elif section := read_section(data, header):
        problems += section.problems
    return ModuleInfo(
        ModuleKind.BITCODE,
        decode_text(header.name),
        decode_text(header.entry),
        header.module_version,
        header.optimisation_level,
        header,
        header.wrapper.offset,
        header.wrapper.size,
        tuple(problems),
    )


def _extent_problems(wrapper: LlvmWrapperHeader, size: int) -> list[str]:
    end = wrapper.offset + wrapper.size
    if end > size:
        return [f"wrapper says bitcode up to byte {end}, the file has {size}"]
    return []


def _legacy(data: bytes) -> ModuleInfo:
    """The two version-1 headers differ in length only; the bitcode's magic tells which it is."""
    for structure in (LegacyBitcodeHeader, LegacyPackedBitcodeHeader):
        start = structure.SIZE
        if int.from_bytes(data[start : start + 4], "little") in (LLVM_BITCODE_MAGIC, LLVM_WRAPPER_MAGIC):
            header = structure.parse(data)
            size = len(data) - start
            problems = ["has a version-1 header: wrap it again with add-module"]
            if header.bitcode_size != size:
                problems.append(f"bitcode_size is {header.bitcode_size}, {size} bytes follow the header")
            return ModuleInfo(
                ModuleKind.LEGACY_BITCODE,
                decode_text(header.name),
                decode_text(header.entry),
                header.version,
                header.optimisation_level,
                header,
                start,
                size,
                tuple(problems),
            )
    reason = "has a version-1 header but no bitcode behind it"
    return ModuleInfo(ModuleKind.LEGACY_BITCODE, "", "", 0, 0, None, 0, len(data), (reason,))


def _text_problems(field: str, raw: bytes) -> list[str]:
    text, terminator, _ = raw.partition(b"\0")
    if not terminator:
        return [f"{field} has no NUL at its end"]
    if not text or not text.isascii() or not text.decode("ascii").isprintable():
        return [f"{field} is empty or not printable ASCII"]
    return []


def payload(data: bytes, info: ModuleInfo, path: str | None = None) -> bytes:
    """The raw bitcode or code inside a module file. Raises FormatError when it is not all there."""
    part = data[info.payload_offset : info.payload_offset + info.payload_size]
    if len(part) < info.payload_size:
        raise FormatError(
            f"{info.payload_size} bytes of payload expected, {len(part)} are there",
            path=path,
            offset=info.payload_offset,
            hint="make the file again",
        )
    return part
