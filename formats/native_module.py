"""Native module (`.mod`): a header and flat 32-bit code linked for the module arena.

Code built by bfimg starts with a jump to the entry, then a table that says what the module needs and carries the CRCs.
Code without a table is a module too: nothing is known of it but its entry.
"""

from __future__ import annotations

from enum import IntEnum

from bfimg.formats.cpu_features import CpuFeature
from bfimg.formats.crc import CRC32
from bfimg.formats.structure import Constant, Structure, text, u16, u32

NATIVE_MODULE_MAGIC = Constant(0x4D4F4442, "Native module; the number spells MODB")
NATIVE_MODULE_VERSION = Constant(1, "Module version written by the build")
NATIVE_TABLE_MAGIC = Constant(0x42544D42, "'BMTB' in memory: the table of a native module")
NATIVE_TABLE_VERSION = Constant(1, "Version of the table")
NATIVE_TABLE_OFFSET = Constant(16, "Where the table stands, from the start of the code", "bytes")
NATIVE_FUNCTIONS_MAX = Constant(256, "Most functions that an instrumented module may have")
NATIVE_FUNCTION_NAME_MAX = Constant(255, "Longest name of such a function, without its NUL", "bytes")

_SOURCE = "BareFlow design: native module"


class NativeModuleHeader(Structure, c_name="native_module_header", size=48, source=_SOURCE):
    """Stands before the code. The code follows directly."""

    magic: int = u32("Marks a native module", const=NATIVE_MODULE_MAGIC)
    name: bytes = text(32, "Module name, NUL-padded ASCII")
    entry_offset: int = u32("Entry point, from the start of the code", unit="bytes")
    code_size: int = u32("Bytes of code behind the header", unit="bytes", low=1)
    version: int = u32("Module version")


class NativeModuleFlag(IntEnum):
    """Bits of NativeModuleTable.flags."""

    SIZE_KNOWN = 0x1
    ANSWER_KNOWN = 0x2
    INSTRUMENTED = 0x4


class NativeModuleTable(Structure, c_name="native_module_table", size=64, source=_SOURCE):
    """Stands in the code at NATIVE_TABLE_OFFSET. All offsets count from the start of the code.

    The linker fills in init, fini and image_size, the build the rest. Behind the image stand, in instrumented modules,
    the NativeFunction entries and their names, which the kernel does not copy to the arena.
    """

    magic: int = u32("Marks the table", const=NATIVE_TABLE_MAGIC)
    version: int = u16("Version of the table", const=NATIVE_TABLE_VERSION)
    table_size: int = u16("Bytes in this table", unit="bytes", const=64)
    flags: int = u32("What is known and what is there", bits=NativeModuleFlag)
    size: int = u32("Argument of each call, if known")
    answer: int = u32("What the entry returns for it, if known")
    init: int = u32("Function that runs static constructors", unit="bytes")
    fini: int = u32("Function that runs static destructors", unit="bytes")
    image_size: int = u32("Bytes of code, data and bss to copy to the arena; its heap begins behind", unit="bytes")
    functions: int = u32("First NativeFunction entry, 0 for none", unit="bytes")
    function_count: int = u32("NativeFunction entries, in the order of their offsets", high=NATIVE_FUNCTIONS_MAX)
    cpu_features: int = u32("What the code needs of the CPU", bits=CpuFeature)
    reserved0: int = u32("Zero", const=0)
    reserved1: int = u32("Zero", const=0)
    reserved2: int = u32("Zero", const=0)
    file_crc: int = u32("CRC-32/ISO-HDLC of the module file without this table")
    table_crc: int = u32("CRC of the 60 bytes before it", crc=CRC32)


class NativeFunction(Structure, c_name="native_function", size=12, source=_SOURCE):
    """A function that an instrumented module may report by its address."""

    offset: int = u32("First byte of the function, from the start of the code", unit="bytes")
    size: int = u32("Length of the function, 0 when unknown", unit="bytes")
    name: int = u32("Its NUL-terminated printable ASCII name, from the start of the code", unit="bytes")
