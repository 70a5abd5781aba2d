"""What the instructions of pattern programs are made of: types, conditions, slots, tails, traps.

Code is made of 32-bit little-endian words. The first word of an instruction holds the op in bits 0-7 and three
slots of eight bits (bits 8-15, 16-23, 24-31); what a slot holds is its `Slot`, what further words hold is the `Tail`.
Unused bits are zero. Registers are typed, i32 values are held modulo 2^32, comparisons are those of x86.
"""

from __future__ import annotations

from enum import IntEnum

from bfimg.formats.structure import Constant

ADDRESS_BASE = Constant(0x1, "Bit of an address word: the base register counts")
ADDRESS_INDEX = Constant(0x2, "Bit of an address word: the index register counts")
ADDRESS_SCALE_SHIFT = Constant(2, "Bits 2-3 of an address word: the index is shifted left by 0 to 3")
ADDRESS_DISPLACEMENT_SHIFT = Constant(4, "Bits 4-31 of an address word: signed displacement", "bytes")
ARGUMENTS_PER_WORD = Constant(4, "Registers in an argument word, first in the lowest byte; unused bytes are zero")
TARGETS_PER_WORD = Constant(2, "Block numbers in a target word, first in the lower half")


class ValueType(IntEnum):
    """Types of registers, parameters and results. Pointers and integers of up to 32 bits are I32."""

    NONE = 0
    I32 = 1
    I64 = 2
    F32 = 3
    F64 = 4


class Condition(IntEnum):
    """Integer comparisons. The numbers are x86's condition codes."""

    ULT = 0x2
    UGE = 0x3
    EQ = 0x4
    NE = 0x5
    ULE = 0x6
    UGT = 0x7
    SLT = 0xC
    SGE = 0xD
    SLE = 0xE
    SGT = 0xF


class FloatCondition(IntEnum):
    """Float comparisons: O.. is false and U.. is true for a NaN. From 2 on, x86's condition codes after ucomis.

    OLT, OLE, UGT and UGE are these with the operands exchanged: OGT, OGE, ULT, ULE.
    """

    OEQ = 0x0
    UNE = 0x1
    ULT = 0x2
    OGE = 0x3
    UEQ = 0x4
    ONE = 0x5
    ULE = 0x6
    OGT = 0x7
    UNO = 0xA
    ORD = 0xB


class Slot(IntEnum):
    """What a slot of the first word holds. The lowest bits of READ_ and WRITE_ are the ValueType."""

    NONE = 0x00  # zero
    READ_I32 = 0x01  # register
    READ_I64 = 0x02
    READ_F32 = 0x03
    READ_F64 = 0x04
    WRITE_I32 = 0x11
    WRITE_I64 = 0x12
    WRITE_F32 = 0x13
    WRITE_F64 = 0x14
    SIGNED8 = 0x20  # number, two's complement
    UNSIGNED8 = 0x21  # number
    CONDITION = 0x22  # Condition
    FLOAT_CONDITION = 0x23  # FloatCondition
    BASE = 0x24  # i32 register when ADDRESS_BASE is set, else zero
    INDEX = 0x25  # i32 register when ADDRESS_INDEX is set, else zero
    SIGNED16 = 0x26  # number, two's complement, with the next slot
    UNSIGNED16 = 0x27  # number, with the next slot
    BLOCK = 0x28  # number of a block of this function, with the next slot
    FUNCTION = 0x29  # number of a function, with the next slot
    TABLE = 0x2A  # number of an indirect-call table
    IMPORT = 0x2B  # number of an import
    RESULT = 0x2C  # register of the callee's result type, zero when it has none
    VALUE = 0x2D  # register of this function's result type
    HIGH = 0x2E  # upper half of the slot before it

    @property
    def type(self) -> ValueType:
        """Type of the register that is read or written; NONE for slots that do not fix one."""
        return ValueType(self & 0xF) if self < Slot.SIGNED8 else ValueType.NONE

    @property
    def writes(self) -> bool:
        """True for a register of fixed type that is written."""
        return Slot.WRITE_I32 <= self <= Slot.WRITE_F64


class Tail(IntEnum):
    """What stands behind the first word."""

    NONE = 0
    WORD = 1  # one word: 32-bit immediate
    LONG = 2  # two words: 64-bit immediate, lower half first
    ADDRESS = 3  # one word: scale, displacement, which registers count
    CONDITION = 4  # one word: Condition in bits 0-7
    FLOAT_CONDITION = 5  # one word: FloatCondition in bits 0-7
    COMPARE = 6  # one word: Condition, i32 register, i32 register
    COMPARE_IMMEDIATE = 7  # one word: Condition, i32 register, signed 8-bit number
    TARGETS = 8  # one word: block if true, block if false
    WORD_TARGETS = 9  # two words: 32-bit immediate, then as TARGETS
    SWITCH = 10  # target words: default block, then as many blocks as the UNSIGNED16 slot says; an unused half is zero
    ARGUMENTS = 11  # argument words, as many as the callee's signature needs


class Trap(IntEnum):
    """Why a program was stopped."""

    DIVIDE = 1  # division by zero, or of the smallest number by -1
    MEMORY = 2  # address below ARENA_START, or behind the arena
    INDIRECT_CALL = 3  # no such entry in the table
    CALL_DEPTH = 4  # more nested calls than the program declares
    CODE = 5  # a TRAP operation
    TIME = 6  # ran too long
