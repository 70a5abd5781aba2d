"""What a LLVM module is made for and which symbols it has: read from its bitcode, without LLVM.

Specification: "LLVM Bitcode File Format", chapters "Bitcode Wrapper Format" and "LLVM IR Encoding". It leaves
out IDENTIFICATION_BLOCK and SOURCE_FILENAME, whose codes stand in LLVM's LLVMBitCodes.h, and linkage codes
above 14, which stand in LLVM's BitcodeReader.cpp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from bfimg.bitcode.bitstream import CUT_SHORT, DAMAGED, Bitstream, Block, Record
from bfimg.errors import FormatError
from bfimg.formats.llvm_wrapper import LLVM_BITCODE_MAGIC, LLVM_WRAPPER_MAGIC, LlvmWrapperHeader

MAGIC = LLVM_BITCODE_MAGIC.to_bytes(4, "little")
WRAPPER_MAGIC = LLVM_WRAPPER_MAGIC.to_bytes(4, "little")

MODULE_VERSION = 2

# "MODULE_CODE_GLOBALVAR Record", linkage, as the keyword of LLVM assembly. Codes 1, 4, 10 and 11 are what
# older writers used for 16 to 19; 5, 6 and 15 are obsolete kinds of external, 13 and 14 of private.
LINKAGES = {
    **dict.fromkeys((0, 5, 6, 15), "external"),
    **dict.fromkeys((1, 16), "weak"),
    2: "appending",
    3: "internal",
    **dict.fromkeys((4, 18), "linkonce"),
    7: "extern_weak",
    8: "common",
    **dict.fromkeys((9, 13, 14), "private"),
    **dict.fromkeys((10, 17), "weak_odr"),
    **dict.fromkeys((11, 19), "linkonce_odr"),
    12: "available_externally",
}


class BlockId(IntEnum):
    """The blocks that get read ("LLVM IR Blocks"). Function bodies, types, metadata and so on are skipped."""

    MODULE = 8
    IDENTIFICATION = 13
    STRTAB = 23


class ModuleCode(IntEnum):
    """Records of the module block that get read ("MODULE_BLOCK Contents")."""

    VERSION = 1
    TRIPLE = 2
    DATALAYOUT = 3
    GLOBALVAR = 7
    FUNCTION = 8
    SOURCE_FILENAME = 16


IDENTIFICATION_STRING = 1
IDENTIFICATION_EPOCH = 2
STRTAB_BLOB = 1

SYMBOL_OPERANDS = 6  # of a function or variable, up to its linkage; what follows is not needed here


@dataclass(frozen=True, slots=True)
class FunctionSummary:
    """A function of the module, in the module's order.

    name: as in the string table; bytes that are not UTF-8 appear as ``\\xNN``; empty for a nameless function.
    linkage: the keyword of LLVM assembly (external, internal, weak, ...).
    calling_convention: LLVM's number (0 is C, 8 fastcc, 64 x86_stdcallcc).
    """

    name: str
    is_declaration: bool
    linkage: str
    calling_convention: int


@dataclass(frozen=True, slots=True)
class GlobalSummary:
    """A global variable of the module, in the module's order.

    name, linkage: as in FunctionSummary. is_constant: it is never written to.
    """

    name: str
    is_declaration: bool
    linkage: str
    is_constant: bool


@dataclass(frozen=True, slots=True)
class BitcodeSummary:
    """A module's description of itself.

    producer: who wrote the file, such as ``LLVM14.0.6``. epoch: LLVM's compatibility epoch, 0 so far.
    triple, data_layout, source_filename: as in the module, empty where it has none.
    functions and globals are complete, declarations included; aliases and ifuncs are not listed.
    offset, size: where the raw bitcode lies in the data, in bytes; offset is 0 without a wrapper header.
    """

    producer: str
    epoch: int
    triple: str
    data_layout: str
    source_filename: str
    functions: tuple[FunctionSummary, ...]
    globals: tuple[GlobalSummary, ...]
    offset: int
    size: int


def summarise(data: bytes, *, path: str | None = None) -> BitcodeSummary:
    """Read the summary of the first module in a bitcode file; further modules are not looked at.

    data: raw bitcode, or bitcode behind a wrapper header. path: the file's name, for error messages.
    Raises FormatError, with the byte offset in data, if the data is no bitcode, is damaged where it has to be
    read (function bodies are not), or has a module version other than 2, which LLVM has written since LLVM 5.
    """
    offset, size = _locate(data, path)
    stream = Bitstream(data[offset : offset + size], base=offset, path=path)
    identification: tuple[str, int] | None = None
    module: _Module | None = None
    strtab: bytes | None = None
    for block in _blocks(stream):
        if block.block_id == BlockId.IDENTIFICATION and module is None:
            identification = _read_identification(stream, block)
        elif block.block_id == BlockId.MODULE and module is None:
            module = _read_module(stream, block)
        elif block.block_id == BlockId.STRTAB and module is not None:
            strtab = _read_strtab(stream, block)
            break  # the first string table behind a module is the module's own
    if module is None:
        raise stream.error("no module in the bitcode", offset + size, hint=CUT_SHORT)
    if identification is None:
        raise stream.error("no identification block before the module", offset, hint=CUT_SHORT)
    if strtab is None:
        raise stream.error("no string table behind the module", offset + size, hint=CUT_SHORT)
    names = _Names(stream, strtab)
    return BitcodeSummary(
        producer=identification[0],
        epoch=identification[1],
        triple=module.triple,
        data_layout=module.data_layout,
        source_filename=module.source_filename,
        functions=tuple(_function(symbol, names) for symbol in module.functions),
        globals=tuple(_global(symbol, names) for symbol in module.globals),
        offset=offset,
        size=size,
    )


def _locate(data: bytes, path: str | None) -> tuple[int, int]:
    """Offset and size in bytes of the raw bitcode; "Bitcode Wrapper Format" if it is wrapped."""
    offset, size = 0, len(data)
    if data.startswith(WRAPPER_MAGIC):
        header = LlvmWrapperHeader.parse(data, path=path)
        offset, size = header.offset, header.size
        if offset + size > len(data):
            raise FormatError(
                f"wrapped bitcode ends at {offset + size:#x}, but the data ends at {len(data):#x}",
                path=path,
                offset=header.offset_of("offset"),
                field="llvm_wrapper_header.offset",
                hint=CUT_SHORT,
            )
    magic = data[offset : offset + min(size, len(MAGIC))]
    if magic != MAGIC:
        message = f"not LLVM bitcode: it begins with {magic.hex(' ') or 'nothing'}, not {MAGIC.hex(' ')}"
        raise FormatError(message, path=path, offset=offset, hint="clang -c -emit-llvm writes bitcode")
    return offset, size


def _blocks(stream: Bitstream) -> Iterator[Block]:
    """The outermost blocks."""
    return (item for item in stream.items(stream.top) if isinstance(item, Block))


def _records(stream: Bitstream, block: Block) -> Iterator[Record]:
    """The records of a block; blocks nested in it are skipped."""
    return (item for item in stream.items(block) if isinstance(item, Record))


def _read_identification(stream: Bitstream, block: Block) -> tuple[str, int]:
    """Producer and epoch."""
    producer, epoch = "", 0
    for record in _records(stream, block):
        if record.code == IDENTIFICATION_STRING:
            producer = _text(stream, record, "identification.string")
        elif record.code == IDENTIFICATION_EPOCH:
            epoch = _operands(stream, record, 1, "identification.epoch")[0]
    return producer, epoch


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A function or variable before its name is known: the record's first SYMBOL_OPERANDS operands."""

    field: str
    offset: int
    operands: list[int]


