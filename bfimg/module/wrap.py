"""Put headers before module code: version 2 for bitcode, the native header for machine code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bfimg.errors import FitError, FormatError
from bfimg.formats.bitcode_module import BitcodeHeader
from bfimg.formats.crc import CRC32
from bfimg.formats.llvm_wrapper import LlvmWrapperHeader
from bfimg.formats.native_module import (
    NATIVE_FUNCTION_NAME_MAX,
    NATIVE_FUNCTIONS_MAX,
    NATIVE_MODULE_VERSION,
    NATIVE_TABLE_OFFSET,
    NativeFunction,
    NativeModuleFlag,
    NativeModuleHeader,
    NativeModuleTable,
)
from bfimg.formats.structure import encode_text
from bfimg.module.native_table import TABLE_START, file_crc
from bfimg.module.program import pattern_section

_SECTION_ALIGNMENT = 4


def wrap_bitcode(
    bitcode: bytes, *, name: str, entry: str, level: int = 0, module_version: int = 1, program: bytes = b""
) -> bytes:
    """Raw LLVM bitcode with a version-2 header: a module file that LLVM tools open as it is.

    level: where the kernel starts, 0 to 3. program: the pattern program, which goes behind the bitcode in a section
    of its own. Raises FormatError when name or entry cannot stand in the header.
    """
    section = pattern_section(level, program) if program else b""
    payload = bitcode + bytes(-len(bitcode) % _SECTION_ALIGNMENT) + section if section else bitcode
    header = BitcodeHeader(
        wrapper=LlvmWrapperHeader(offset=BitcodeHeader.SIZE, size=len(bitcode)),
        optimisation_level=level,
        module_version=module_version,
        name=encode_text(name, BitcodeHeader.field_spec("name").size, field="module.name"),
        entry=encode_text(entry, BitcodeHeader.field_spec("entry").size, field="module.entry"),
        pattern_offset=BitcodeHeader.SIZE + len(payload) - len(section) if section else 0,
        pattern_size=len(section),
        payload_crc=CRC32.compute(payload),
    ).sealed()
    return header.to_bytes() + payload


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function of a module. offset: bytes from the start of the code; size: bytes; name: as the linker knows it."""

    offset: int
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class LinkedModule:
    """Code linked for the module arena, with a table whose linker's fields are filled in.

    functions: those that report their calls, in the order of their offsets; none in a module without probes.
    cpu_features: bits of CpuFeature that the code needs.
    """

    image: bytes
    functions: tuple[FunctionName, ...]
    cpu_features: int


def sealed_module(
    name: str,
    linked: LinkedModule,
    *,
    size: int | None = None,
    answer: int | None = None,
    version: int = NATIVE_MODULE_VERSION,
) -> bytes:
    """A ``.mod`` file from linked code: the table filled in, both CRCs computed.

    size: what the kernel calls the entry with. answer: what it then returns. Raises FormatError for a name that does
    not fit or a table the linker did not fill in, FitError for more functions than a table may have.
    """
    table = NativeModuleTable.parse(linked.image, NATIVE_TABLE_OFFSET, field="module.table")
    if table.image_size != len(linked.image):
        raise FormatError(
            f"table says {table.image_size} bytes, the linker made {len(linked.image)}",
            field="module.table.image_size",
            hint="mend the linker script",
        )
    flags, functions = 0, b""
    if size is not None:
        flags |= NativeModuleFlag.SIZE_KNOWN
    if answer is not None:
        flags |= NativeModuleFlag.ANSWER_KNOWN
    if linked.functions:
        flags |= NativeModuleFlag.INSTRUMENTED
        functions = _functions(linked.functions, table.image_size)
        table = table.replace(functions=table.image_size, function_count=len(linked.functions))
    table = table.replace(flags=flags, size=size or 0, answer=answer or 0, cpu_features=linked.cpu_features)
    code = linked.image + functions
    header = NativeModuleHeader(
        name=encode_text(name, NativeModuleHeader.field_spec("name").size, field="module.name"),
        code_size=len(code),
        version=version,
    )
    data = header.to_bytes() + code
    table = table.replace(file_crc=file_crc(data)).sealed()
    return data[:TABLE_START] + table.to_bytes() + data[TABLE_START + NativeModuleTable.SIZE :]


def _functions(named: Sequence[FunctionName], start: int) -> bytes:
    """The NativeFunction entries at offset `start` of the code, and their names, cut where too long, behind them."""
    if len(named) > NATIVE_FUNCTIONS_MAX:
        raise FitError(
            f"{len(named)} functions to instrument, a module may have {int(NATIVE_FUNCTIONS_MAX)}",
            field="module.table.function_count",
            hint="instrument a smaller module",
        )
    entries, names = b"", b""
    text = start + len(named) * NativeFunction.SIZE
    for function in named:
        entries += NativeFunction(offset=function.offset, size=function.size, name=text + len(names)).to_bytes()
        names += function.name.encode("ascii", "backslashreplace")[:NATIVE_FUNCTION_NAME_MAX] + b"\0"
    return entries + names


def native_module(name: str, code: bytes, entry_offset: int = 0) -> bytes:
    """Flat code of another tool with a native header: a ``.mod`` file without a table.

    Raises FormatError for a name that does not fit or an entry outside the code.
    """
    if not 0 <= entry_offset < len(code):
        raise FormatError(
            f"entry at {entry_offset}, the code has {len(code)} bytes",
            field="module.entry_offset",
            hint="mend the entry",
        )
    header = NativeModuleHeader(
        name=encode_text(name, NativeModuleHeader.field_spec("name").size, field="module.name"),
        entry_offset=entry_offset,
        code_size=len(code),
        version=NATIVE_MODULE_VERSION,
    )
    return header.to_bytes() + code
