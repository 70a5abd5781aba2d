"""What pure operations and helpers compute: the names their expressions use, and the expressions as functions.

Integers are non-negative and below 2^32 or 2^64. A float that was f32 is a Python float that f32 can hold. Division
that would trap raises ZeroDivisionError. Where x86 makes a NaN, it is x86's: negative and quiet.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from ctypes import c_float
from functools import cache
from typing import Any

from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, FloatCondition, ValueType

M32 = 0xFFFFFFFF
M64 = 0xFFFFFFFFFFFFFFFF
S32 = 0x80000000
S64 = 0x8000000000000000

NAN: float = struct.unpack("<d", b"\0\0\0\0\0\0\xf8\xff")[0]

# From here on a double has no fraction.
_WHOLE = 2.0**52

_F32 = struct.Struct("<f")
_F64 = struct.Struct("<d")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")

# Comparison of `a` and `b`; `S` is S32 or S64. Inverting the sign bit makes signed order unsigned.
CONDITIONS = {
    Condition.ULT: "a < b",
    Condition.UGE: "a >= b",
    Condition.EQ: "a == b",
    Condition.NE: "a != b",
    Condition.ULE: "a <= b",
    Condition.UGT: "a > b",
    Condition.SLT: "(a ^ S) < (b ^ S)",
    Condition.SGE: "(a ^ S) >= (b ^ S)",
    Condition.SLE: "(a ^ S) <= (b ^ S)",
    Condition.SGT: "(a ^ S) > (b ^ S)",
}
FLOAT_CONDITIONS = {
    FloatCondition.OEQ: "a == b",
    FloatCondition.UNE: "a != b",
    FloatCondition.ULT: "not a >= b",
    FloatCondition.OGE: "a >= b",
    FloatCondition.UEQ: "not (a < b or a > b)",
    FloatCondition.ONE: "(a < b or a > b)",
    FloatCondition.ULE: "not a > b",
    FloatCondition.OGT: "a > b",
    FloatCondition.UNO: "(a != a or b != b)",
    FloatCondition.ORD: "(a == a and b == b)",
}


def bswap32(a: int) -> int:
    """Bytes in reverse order."""
    return int.from_bytes(a.to_bytes(4, "little"), "big")


def divide_u(a: int, b: int) -> int:
    """Unsigned quotient."""
    return a // b


def remainder_u(a: int, b: int) -> int:
    """Unsigned remainder."""
    return a % b


def _divide_signed(a: int, b: int, sign: int) -> tuple[int, int]:
    """Quotient towards zero and remainder, not yet modulo the width."""
    x, y = (a ^ sign) - sign, (b ^ sign) - sign
    if x == -sign and y == -1:
        raise ZeroDivisionError
    quotient, remainder = divmod(abs(x), abs(y))
    return (-quotient if (x < 0) != (y < 0) else quotient), (-remainder if x < 0 else remainder)


def divide_s32(a: int, b: int) -> int:
    """Signed quotient of i32."""
    return _divide_signed(a, b, S32)[0] & M32


def remainder_s32(a: int, b: int) -> int:
    """Signed remainder of i32."""
    return _divide_signed(a, b, S32)[1] & M32


def divide_s64(a: int, b: int) -> int:
    """Signed quotient of i64."""
    return _divide_signed(a, b, S64)[0] & M64


def remainder_s64(a: int, b: int) -> int:
    """Signed remainder of i64."""
    return _divide_signed(a, b, S64)[1] & M64


def f32(a: float) -> float:
    """Rounded to the nearest f32; too large is infinite. Exact too for +, -, *, / and root of two f32 in f64."""
    return c_float(a).value


def f32_from_integer(a: int) -> float:
    """An integer of any size as f32, rounded once: bits that f64 would drop stay visible as one odd bit."""
    size = abs(a)
    dropped = max(0, size.bit_length() - 32)
    kept = size >> dropped | (size & ((1 << dropped) - 1) != 0)
    return f32(math.copysign(math.ldexp(kept, dropped), a))


def divide_f(a: float, b: float) -> float:
    """IEEE quotient."""
    if b:
        return a / b
    if a != a or b != b:
        return a + b
    return math.copysign(math.inf, a) * math.copysign(1.0, b) if a else NAN


def root(a: float) -> float:
    """Square root, NaN below -0."""
    return NAN if a < 0 else math.sqrt(a)


def f32_from_bits(a: int) -> float:
    """The f32 of these 32 bits."""
    value: float = _F32.unpack(_U32.pack(a))[0]
    return value


def f32_bits(a: float) -> int:
    """The 32 bits of an f32."""
    value: int = _U32.unpack(_F32.pack(a))[0]
    return value


def f64_from_bits(a: int) -> float:
    """The f64 of these 64 bits."""
    value: float = _F64.unpack(_U64.pack(a))[0]
    return value


def f64_bits(a: float) -> int:
    """The 64 bits of an f64."""
    value: int = _U64.unpack(_F64.pack(a))[0]
    return value


def truncate_s32(a: float) -> int:
    """Towards zero; S32 when it does not fit (cvttsd2si)."""
    return int(a) & M32 if -2147483649.0 < a < 2147483648.0 else S32


def truncate_u32(a: float) -> int:
    """Towards zero, unsigned, as x86 does it with cvttsd2si."""
    return truncate_s32(a) if a < 2147483648.0 else truncate_s32(a - 2147483648.0) ^ S32


def truncate_s64(a: float) -> int:
    """Towards zero; S64 when it does not fit."""
    return int(a) & M64 if -(2.0**63) <= a < 2.0**63 else S64


def truncate_u64(a: float) -> int:
    """Towards zero, unsigned, by the rule of truncate_u32."""
    return truncate_s64(a) if a < 2.0**63 else truncate_s64(a - 2.0**63) ^ S64


def _to_whole(a: float, rounded: Callable[[float], float]) -> float:
    """`rounded(a)` with the sign of `a` even for zero; what is whole, infinite or NaN stays."""
    return math.copysign(float(rounded(a)), a) if abs(a) < _WHOLE else a


def floor(a: float) -> float:
    """Rounded down."""
    return _to_whole(a, math.floor)


def ceil(a: float) -> float:
    """Rounded up."""
    return _to_whole(a, math.ceil)


def trunc(a: float) -> float:
    """Rounded towards zero."""
    return _to_whole(a, math.trunc)


def round_even(a: float) -> float:
    """Rounded to nearest, ties to even."""
    return _to_whole(a, round)


def round_away(a: float) -> float:
    """Rounded to nearest, ties away from zero."""
    return _to_whole(a, lambda value: math.trunc(value) + math.trunc(2 * (value - math.trunc(value))))


def sine(a: float) -> float:
    """Sine."""
    return math.sin(a) if math.isfinite(a) else NAN


def cosine(a: float) -> float:
    """Cosine."""
    return math.cos(a) if math.isfinite(a) else NAN


def exponential(a: float) -> float:
    """e to the power of `a`."""
    try:
        return math.exp(a)
    except OverflowError:
        return math.inf


def logarithm(a: float) -> float:
    """Natural logarithm."""
    if a == 0:
        return -math.inf
    return NAN if a < 0 else math.log(a)


def modulo(a: float, b: float) -> float:
    """Exact remainder towards zero."""
    if a != a or b != b:
        return a + b
    return NAN if b == 0 or math.isinf(a) else math.fmod(a, b)


# What the expressions may name.
NAMES: dict[str, Any] = {
    "M32": M32,
    "M64": M64,
    "S32": S32,
    "S64": S64,
    "__builtins__": {"abs": abs, "float": float},
    **{
        function.__name__: function
        for function in (
            bswap32, divide_u, remainder_u, divide_s32, remainder_s32, divide_s64, remainder_s64, f32,
            f32_from_integer, divide_f, root, f32_from_bits, f32_bits, f64_from_bits, f64_bits, truncate_s32,
            truncate_u32, truncate_s64, truncate_u64, floor, ceil, trunc, round_even, round_away, sine, cosine,
            exponential, logarithm, modulo,
        )
    },
}  # fmt: skip


@cache
def function_of(operation: Op | Helper) -> Callable[..., Any]:
    """The expression of a pure operation or helper as a function of a, b, k and holds, all of which have a default.

    Raises KeyError for an operation without expression. The function raises ZeroDivisionError where a DIVIDE trap is.
    """
    if operation.expression is None:
        raise KeyError(operation.name)
    function: Callable[..., Any] = eval(f"lambda a=0, b=0, k=0, holds=False: {operation.expression}", NAMES)
    return function


@cache
def _comparison(expression: str, sign: int) -> Callable[[Any, Any], bool]:
    function: Callable[[Any, Any], bool] = eval(f"lambda a, b: {expression}", {"S": sign})
    return function


def compare(condition: Condition, a: int, b: int, kind: ValueType = ValueType.I32) -> bool:
    """Whether an integer comparison holds. kind: I32 or I64."""
    return _comparison(CONDITIONS[condition], S64 if kind is ValueType.I64 else S32)(a, b)


def compare_floats(condition: FloatCondition, a: float, b: float) -> bool:
    """Whether a float comparison holds."""
    return _comparison(FLOAT_CONDITIONS[condition], 0)(a, b)