@dataclass(slots=True)
class _Module:
    """What the module block says. The names of its symbols are in the string table, which comes later."""

    triple: str = ""
    data_layout: str = ""
    source_filename: str = ""
    functions: list[_Symbol] = field(default_factory=list)
    globals: list[_Symbol] = field(default_factory=list)


def _read_module(stream: Bitstream, block: Block) -> _Module:
    """Read "MODULE_BLOCK Contents"."""
    module = _Module()
    version = 0  # what a module without the record has
    for record in _records(stream, block):
        match record.code:
            case ModuleCode.FUNCTION | ModuleCode.GLOBALVAR if version != MODULE_VERSION:
                break  # their operands mean something else
            case ModuleCode.FUNCTION:
                module.functions.append(_symbol(stream, record, "module.function"))
            case ModuleCode.GLOBALVAR:
                module.globals.append(_symbol(stream, record, "module.globalvar"))
            case ModuleCode.VERSION:
                version = _operands(stream, record, 1, "module.version")[0]
            case ModuleCode.TRIPLE:
                module.triple = _text(stream, record, "module.triple")
            case ModuleCode.DATALAYOUT:
                module.data_layout = _text(stream, record, "module.datalayout")
            case ModuleCode.SOURCE_FILENAME:
                module.source_filename = _text(stream, record, "module.source_filename")
    if version != MODULE_VERSION:
        message = f"module version is {version}, not {MODULE_VERSION}, which keeps names in a string table"
        hint = "compile the source again with clang 14 or newer"
        raise stream.error(message, block.offset, field="module.version", hint=hint)
    return module


