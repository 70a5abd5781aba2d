"""Pattern descriptor: what the kernel's compiler works from."""

from __future__ import annotations

from enum import IntEnum

from bfimg.formats.bitcode_module import MAX_OPTIMISATION_LEVEL
from bfimg.formats.crc import CRC32
from bfimg.formats.structure import Constant, Structure, u8, u16, u32

PATTERN_MAGIC = Constant(0x50415454, "Pattern section; the number spells PATT")
PATTERN_VERSION = Constant(1, "Pattern descriptor version")


class PatternType(IntEnum):
    """The fixed patterns, and CUSTOM for a program of its own."""

    FIBONACCI = 1
    SUM = 2
    FACTORIAL = 3
    POWER = 4
    LOOP_ADD = 5
    CUSTOM = 6


class PatternDescriptor(Structure, c_name="pattern_descriptor", size=32, source="BareFlow design: pattern descriptor"):
    """Begins a pattern section. With type CUSTOM a program of `program_size` bytes follows."""

    magic: int = u32("Marks a pattern section", const=PATTERN_MAGIC)
    version: int = u16("Descriptor version", const=PATTERN_VERSION)
    type: int = u8("Kind of pattern", default=PatternType.CUSTOM, values=PatternType)
    level: int = u8("Level to start at: O0 to O3", high=MAX_OPTIMISATION_LEVEL)
    param1: int = u32("First parameter of a fixed pattern")
    param2: int = u32("Second parameter of a fixed pattern")
    program_size: int = u32("Bytes of program behind the descriptor, 0 for a fixed pattern", unit="bytes")
    program_crc: int = u32("CRC-32/ISO-HDLC of the program, 0 for none")
    reserved: int = u32("Zero", const=0)
    crc: int = u32("CRC of the 28 bytes before it", crc=CRC32)
