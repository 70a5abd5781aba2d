"""Put headers before module code: version 2 for bitcode, the native header for machine code."""

from __future__ import annotations

from bfimg.errors import FormatError
from bfimg.formats.bitcode_module import BitcodeHeader
from bfimg.formats.crc import CRC32
from bfimg.formats.llvm_wrapper import LlvmWrapperHeader
from bfimg.formats.native_module import NATIVE_MODULE_VERSION, NativeModuleHeader
from bfimg.formats.structure import encode_text


def wrap_bitcode(bitcode: bytes, *, name: str, entry: str, level: int = 0, module_version: int = 1) -> bytes:
    """Raw LLVM bitcode with a version-2 header: a module file that LLVM tools open as it is.

    level: where the kernel starts, 0 to 3. Raises FormatError when name or entry cannot stand in the header.
    """
    header = BitcodeHeader(
        wrapper=LlvmWrapperHeader(offset=BitcodeHeader.SIZE, size=len(bitcode)),
        optimisation_level=level,
        module_version=module_version,
        name=encode_text(name, BitcodeHeader.field_spec("name").size, field="module.name"),
        entry=encode_text(entry, BitcodeHeader.field_spec("entry").size, field="module.entry"),
        payload_crc=CRC32.compute(bitcode),
    ).sealed()
    return header.to_bytes() + bitcode


def native_module(name: str, code: bytes, entry_offset: int = 0) -> bytes:
    """Flat code with a native header: a ``.mod`` file. Raises FormatError for a name that does not fit."""
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
