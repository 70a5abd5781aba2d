"""Bitcode module (`.bc`): version 2, which every LLVM tool opens, and the two legacy version-1 headers."""

from __future__ import annotations

from bfimg.formats.crc import CRC32
from bfimg.formats.llvm_wrapper import LlvmWrapperHeader
from bfimg.formats.structure import Constant, Structure, nested, raw, text, u8, u16, u32

BITCODE_MAGIC = Constant(0x4C4C4243, "Bitcode module; the number spells LLBC")
BITCODE_VERSION = Constant(2, "Bitcode header version written by bfimg")
MAX_OPTIMISATION_LEVEL = Constant(3, "Highest optimisation level, O3")


class BitcodeHeader(Structure, c_name="bitcode_header", size=128, source="BareFlow design: bitcode header v2"):
    """Wrapper header first, then BareFlow's fields. The payload follows: bitcode, then pattern section."""

    wrapper: LlvmWrapperHeader = nested(LlvmWrapperHeader, "LLVM wrapper header; its offset is 128 here")
    magic: int = u32("Marks a bitcode module", const=BITCODE_MAGIC)
    header_version: int = u16("Header version", const=BITCODE_VERSION)
    header_size: int = u16("Bytes in this header", unit="bytes", const=128)
    optimisation_level: int = u8("Level the kernel starts at: O0 to O3", high=MAX_OPTIMISATION_LEVEL)
    flags: int = u8("None defined yet", const=0)
    module_version: int = u16("Version of the module itself", default=1)
    name: bytes = text(32, "Module name, NUL-padded ASCII")
    entry: bytes = text(48, "Name of the function to call, NUL-padded ASCII")
    pattern_offset: int = u32("Start of the pattern section from the start of the file, 0 for none", unit="bytes")
    pattern_size: int = u32("Length of the pattern section", unit="bytes")
    payload_crc: int = u32("CRC-32/ISO-HDLC of everything behind this header")
    header_crc: int = u32("CRC of the 124 bytes before it", crc=CRC32)


class LegacyBitcodeHeader(Structure, c_name="legacy_bitcode_header", size=120, source="BareFlow 1: the C structure"):
    """Version 1 as the C structure declared it. Raw bitcode follows. Read only."""

    magic: int = u32("Marks a bitcode module", const=BITCODE_MAGIC)
    name: bytes = text(32, "Module name, NUL-padded ASCII")
    entry: bytes = text(64, "Entry function, NUL-padded ASCII")
    bitcode_size: int = u32("Bytes of bitcode behind the header", unit="bytes")
    version: int = u32("Module version")
    optimisation_level: int = u32("Level: O0 to O3", high=MAX_OPTIMISATION_LEVEL)
    reserved: bytes = raw(8, "Unused")


class LegacyPackedBitcodeHeader(
    Structure, c_name="legacy_packed_bitcode_header", size=124, source="BareFlow 1: the packing script"
):
    """Version 1 as the packing script wrote it: four reserved bytes more. Read only."""

    magic: int = u32("Marks a bitcode module", const=BITCODE_MAGIC)
    name: bytes = text(32, "Module name, NUL-padded ASCII")
    entry: bytes = text(64, "Entry function, NUL-padded ASCII")
    bitcode_size: int = u32("Bytes of bitcode behind the header", unit="bytes")
    version: int = u32("Module version")
    optimisation_level: int = u32("Level: O0 to O3", high=MAX_OPTIMISATION_LEVEL)
    reserved: bytes = raw(12, "Unused")
