"""Helpers: kernel functions that pattern programs import, because they are too long to be compiled in place."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

from bfimg.formats.pattern_types import ValueType

_I32, _I64, _F32, _F64 = ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64


class Helper(IntEnum):
    """All helpers. result, parameters: their types. meaning: the exact effect, `a` and `b` are the parameters.

    expression: the result in Python, as in `Op`, or None for what the interpreter itself does.
    """

    result: ValueType
    parameters: tuple[ValueType, ...]
    meaning: str
    expression: str | None

    def __new__(
        cls,
        number: int,
        result: ValueType,
        parameters: tuple[ValueType, ...],
        meaning: str,
        expression: str | None = None,
    ) -> Self:
        self = int.__new__(cls, number)
        self._value_ = number
        self.result = result
        self.parameters = parameters
        self.meaning = meaning
        self.expression = expression
        return self

    # fmt: off
    DIV_U64 = 1, _I64, (_I64, _I64), "unsigned quotient, DIVIDE trap when b is 0", "divide_u(a, b)"
    DIV_S64 = (2, _I64, (_I64, _I64), "signed quotient towards zero, DIVIDE trap when b is 0 or for -2^63 / -1",
        "divide_s64(a, b)")
    REM_U64 = 3, _I64, (_I64, _I64), "unsigned remainder, DIVIDE trap when b is 0", "remainder_u(a, b)"
    REM_S64 = 4, _I64, (_I64, _I64), "signed remainder with the sign of a, traps as DIV_S64", "remainder_s64(a, b)"
    F32_FROM_S64 = 5, _F32, (_I64,), "signed a, rounded once", "f32_from_integer((a ^ S64) - S64)"
    F32_FROM_U64 = 6, _F32, (_I64,), "unsigned a, rounded once", "f32_from_integer(a)"
    F64_FROM_S64 = 7, _F64, (_I64,), "signed a, rounded", "float((a ^ S64) - S64)"
    F64_FROM_U64 = 8, _F64, (_I64,), "unsigned a, rounded", "float(a)"
    S64_FROM_F64 = 9, _I64, (_F64,), "a towards zero, 2^63 when it does not fit or is a NaN", "truncate_s64(a)"
    U64_FROM_F64 = (10, _I64, (_F64,), "S64_FROM_F64(a) when a < 2^63, else S64_FROM_F64(a - 2^63) ^ 2^63",
        "truncate_u64(a)")
    FLOOR = 11, _F64, (_F64,), "a rounded down", "floor(a)"
    CEIL = 12, _F64, (_F64,), "a rounded up", "ceil(a)"
    TRUNC = 13, _F64, (_F64,), "a rounded towards zero", "trunc(a)"
    ROUND_EVEN = 14, _F64, (_F64,), "a rounded to nearest, ties to even", "round_even(a)"
    ROUND = 15, _F64, (_F64,), "a rounded to nearest, ties away from zero", "round_away(a)"
    SIN = 16, _F64, (_F64,), "sine of a in radians; the last bit may differ between hosts", "sine(a)"
    COS = 17, _F64, (_F64,), "cosine of a in radians; the last bit may differ between hosts", "cosine(a)"
    EXP = 18, _F64, (_F64,), "e to the power a; the last bit may differ between hosts", "exponential(a)"
    LOG = 19, _F64, (_F64,), "natural logarithm of a; the last bit may differ between hosts", "logarithm(a)"
    FMOD = 20, _F64, (_F64, _F64), "remainder of a / b towards zero, exact, with the sign of a", "modulo(a, b)"
    ALLOCATE = (21, _I32, (_I32,), "address of a free bytes of the heap, a multiple of 16, 0 when there is no room")
    # fmt: on