def _read_strtab(stream: Bitstream, block: Block) -> bytes:
    """Read "STRTAB_BLOCK Contents": one blob."""
    for record in _records(stream, block):
        if record.code == STRTAB_BLOB and record.blob is not None:
            return record.blob
    raise stream.error("string table without its blob", block.offset, field="strtab.blob", hint=DAMAGED)


class _Names:
    """Looks up symbol names in the string table."""

    def __init__(self, stream: Bitstream, strtab: bytes) -> None:
        self._stream = stream
        self._strtab = strtab
        self._unclaimed = len(strtab)

    def of(self, symbol: _Symbol) -> str:
        """The name at the offset and of the size, in bytes, that a symbol's first two operands give.

        A writer stores the name of each symbol once, so all names together are no longer than the table.
        Holding them to that keeps a small hostile file from asking for the whole table thousands of times.
        """
        start, size = symbol.operands[:2]
        if start + size > len(self._strtab):
            message = f"name at {start} to {start + size} of a string table of {len(self._strtab)} bytes"
            raise self._stream.error(message, symbol.offset, field=symbol.field, hint=DAMAGED)
        self._unclaimed -= size
        if self._unclaimed < 0:
            message = "names overlap in the string table"
            raise self._stream.error(message, symbol.offset, field=symbol.field, hint=DAMAGED)
        return self._strtab[start : start + size].decode("utf-8", "backslashreplace")


def _function(symbol: _Symbol, names: _Names) -> FunctionSummary:
    """Interpret "MODULE_CODE_FUNCTION Record"."""
    _, _, _, calling_convention, isproto, linkage = symbol.operands
    return FunctionSummary(
        name=names.of(symbol),
        is_declaration=isproto != 0,
        linkage=_linkage(linkage),
        calling_convention=calling_convention,
    )


def _global(symbol: _Symbol, names: _Names) -> GlobalSummary:
    """Interpret "MODULE_CODE_GLOBALVAR Record". The flag in isconst is bit 0; other bits are not about it."""
    _, _, _, isconst, initid, linkage = symbol.operands
    return GlobalSummary(
        name=names.of(symbol),
        is_declaration=initid == 0,
        linkage=_linkage(linkage),
        is_constant=isconst & 1 != 0,
    )


def _linkage(code: int) -> str:
    """LLVM takes a linkage that it does not know for external; so do we."""
    return LINKAGES.get(code, "external")


def _symbol(stream: Bitstream, record: Record, field: str) -> _Symbol:
    return _Symbol(field, record.offset, _operands(stream, record, SYMBOL_OPERANDS, field))


def _operands(stream: Bitstream, record: Record, count: int, field: str) -> list[int]:
    """The first operands of a record, which must have so many."""
    if len(record.operands) < count:
        message = f"record has {len(record.operands)} operands, at least {count} are wanted"
        raise stream.error(message, record.offset, field=field, hint=DAMAGED)
    return record.operands[:count]


def _text(stream: Bitstream, record: Record, field: str) -> str:
    """The string whose bytes are the operands of a record."""
    if any(operand > 0xFF for operand in record.operands):
        raise stream.error("string holds a value that is no byte", record.offset, field=field, hint=DAMAGED)
    return bytes(record.operands).decode("utf-8", "backslashreplace")
