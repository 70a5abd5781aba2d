"""Pattern program: what follows a pattern descriptor of type CUSTOM.

Header, then without gaps, each filled up with zeros to a multiple of four bytes: signatures, imports, tables, table
entries (u16, function numbers), functions, code, initial data, names (NUL-terminated ASCII, for profiles).

Code of a function: the loop depth of each block, one byte each, filled up to a word; then the words of all blocks, one
after the other (see `pattern_types.py`). A block begins where the one before it ends, and ends in a control operation.

The arena of a running program: nothing below ARENA_START; initial data from there; zeros up to `data_end`; the heap;
the stack of frames in the last `stack_bytes`, growing down. When `arena_size` - ARENA_START is a multiple of the page
size, the kernel has an unmapped page behind the arena and need not compare every address.
"""

from __future__ import annotations

from collections.abc import Sequence

from bfimg.formats.crc import CRC32
from bfimg.formats.pattern_types import ValueType
from bfimg.formats.structure import Constant, Structure, u8, u16, u32

PROGRAM_MAGIC = Constant(0x47525042, "'BPRG' in memory: a pattern program")
PROGRAM_VERSION = Constant(1, "Version of the program format")
ARENA_START = Constant(16, "First valid address of an arena; initial data stands here", "bytes")
MIN_ARENA = Constant(32, "Smallest arena", "bytes")
MAX_ARENA = Constant(0x1000000, "Largest arena; the kernel may have less", "bytes")
MAX_REGISTERS = Constant(255, "Registers of all types a function may have")
MAX_PARAMETERS = Constant(16, "Parameters a function may have")
MAX_CALL_DEPTH = Constant(1024, "Most nested calls a program may declare")
MAX_FUNCTIONS = Constant(4096, "Functions a program may have")
MAX_DECLARED = Constant(256, "Signatures, imports, tables a program may have, of each")
FRAME_ALIGNMENT = Constant(16, "Frames and the stack are multiples of this", "bytes")
NO_NAME = Constant(0xFFFF, "Name offset of a function without name")

_SOURCE = "BareFlow design: pattern program"


class ProgramHeader(Structure, c_name="program_header", size=60, source=_SOURCE):
    """Begins a pattern program."""

    magic: int = u32("Marks a pattern program", const=PROGRAM_MAGIC)
    version: int = u16("Version of the format", const=PROGRAM_VERSION)
    header_size: int = u16("Bytes in this header", unit="bytes", const=60)
    size: int = u32("Bytes of the program with this header", unit="bytes")
    arena_size: int = u32("Bytes of memory, a multiple of FRAME_ALIGNMENT", unit="bytes", low=MIN_ARENA, high=MAX_ARENA)
    stack_bytes: int = u32("Bytes at the end of the arena for frames, a multiple of FRAME_ALIGNMENT", unit="bytes")
    data_size: int = u32("Bytes of initial data stored", unit="bytes")
    data_end: int = u32("Address behind the global data, of which what is not stored is zero", unit="bytes")
    code_size: int = u32("Bytes of code of all functions", unit="bytes")
    names_size: int = u32("Bytes of names", unit="bytes")
    call_depth: int = u16("Most nested calls, the entry counts", low=1, high=MAX_CALL_DEPTH)
    entry: int = u16("Number of the function to call")
    signature_count: int = u16("Signatures", high=MAX_DECLARED)
    import_count: int = u16("Imports", high=MAX_DECLARED)
    table_count: int = u16("Indirect-call tables", high=MAX_DECLARED)
    entry_count: int = u16("Entries of all tables")
    function_count: int = u16("Functions", low=1, high=MAX_FUNCTIONS)
    reserved: int = u16("Zero", const=0)
    body_crc: int = u32("CRC-32/ISO-HDLC of everything behind this header")
    header_crc: int = u32("CRC of the 56 bytes before it", crc=CRC32)


class ProgramSignature(Structure, c_name="program_signature", size=8, source=_SOURCE):
    """What a function takes and gives."""

    result: int = u8("Type of the result", values=ValueType)
    parameter_count: int = u8("Parameters", high=MAX_PARAMETERS)
    reserved: int = u16("Zero", const=0)
    parameters: int = u32("Two bits for each parameter, first in bits 0-1: its ValueType - 1; unused bits are zero")


class ProgramImport(Structure, c_name="program_import", size=4, source=_SOURCE):
    """A helper that the program calls."""

    helper: int = u16("Number of the helper")
    signature: int = u16("Its signature")


class ProgramTable(Structure, c_name="program_table", size=8, source=_SOURCE):
    """Functions of one signature that may be called through a pointer, which is 1 for the first, 0 for none."""

    signature: int = u16("Signature of all entries")
    count: int = u16("Entries", low=1)
    first: int = u16("Number of the first entry: the sum of the counts before")
    reserved: int = u16("Zero", const=0)


class ProgramFunction(Structure, c_name="program_function", size=20, source=_SOURCE):
    """A function. Registers are numbered by type: first the i32, then i64, f32 and f64; zero at entry.

    Parameters arrive in the first registers of their type, in order. `code` is the sum of the lengths before.
    """

    signature: int = u16("Its signature")
    name: int = u16("Offset of its name in the names, NO_NAME for none", unit="bytes", default=NO_NAME)
    i32_count: int = u8("Registers of type i32")
    i64_count: int = u8("Registers of type i64")
    f32_count: int = u8("Registers of type f32")
    f64_count: int = u8("Registers of type f64")
    frame_bytes: int = u32(
        "Frame in the arena, a multiple of FRAME_ALIGNMENT; its contents are not cleared", unit="bytes"
    )
    code: int = u32("Where its loop depths begin, from the start of the code", unit="bytes")
    block_count: int = u16("Blocks; the first is the entry", low=1)
    code_words: int = u16("Words of code behind the loop depths", low=1)


def program_signature(result: ValueType, parameters: Sequence[ValueType]) -> ProgramSignature:
    """The signature of these types."""
    packed = sum((kind - 1) << (2 * place) for place, kind in enumerate(parameters))
    return ProgramSignature(result=result, parameter_count=len(parameters), parameters=packed)
