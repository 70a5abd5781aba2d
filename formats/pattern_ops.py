"""Operations of pattern programs: the one table that encoder, verifier, interpreter and the kernel's compiler share."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

from bfimg.formats.pattern_types import Slot, Tail

_WIDE = (Slot.SIGNED16, Slot.UNSIGNED16, Slot.BLOCK, Slot.FUNCTION)


def _shape(text: str) -> tuple[tuple[Slot, Slot, Slot], Tail]:
    """Slots and tail from text such as "I32 = I32 SIGNED8 | CONDITION": a type before = is written, else read."""
    first, _, tail = text.partition("|")
    written, _, others = first.rpartition("=")
    slots = [Slot[f"WRITE_{name}"] if f"WRITE_{name}" in Slot.__members__ else Slot[name] for name in written.split()]
    for name in others.split():
        slots.append(Slot[f"READ_{name}"] if f"READ_{name}" in Slot.__members__ else Slot[name])
        if slots[-1] in _WIDE:
            slots.append(Slot.HIGH)
    a, b, c = (slots + [Slot.NONE] * 3)[:3]
    return (a, b, c), Tail[tail.strip()] if tail else Tail.NONE


class Op(IntEnum):
    """All operations. `a`, `b`, `c` in a meaning are the registers read, in order; `k` is the immediate.

    slots: what the three slots hold. tail: what follows. meaning: the exact effect; `d` is the register written.
    expression: for an operation whose result depends on its operands only, that result in Python, in terms of `a`,
    `b`, `k`, of `holds` (the comparison) and of the names in `bfimg.pattern.semantics`. There integers are
    non-negative and below 2^32 or 2^64, floats are Python floats, immediates are sign-extended and taken modulo 2^32
    or 2^64 as the result type asks. Shift and rotate counts are modulo the width.
    """

    slots: tuple[Slot, Slot, Slot]
    tail: Tail
    meaning: str
    expression: str | None

    def __new__(cls, number: int, shape: str, meaning: str, expression: str | None = None) -> Self:
        self = int.__new__(cls, number)
        self._value_ = number
        self.slots, self.tail = _shape(shape)
        self.meaning = meaning
        self.expression = expression
        return self

    @property
    def mnemonic(self) -> str:
        """Its name in program text, such as add.i32.imm8."""
        return self.name.lower().replace("_", ".")

    @property
    def ends_block(self) -> bool:
        """True for the operations that close a block: jumps, branches, returns, TRAP."""
        return Op.JUMP <= self <= Op.TRAP

    @property
    def access_size(self) -> int:
        """Bytes that a load or store touches, 0 for other operations."""
        kind, _, rest = self.name.partition("_")
        return _SIZES[rest.partition("_")[0]] if kind in ("LOAD", "STORE") else 0

    # fmt: off
    # Moves and constants.
    MOVE_I32 = 0x01, "I32 = I32", "d = a", "a"
    MOVE_I64 = 0x02, "I64 = I64", "d = a", "a"
    MOVE_F32 = 0x03, "F32 = F32", "d = a", "a"
    MOVE_F64 = 0x04, "F64 = F64", "d = a", "a"
    CONST_I32_16 = 0x05, "I32 = SIGNED16", "d = k", "k"
    CONST_I32 = 0x06, "I32 = | WORD", "d = k", "k"
    CONST_I64_16 = 0x07, "I64 = SIGNED16", "d = k", "k"
    CONST_I64 = 0x08, "I64 = | LONG", "d = k", "k"
    CONST_F32 = 0x09, "F32 = | WORD", "d = the float of bits k", "f32_from_bits(k)"
    CONST_F64 = 0x0A, "F64 = | LONG", "d = the float of bits k", "f64_from_bits(k)"
    FRAME = 0x0B, "I32 = UNSIGNED16", "d = address of the function's frame in the arena + k"

    # i32 arithmetic, modulo 2^32.
    ADD_I32 = 0x0C, "I32 = I32 I32", "d = a + b", "(a + b) & M32"
    SUB_I32 = 0x0D, "I32 = I32 I32", "d = a - b", "(a - b) & M32"
    AND_I32 = 0x0E, "I32 = I32 I32", "d = a & b", "a & b"
    OR_I32 = 0x0F, "I32 = I32 I32", "d = a | b", "a | b"
    XOR_I32 = 0x10, "I32 = I32 I32", "d = a ^ b", "a ^ b"
    MUL_I32 = 0x11, "I32 = I32 I32", "d = a * b, lower half", "(a * b) & M32"
    SHL_I32 = 0x12, "I32 = I32 I32", "d = a << b", "(a << (b & 31)) & M32"
    SHR_I32 = 0x13, "I32 = I32 I32", "d = a >> b, zeros come in", "a >> (b & 31)"
    SAR_I32 = 0x14, "I32 = I32 I32", "d = a >> b, copies of the sign come in", "(((a ^ S32) - S32) >> (b & 31)) & M32"
    ROTL_I32 = 0x15, "I32 = I32 I32", "d = a rotated left by b", "(a << (b & 31) | a >> (-b & 31)) & M32"
    ROTR_I32 = 0x16, "I32 = I32 I32", "d = a rotated right by b", "(a >> (b & 31) | a << (-b & 31)) & M32"
    MULH_U32 = 0x17, "I32 = I32 I32", "d = upper half of the unsigned product of a and b", "(a * b) >> 32"
    MULH_S32 = (0x18, "I32 = I32 I32", "d = upper half of the signed product of a and b",
        "(((a ^ S32) - S32) * ((b ^ S32) - S32) >> 32) & M32")
    DIV_U32 = 0x19, "I32 = I32 I32", "d = unsigned quotient of a and b, DIVIDE trap when b is 0", "divide_u(a, b)"
    DIV_S32 = (0x1A, "I32 = I32 I32", "d = signed quotient towards zero, DIVIDE trap when b is 0 or for -2^31 / -1",
        "divide_s32(a, b)")
    REM_U32 = 0x1B, "I32 = I32 I32", "d = unsigned remainder of a and b, DIVIDE trap when b is 0", "remainder_u(a, b)"
    REM_S32 = 0x1C, "I32 = I32 I32", "d = signed remainder with the sign of a, traps as DIV_S32", "remainder_s32(a, b)"

    # i32 arithmetic with an immediate of 8 bits.
    ADD_I32_IMM8 = 0x1D, "I32 = I32 SIGNED8", "d = a + k", "(a + k) & M32"
    AND_I32_IMM8 = 0x1E, "I32 = I32 SIGNED8", "d = a & k", "a & k"
    OR_I32_IMM8 = 0x1F, "I32 = I32 SIGNED8", "d = a | k", "a | k"
    XOR_I32_IMM8 = 0x20, "I32 = I32 SIGNED8", "d = a ^ k", "a ^ k"
    MUL_I32_IMM8 = 0x21, "I32 = I32 SIGNED8", "d = a * k, lower half", "(a * k) & M32"
    SHL_I32_IMM8 = 0x22, "I32 = I32 SIGNED8", "d = a << k", "(a << (k & 31)) & M32"
    SHR_I32_IMM8 = 0x23, "I32 = I32 SIGNED8", "d = a >> k, zeros come in", "a >> (k & 31)"
    SAR_I32_IMM8 = (0x24, "I32 = I32 SIGNED8", "d = a >> k, copies of the sign come in",
        "(((a ^ S32) - S32) >> (k & 31)) & M32")
    ROTL_I32_IMM8 = 0x25, "I32 = I32 SIGNED8", "d = a rotated left by k", "(a << (k & 31) | a >> (-k & 31)) & M32"

    # i32 arithmetic with an immediate of 32 bits.
    ADD_I32_IMM32 = 0x26, "I32 = I32 | WORD", "d = a + k", "(a + k) & M32"
    AND_I32_IMM32 = 0x27, "I32 = I32 | WORD", "d = a & k", "a & k"
    OR_I32_IMM32 = 0x28, "I32 = I32 | WORD", "d = a | k", "a | k"
    XOR_I32_IMM32 = 0x29, "I32 = I32 | WORD", "d = a ^ k", "a ^ k"
    MUL_I32_IMM32 = 0x2A, "I32 = I32 | WORD", "d = a * k, lower half", "(a * k) & M32"

    # i32 with one operand.
    NEG_I32 = 0x2B, "I32 = I32", "d = -a", "-a & M32"
    CLZ_I32 = 0x2C, "I32 = I32", "d = number of zero bits above the highest one, 32 when a is 0", "32 - a.bit_length()"
    CTZ_I32 = (0x2D, "I32 = I32", "d = number of zero bits below the lowest one, 32 when a is 0",
        "(a & -a).bit_length() - 1 if a else 32")
    POPCOUNT_I32 = 0x2E, "I32 = I32", "d = number of one bits", "a.bit_count()"
    BSWAP_I32 = 0x2F, "I32 = I32", "d = a with its four bytes in reverse order", "bswap32(a)"
    EXTEND_U8 = 0x30, "I32 = I32", "d = bits 0-7 of a", "a & 0xFF"
    EXTEND_U16 = 0x31, "I32 = I32", "d = bits 0-15 of a", "a & 0xFFFF"
    EXTEND_S8 = 0x32, "I32 = I32", "d = bits 0-7 of a, sign-extended", "(((a & 0xFF) ^ 0x80) - 0x80) & M32"
    EXTEND_S16 = 0x33, "I32 = I32", "d = bits 0-15 of a, sign-extended", "(((a & 0xFFFF) ^ 0x8000) - 0x8000) & M32"

    # i64 arithmetic, modulo 2^64.
    ADD_I64 = 0x34, "I64 = I64 I64", "d = a + b", "(a + b) & M64"
    SUB_I64 = 0x35, "I64 = I64 I64", "d = a - b", "(a - b) & M64"
    AND_I64 = 0x36, "I64 = I64 I64", "d = a & b", "a & b"
    OR_I64 = 0x37, "I64 = I64 I64", "d = a | b", "a | b"
    XOR_I64 = 0x38, "I64 = I64 I64", "d = a ^ b", "a ^ b"
    MUL_I64 = 0x39, "I64 = I64 I64", "d = a * b, lower half", "(a * b) & M64"
    SHL_I64 = 0x3A, "I64 = I64 I32", "d = a << b", "(a << (b & 63)) & M64"
    SHR_I64 = 0x3B, "I64 = I64 I32", "d = a >> b, zeros come in", "a >> (b & 63)"
    SAR_I64 = 0x3C, "I64 = I64 I32", "d = a >> b, copies of the sign come in", "(((a ^ S64) - S64) >> (b & 63)) & M64"
    ADD_I64_IMM8 = 0x3D, "I64 = I64 SIGNED8", "d = a + k", "(a + k) & M64"
    SHL_I64_IMM8 = 0x3E, "I64 = I64 SIGNED8", "d = a << k", "(a << (k & 63)) & M64"
    SHR_I64_IMM8 = 0x3F, "I64 = I64 SIGNED8", "d = a >> k, zeros come in", "a >> (k & 63)"
    SAR_I64_IMM8 = (0x40, "I64 = I64 SIGNED8", "d = a >> k, copies of the sign come in",
        "(((a ^ S64) - S64) >> (k & 63)) & M64")
    ROTL_I64_IMM8 = 0x41, "I64 = I64 SIGNED8", "d = a rotated left by k", "(a << (k & 63) | a >> (-k & 63)) & M64"
    MUL_U32_WIDE = 0x42, "I64 = I32 I32", "d = the whole unsigned product of a and b", "a * b"
    MUL_S32_WIDE = (0x43, "I64 = I32 I32", "d = the whole signed product of a and b",
        "((a ^ S32) - S32) * ((b ^ S32) - S32) & M64")

    # Between i32 and i64.
    PACK_I64 = 0x44, "I64 = I32 I32", "d = a in the lower, b in the upper half", "a | b << 32"
    LOW_I64 = 0x45, "I32 = I64", "d = lower half of a", "a & M32"
    HIGH_I64 = 0x46, "I32 = I64", "d = upper half of a", "a >> 32"
    EXTEND_U32 = 0x47, "I64 = I32", "d = a", "a"
    EXTEND_S32 = 0x48, "I64 = I32", "d = a, sign-extended", "((a ^ S32) - S32) & M64"

    # f32: IEEE 754, round to nearest even; which payload a NaN carries is not defined.
    ADD_F32 = 0x49, "F32 = F32 F32", "d = a + b", "f32(a + b)"
    SUB_F32 = 0x4A, "F32 = F32 F32", "d = a - b", "f32(a - b)"
    MUL_F32 = 0x4B, "F32 = F32 F32", "d = a * b", "f32(a * b)"
    DIV_F32 = 0x4C, "F32 = F32 F32", "d = a / b, never a trap", "f32(divide_f(a, b))"
    MIN_F32 = 0x4D, "F32 = F32 F32", "d = a when a < b, else b", "a if a < b else b"
    MAX_F32 = 0x4E, "F32 = F32 F32", "d = a when a > b, else b", "a if a > b else b"
    SQRT_F32 = 0x4F, "F32 = F32", "d = square root of a, NaN below -0", "f32(root(a))"
    NEG_F32 = 0x50, "F32 = F32", "d = a with the other sign", "-a"
    ABS_F32 = 0x51, "F32 = F32", "d = a with the sign cleared", "abs(a)"

    # f64: IEEE 754, round to nearest even; which payload a NaN carries is not defined.
    ADD_F64 = 0x52, "F64 = F64 F64", "d = a + b", "a + b"
    SUB_F64 = 0x53, "F64 = F64 F64", "d = a - b", "a - b"
    MUL_F64 = 0x54, "F64 = F64 F64", "d = a * b", "a * b"
    DIV_F64 = 0x55, "F64 = F64 F64", "d = a / b, never a trap", "divide_f(a, b)"
    MIN_F64 = 0x56, "F64 = F64 F64", "d = a when a < b, else b", "a if a < b else b"
    MAX_F64 = 0x57, "F64 = F64 F64", "d = a when a > b, else b", "a if a > b else b"
    SQRT_F64 = 0x58, "F64 = F64", "d = square root of a, NaN below -0", "root(a)"
    NEG_F64 = 0x59, "F64 = F64", "d = a with the other sign", "-a"
    ABS_F64 = 0x5A, "F64 = F64", "d = a with the sign cleared", "abs(a)"

    # Conversions.
    F32_FROM_I32 = 0x5B, "F32 = I32", "d = signed a, rounded", "f32((a ^ S32) - S32)"
    F64_FROM_I32 = 0x5C, "F64 = I32", "d = signed a", "float((a ^ S32) - S32)"
    F64_FROM_U32 = 0x5D, "F64 = I32", "d = unsigned a", "float(a)"
    I32_FROM_F32 = (0x5E, "I32 = F32", "d = signed a towards zero, 0x80000000 when it does not fit or is a NaN",
        "truncate_s32(a)")
    I32_FROM_F64 = (0x5F, "I32 = F64", "d = signed a towards zero, 0x80000000 when it does not fit or is a NaN",
        "truncate_s32(a)")
    U32_FROM_F64 = (0x60, "I32 = F64", "d = I32_FROM_F64(a) when a < 2^31, else I32_FROM_F64(a - 2^31) ^ 2^31",
        "truncate_u32(a)")
    F32_FROM_F64 = 0x61, "F32 = F64", "d = a, rounded", "f32(a)"
    F64_FROM_F32 = 0x62, "F64 = F32", "d = a", "a"
    F32_FROM_BITS = 0x63, "F32 = I32", "d = the float of bits a", "f32_from_bits(a)"
    F32_BITS = 0x64, "I32 = F32", "d = the bits of a", "f32_bits(a)"
    F64_FROM_BITS = 0x65, "F64 = I64", "d = the float of bits a", "f64_from_bits(a)"
    F64_BITS = 0x66, "I64 = F64", "d = the bits of a", "f64_bits(a)"

    # Comparisons: the condition stands in the tail.
    SET_I32 = (0x67, "I32 = I32 I32 | CONDITION", "d = 1 when the condition holds between a and b, else 0",
        "1 if holds else 0")
    SET_I32_IMM8 = (0x68, "I32 = I32 SIGNED8 | CONDITION", "d = 1 when the condition holds between a and k, else 0",
        "1 if holds else 0")
    SET_I64 = (0x69, "I32 = I64 I64 | CONDITION", "d = 1 when the condition holds between a and b, else 0",
        "1 if holds else 0")
    SET_F32 = (0x6A, "I32 = F32 F32 | FLOAT_CONDITION", "d = 1 when the condition holds between a and b, else 0",
        "1 if holds else 0")
    SET_F64 = (0x6B, "I32 = F64 F64 | FLOAT_CONDITION", "d = 1 when the condition holds between a and b, else 0",
        "1 if holds else 0")
    SELECT_I32_COMPARE = (0x6C, "I32 = I32 I32 | COMPARE", "d = a when the comparison in the tail holds, else b",
        "a if holds else b")
    SELECT_I32 = (0x6D, "I32 = I32 I32 | COMPARE_IMMEDIATE", "d = a when the comparison in the tail holds, else b",
        "a if holds else b")
    SELECT_I64 = (0x6E, "I64 = I64 I64 | COMPARE_IMMEDIATE", "d = a when the comparison in the tail holds, else b",
        "a if holds else b")
    SELECT_F32 = (0x6F, "F32 = F32 F32 | COMPARE_IMMEDIATE", "d = a when the comparison in the tail holds, else b",
        "a if holds else b")
    SELECT_F64 = (0x70, "F64 = F64 F64 | COMPARE_IMMEDIATE", "d = a when the comparison in the tail holds, else b",
        "a if holds else b")

    # Addresses: base + (index << scale) + displacement modulo 2^32; a register whose bit is clear counts as zero.
    ADDRESS = 0x71, "I32 = BASE INDEX | ADDRESS", "d = the address"

    # Loads; k counts in units of the size. Unaligned is allowed, MEMORY trap outside the arena.
    LOAD_U8 = 0x72, "I32 = I32 SIGNED8", "d = a byte, zero-extended, at a + k * size"
    LOAD_S8 = 0x73, "I32 = I32 SIGNED8", "d = a byte, sign-extended, at a + k * size"
    LOAD_U16 = 0x74, "I32 = I32 SIGNED8", "d = two bytes, zero-extended, at a + k * size"
    LOAD_S16 = 0x75, "I32 = I32 SIGNED8", "d = two bytes, sign-extended, at a + k * size"
    LOAD_I32 = 0x76, "I32 = I32 SIGNED8", "d = four bytes, at a + k * size"
    LOAD_I64 = 0x77, "I64 = I32 SIGNED8", "d = eight bytes, at a + k * size"
    LOAD_F32 = 0x78, "F32 = I32 SIGNED8", "d = four bytes, at a + k * size"
    LOAD_F64 = 0x79, "F64 = I32 SIGNED8", "d = eight bytes, at a + k * size"
    LOAD_U8_AT = 0x7A, "I32 = BASE INDEX | ADDRESS", "d = a byte, zero-extended, at the address"
    LOAD_S8_AT = 0x7B, "I32 = BASE INDEX | ADDRESS", "d = a byte, sign-extended, at the address"
    LOAD_U16_AT = 0x7C, "I32 = BASE INDEX | ADDRESS", "d = two bytes, zero-extended, at the address"
    LOAD_S16_AT = 0x7D, "I32 = BASE INDEX | ADDRESS", "d = two bytes, sign-extended, at the address"
    LOAD_I32_AT = 0x7E, "I32 = BASE INDEX | ADDRESS", "d = four bytes, at the address"
    LOAD_I64_AT = 0x7F, "I64 = BASE INDEX | ADDRESS", "d = eight bytes, at the address"
    LOAD_F32_AT = 0x80, "F32 = BASE INDEX | ADDRESS", "d = four bytes, at the address"
    LOAD_F64_AT = 0x81, "F64 = BASE INDEX | ADDRESS", "d = eight bytes, at the address"

    # Stores; nothing is written when they trap.
    STORE_I8 = 0x82, "I32 I32 SIGNED8", "the lowest byte of a is stored at b + k * size"
    STORE_I16 = 0x83, "I32 I32 SIGNED8", "the lowest two bytes of a are stored at b + k * size"
    STORE_I32 = 0x84, "I32 I32 SIGNED8", "four bytes of a are stored at b + k * size"
    STORE_I64 = 0x85, "I64 I32 SIGNED8", "eight bytes of a are stored at b + k * size"
    STORE_F32 = 0x86, "F32 I32 SIGNED8", "four bytes of a are stored at b + k * size"
    STORE_F64 = 0x87, "F64 I32 SIGNED8", "eight bytes of a are stored at b + k * size"
    STORE_I8_AT = 0x88, "I32 BASE INDEX | ADDRESS", "the lowest byte of a is stored at the address"
    STORE_I16_AT = 0x89, "I32 BASE INDEX | ADDRESS", "the lowest two bytes of a are stored at the address"
    STORE_I32_AT = 0x8A, "I32 BASE INDEX | ADDRESS", "four bytes of a are stored at the address"
    STORE_I64_AT = 0x8B, "I64 BASE INDEX | ADDRESS", "eight bytes of a are stored at the address"
    STORE_F32_AT = 0x8C, "F32 BASE INDEX | ADDRESS", "four bytes of a are stored at the address"
    STORE_F64_AT = 0x8D, "F64 BASE INDEX | ADDRESS", "eight bytes of a are stored at the address"

    # Blocks of memory: MEMORY trap, before anything is written, unless the length is 0 or all bytes are in the arena.
    COPY = 0x8E, "I32 I32 I32", "c bytes at b are copied to a, as if through a buffer: they may overlap"
    FILL = 0x8F, "I32 I32 I32", "c bytes at a are set to the lowest byte of b"
    CHECK = 0x90, "I32 I32", "MEMORY trap unless b is 0 or b bytes at a are in the arena"
    CHECK_IMM32 = 0x91, "I32 | WORD", "MEMORY trap unless k is 0 or k bytes at a are in the arena"

    # Control: a block ends in one of these, and nowhere else.
    JUMP = 0x92, "NONE BLOCK", "to the block"
    BRANCH_I32 = (0x93, "CONDITION I32 I32 | TARGETS",
        "to the first target if the condition holds for a and b, else the second")
    BRANCH_I32_IMM8 = (0x94, "CONDITION I32 SIGNED8 | TARGETS",
        "to the first target if the condition holds for a and k, else the second")
    BRANCH_I32_IMM32 = (0x95, "CONDITION I32 | WORD_TARGETS",
        "to the first target if the condition holds for a and k, else the second")
    BRANCH_I64 = (0x96, "CONDITION I64 I64 | TARGETS",
        "to the first target if the condition holds for a and b, else the second")
    BRANCH_F32 = (0x97, "FLOAT_CONDITION F32 F32 | TARGETS",
        "to the first target if the condition holds for a and b, else the second")
    BRANCH_F64 = (0x98, "FLOAT_CONDITION F64 F64 | TARGETS",
        "to the first target if the condition holds for a and b, else the second")
    SWITCH = 0x99, "I32 UNSIGNED16 | SWITCH", "to target a when unsigned a is below the count, else to the default"
    RETURN = 0x9A, "", "returns from a function without result"
    RETURN_VALUE = 0x9B, "VALUE", "returns a"
    TRAP = 0x9C, "UNSIGNED8", "CODE trap; k tells why"

    # Calls; they do not end a block.
    CALL = 0x9D, "RESULT = FUNCTION | ARGUMENTS", "d = result of the function"
    CALL_INDIRECT = (0x9E, "RESULT = TABLE I32 | ARGUMENTS",
        "d = result of entry a of the table, from 1 on; else INDIRECT_CALL trap")
    CALL_HELPER = 0x9F, "RESULT = IMPORT | ARGUMENTS", "d = result of the imported helper"
    # fmt: on


_SIZES = {"I8": 1, "U8": 1, "S8": 1, "I16": 2, "U16": 2, "S16": 2, "I32": 4, "F32": 4, "I64": 8, "F64": 8}
