"""Arithmetic that tells of overflow, or stays at the limit instead."""

from __future__ import annotations

from bfimg.bitcode.builder import Comparison
from bfimg.bitcode.constants import unsupported, value_type
from bfimg.bitcode.ir import Value
from bfimg.bitcode.machine import Constant, Leaf
from bfimg.bitcode.select import Selector
from bfimg.bitcode.select_integers import integer_bits
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, ValueType

I32, I64 = ValueType.I32, ValueType.I64
_KINDS = {"add": "ADD", "sub": "SUB", "mul": "MUL"}


def overflowing(self: Selector, name: str, arguments: list[Value]) -> list[Leaf]:
    """Result and overflow bit of uadd, sadd, usub, ssub, umul or smul."""
    signed, kind = name[0] == "s", _KINDS[name[1:]]
    type, bits = value_type(arguments[0].type), integer_bits(arguments[0].type)
    extended = self.sign_extended if signed else self.zero_extended
    left, right = (extended(argument) for argument in arguments)
    if kind == "MUL" and bits not in (8, 16):
        return _product(self, left, right, bits, signed=signed)
    if bits in (8, 16):
        return _narrow(self, kind, left, right, bits, signed=signed)
    if bits not in (32, 64):
        raise unsupported(f"i{bits}", "no overflow arithmetic of this width")
    result = self.builder.binary(kind, left, right, type)
    if not signed:
        # A sum below one of its parts, a difference of the larger from the smaller.
        sides = (result, left) if kind == "ADD" else (left, right)
        return [result, self.builder.truth(Comparison(type, Condition.ULT, *sides))]
    binary = self.builder.binary
    # The sign of the result is wrong: that of a sum differs from both parts, that of a difference from the left side
    # when the sides differ.
    changed = binary("XOR", result, left, type)
    against = binary("XOR", result if kind == "ADD" else left, right, type)
    wrong = binary("AND", changed, against, type)
    return [result, self.builder.truth(Comparison(type, Condition.SLT, wrong, Constant(type, 0)))]


def _narrow(self: Selector, kind: str, left: Leaf, right: Leaf, bits: int, *, signed: bool) -> list[Leaf]:
    """Computed with 32 bits, where nothing is lost; overflow is what does not survive being cut."""
    result = self.builder.binary(kind, left, right)
    cut = self.builder.sign_extended(result, bits) if signed else self.builder.zero_extended(result, bits)
    if isinstance(cut, Constant) or isinstance(result, Constant):
        raise unsupported("overflow", "of constants is known before")
    return [cut, self.builder.truth(Comparison(I32, Condition.NE, cut, result))]


def _product(self: Selector, left: Leaf, right: Leaf, bits: int, *, signed: bool) -> list[Leaf]:
    if bits == 32:
        registers = [self.builder.register(left), self.builder.register(right)]
        whole = self.builder.node(Op.MUL_S32_WIDE if signed else Op.MUL_U32_WIDE, I64, registers)
        low, high = self.builder.low(whole), self.builder.high(whole)
        expected = self.builder.binary("SAR", low, Constant(I32, 31)) if signed else Constant(I32, 0)
        return [low, self.builder.truth(Comparison(I32, Condition.NE, high, expected))]
    if bits == 64 and not signed:
        result = self.builder.binary("MUL", left, right, I64)
        zero, one = Constant(I64, 0), Constant(I64, 1)
        divisor = self.builder.select(Comparison(I64, Condition.EQ, left, zero), one, left)
        back = self.helper(Helper.DIV_U64, result, divisor)
        expected = self.builder.select(Comparison(I64, Condition.EQ, left, zero), zero, right)
        return [result, self.builder.truth(Comparison(I64, Condition.NE, back, expected))]
    raise unsupported(f"i{bits}", "no overflow multiplication of this width")


def saturating(self: Selector, name: str, arguments: list[Value]) -> Leaf:
    """uadd, sadd, usub or ssub that stays at the limit it would cross."""
    type, bits = value_type(arguments[0].type), integer_bits(arguments[0].type)
    result, overflow = overflowing(self, name, arguments)
    crossed = Comparison(I32, Condition.NE, overflow, Constant(I32, 0))
    if name[0] == "u":
        limit: Leaf = Constant(type, (1 << bits) - 1 if name == "uadd" else 0)
    else:
        # Below the lowest when the left side is negative, else above the highest.
        sign = self.builder.binary("SAR", self.sign_extended(arguments[0]), Constant(I32, 63), type)
        limit = self.builder.binary("XOR", sign, Constant(type, (1 << (bits - 1)) - 1), type)
    return self.builder.select(crossed, limit, result)
