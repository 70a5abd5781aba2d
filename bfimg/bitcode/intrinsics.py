"""Calls of LLVM's intrinsic functions."""

from __future__ import annotations

import re
from collections.abc import Callable

from bfimg.bitcode.builder import ZERO, Comparison
from bfimg.bitcode.constants import unsupported, value_type
from bfimg.bitcode.ir import Instruction, Local, Value
from bfimg.bitcode.library import lower_mathematics
from bfimg.bitcode.machine import NO_REGISTER, Constant, Leaf, Node, bit_width
from bfimg.bitcode.overflow import overflowing, saturating
from bfimg.bitcode.select import Selector
from bfimg.bitcode.select_floats import float_binary, float_unary
from bfimg.bitcode.select_integers import comparable, float_extreme, integer_bits, integer_comparison
from bfimg.bitcode.select_memory import copy_bytes, fill_bytes
from bfimg.bitcode.types import Type, VectorType
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, FloatCondition, ValueType

I32, I64, F32, F64 = ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64
_TRAP_CALLED = 2
_DROPPED = (
    "lifetime.start lifetime.end assume dbg.value dbg.declare dbg.label donothing prefetch "
    "experimental.noalias.scope.decl invariant.start invariant.end var.annotation sideeffect fake.use"
)
# The type suffixes of an overloaded intrinsic: .i32, .p0, .v4f32 and so on.
_SUFFIX = re.compile(r"(\.(?:[if]\d+|p\d+|v\d+(?:[if]\d+|p\d+)|sl_\w+))+$")
Handler = Callable[[Selector, Instruction, list[Value]], Leaf | None]


def lower_intrinsic(self: Selector, instruction: Instruction, full_name: str, arguments: list[Value]) -> None:
    """Lower a call of `llvm.` and something. Raises LoweringError for one that has no lowering."""
    name = _SUFFIX.sub("", full_name.removeprefix("llvm."))
    if name in _DROPPED_NAMES:
        return
    if name.startswith("vector.reduce."):
        self.set(instruction, _reduce(self, name.removeprefix("vector.reduce."), arguments))
        return
    if isinstance(instruction.type, VectorType) and name in _INTRINSICS:
        _by_element(self, instruction, full_name, arguments)
        return
    handler = _INTRINSICS.get(name)
    if handler is not None:
        result = handler(self, instruction, arguments)
        if result is not None:
            self.set(instruction, result)
        return
    if name.endswith(".with.overflow"):
        self.values[instruction.name] = overflowing(self, name.partition(".")[0], arguments)
    elif not lower_mathematics(self, instruction, name, arguments):
        raise unsupported(f"@{full_name}", "no lowering for this intrinsic function")


def _by_element(self: Selector, instruction: Instruction, name: str, arguments: list[Value]) -> None:
    assert isinstance(instruction.type, VectorType)
    leaves = [self.leaves(argument) for argument in arguments]
    result: list[Leaf] = []
    for number in range(instruction.type.count):
        part = Instruction("call", instruction.type.element, f"{instruction.name}.{number}")
        inner: list[Value] = []
        for place, argument in enumerate(arguments):
            several = isinstance(argument.type, VectorType)
            element = argument.type.element if isinstance(argument.type, VectorType) else argument.type
            local = Local(element, f"{part.name}.{place}")
            self.values[local.name] = [leaves[place][number]] if several else leaves[place]
            inner.append(local)
        lower_intrinsic(self, part, name, inner)
        result.append(self.leaf(Local(part.type, part.name)))
    self.values[instruction.name] = result


def _reduce(self: Selector, kind: str, arguments: list[Value]) -> Leaf:
    """One number from all elements of a vector, first to last."""
    vector = arguments[-1]
    assert isinstance(vector.type, VectorType)
    element = vector.type.element
    leaves = list(self.leaves(vector))
    result = self.leaf(arguments[0]) if len(arguments) > 1 else leaves.pop(0)
    for leaf in leaves:
        if kind in ("fadd", "fmul"):
            result = float_binary(self, kind[1:].upper(), result, leaf, value_type(element))
        elif kind in ("add", "mul", "and", "or", "xor"):
            result = self.builder.binary(kind.upper(), result, leaf, value_type(element))
        elif kind in _ORDERS:
            result = _pick(self, kind, _named(self, element, result), _named(self, element, leaf))
        else:
            raise unsupported(f"vector.reduce.{kind}", "no lowering for this intrinsic function")
    return result


def _named(self: Selector, type: Type, leaf: Leaf) -> Local:
    """A leaf as a value of the type."""
    name = f"%leaf.{len(self.values)}"
    self.values[name] = [leaf]
    return Local(type, name)


_ORDERS = {"smax": "sgt", "smin": "slt", "umax": "ugt", "umin": "ult"}


def _pick(self: Selector, kind: str, left: Value, right: Value) -> Leaf:
    """Integer minimum or maximum."""
    comparison = integer_comparison(self, _ORDERS[kind], left, right)
    first, second = comparable(self, left, right, kind[0])
    return self.builder.select(comparison, first, second)


def _extreme(kind: str) -> Handler:
    return lambda self, instruction, arguments: _pick(self, kind, *arguments)


def _absolute(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
    value, type = self.sign_extended(arguments[0]), value_type(instruction.type)
    zero = Constant(type, 0)
    if isinstance(value, Constant):
        return Constant(type, abs(value.signed) & (1 << bit_width(type)) - 1)
    negated = _negated(self, value, type)
    return self.builder.select(Comparison(type, Condition.SLT, value, zero), negated, value)


def _negated(self: Selector, leaf: Leaf, type: ValueType) -> Leaf:
    if type is I32:
        return self.builder.node(Op.NEG_I32, I32, [self.builder.register(leaf)])
    return self.builder.binary("SUB", Constant(I64, 0), leaf, I64)


def _unary(self: Selector, op: Op, leaf: Leaf) -> int:
    result = self.builder.node(op, I32, [self.builder.register(leaf)])
    if op is not Op.BSWAP_I32:
        self.builder.zero_bits[result] = 6
    return result


def _population(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
    value = self.zero_extended(arguments[0])
    if value_type(instruction.type) is I32:
        return _unary(self, Op.POPCOUNT_I32, value)
    low, high = (_unary(self, Op.POPCOUNT_I32, half) for half in (self.builder.low(value), self.builder.high(value)))
    return self.builder.widened(self.builder.binary("ADD", low, high), signed=False)


def _leading_zeros(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
    value, bits = self.zero_extended(arguments[0]), integer_bits(instruction.type)
    if bits <= 32:
        return self.builder.binary("SUB", _unary(self, Op.CLZ_I32, value), Constant(I32, 32 - bits))
    low, high = self.builder.low(value), self.builder.high(value)
    below = self.builder.binary("ADD", _unary(self, Op.CLZ_I32, low), Constant(I32, 32))
    none = Comparison(I32, Condition.EQ, high, ZERO)
    whole = self.builder.select(none, below, _unary(self, Op.CLZ_I32, high))
    return self.builder.widened(self.builder.binary("SUB", whole, Constant(I32, 64 - bits)), signed=False)


def _trailing_zeros(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
    value, bits = self.leaf(arguments[0]), integer_bits(instruction.type)
    type = value_type(instruction.type)
    if bits not in (32, 64):  # a bit above the highest one ends the search
        value = self.builder.binary("OR", value, Constant(type, 1 << bits), type)
    if type is I32:
        return _unary(self, Op.CTZ_I32, value)
    low, high = self.builder.low(value), self.builder.high(value)
    above = self.builder.binary("ADD", _unary(self, Op.CTZ_I32, high), Constant(I32, 32))
    none = Comparison(I32, Condition.EQ, low, ZERO)
    return self.builder.widened(self.builder.select(none, above, _unary(self, Op.CTZ_I32, low)), signed=False)


def _swap_bytes(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
    value, bits = self.leaf(arguments[0]), integer_bits(instruction.type)
    if bits <= 32:
        return self.builder.binary("SHR", _unary(self, Op.BSWAP_I32, value), Constant(I32, 32 - bits))
    low, high = (_unary(self, Op.BSWAP_I32, half) for half in (self.builder.low(value), self.builder.high(value)))
    whole = self.builder.packed(high, low)
    return self.builder.binary("SHR", whole, Constant(I32, 64 - bits), I64)


def _reverse_bits(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
    value, bits = self.leaf(arguments[0]), integer_bits(instruction.type)
    if bits <= 32:
        return self.builder.binary("SHR", _reversed_word(self, value), Constant(I32, 32 - bits))
    low, high = (_reversed_word(self, half) for half in (self.builder.low(value), self.builder.high(value)))
    return self.builder.binary("SHR", self.builder.packed(high, low), Constant(I32, 64 - bits), I64)


def _reversed_word(self: Selector, leaf: Leaf) -> Leaf:
    binary = self.builder.binary
    for count, mask in ((1, 0x55555555), (2, 0x33333333), (4, 0x0F0F0F0F)):
        upper = binary("AND", binary("SHR", leaf, Constant(I32, count)), Constant(I32, mask))
        lower = binary("SHL", binary("AND", leaf, Constant(I32, mask)), Constant(I32, count))
        leaf = binary("OR", upper, lower)
    return _unary(self, Op.BSWAP_I32, leaf)


def _funnel(left: bool) -> Handler:
    """fshl and fshr: two numbers side by side, shifted, and one half of that."""

    def lower(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
        high, low, count = arguments
        bits, type = integer_bits(instruction.type), value_type(instruction.type)
        amount = self.zero_extended(count)
        if type is I64:
            amount = self.builder.low(amount)
        if bits not in (32, 64):
            return _narrow_funnel(self, high, low, amount, bits, left=left)
        upper, lower = self.leaf(high), self.leaf(low)
        if upper == lower:
            return _rotate(self, upper, amount, type, left=left)
        return _wide_funnel(self, upper, lower, amount, type, left=left)

    return lower


def _narrow_funnel(self: Selector, high: Value, low: Value, amount: Leaf, bits: int, *, left: bool) -> Leaf:
    if bits > 16:
        raise unsupported(f"i{bits}", "no lowering for a shift of two numbers of this width")
    binary = self.builder.binary
    upper = binary("SHL", self.zero_extended(high), Constant(I32, bits))
    both = binary("OR", upper, self.zero_extended(low))
    if isinstance(amount, Constant):
        amount = Constant(I32, amount.bits % bits)
    elif bits & (bits - 1) == 0:
        amount = binary("AND", amount, Constant(I32, bits - 1))
    else:
        amount = binary("REM_U", amount, Constant(I32, bits))
    if not left:
        return binary("SHR", both, amount)
    return binary("SHR", binary("SHL", both, amount), Constant(I32, bits))


def _rotate(self: Selector, value: Leaf, amount: Leaf, type: ValueType, *, left: bool) -> Leaf:
    width, binary = bit_width(type), self.builder.binary
    if isinstance(amount, Constant):
        count = amount.bits % width
        return binary("ROTL", value, Constant(I32, count if left else -count % width), type)
    if type is I32:
        return binary("ROTL" if left else "ROTR", value, amount)
    back = _negated(self, amount, I32)
    first, second = ("SHL", "SHR") if left else ("SHR", "SHL")
    return binary("OR", binary(first, value, amount, type), binary(second, value, back, type), type)


def _wide_funnel(self: Selector, upper: Leaf, lower: Leaf, amount: Leaf, type: ValueType, *, left: bool) -> Leaf:
    width, binary = bit_width(type), self.builder.binary
    one = Constant(I32, 1)
    if isinstance(amount, Constant):
        count = amount.bits % width if left else -amount.bits % width
        if amount.bits % width == 0:
            return upper if left else lower
        shifted = binary("SHL", upper, Constant(I32, count), type)
        return binary("OR", shifted, binary("SHR", lower, Constant(I32, width - count), type), type)
    # Shifting by one first keeps both counts below the width.
    rest = binary("XOR", amount, Constant(I32, 0xFFFFFFFF))
    if left:
        halves = binary("SHL", upper, amount, type), binary("SHR", binary("SHR", lower, one, type), rest, type)
    else:
        halves = binary("SHL", binary("SHL", upper, one, type), rest, type), binary("SHR", lower, amount, type)
    return binary("OR", *halves, type)


def _compare_three_ways(signed: bool) -> Handler:
    def lower(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
        sign = "s" if signed else "u"
        above, below = (
            self.builder.truth(integer_comparison(self, f"{sign}{order}", *arguments)) for order in ("gt", "lt")
        )
        result = self.builder.binary("SUB", above, below)
        return self.builder.widened(result, signed=True) if value_type(instruction.type) is I64 else result

    return lower


def _multiply_add(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
    type = value_type(instruction.type)
    first, second, third = (self.leaf(argument) for argument in arguments)
    return float_binary(self, "ADD", float_binary(self, "MUL", first, second, type), third, type)


def _float_unary(kind: str) -> Handler:
    return lambda self, instruction, arguments: float_unary(
        self, kind, self.leaf(arguments[0]), value_type(instruction.type)
    )


def _float_pick(kind: str) -> Handler:
    """minnum and maxnum: a NaN on one side gives the other side."""

    def lower(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
        type = value_type(instruction.type)
        left, right = (self.leaf(argument) for argument in arguments)
        extreme = float_extreme(self, kind, left, right, type)
        ordered = Comparison(type, FloatCondition.UNO, right, right)
        return self.builder.select(ordered, left, extreme)

    return lower


def _copy_sign(self: Selector, instruction: Instruction, arguments: list[Value]) -> Leaf:
    type = value_type(instruction.type)
    magnitude, sign = (self.leaf(argument) for argument in arguments)
    positive = float_unary(self, "ABS", magnitude, type)
    bits = self.builder.node(Op[f"{type.name}_BITS"], I32 if type is F32 else I64, [self.builder.register(sign)])
    top = bits if type is F32 else self.builder.high(bits)
    negative = float_unary(self, "NEG", positive, type)
    return self.builder.select(Comparison(I32, Condition.SLT, top, ZERO), negative, positive)


def _copy(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    copy_bytes(self, *arguments[:3])


def _fill(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    fill_bytes(self, *arguments[:3])


def _trap(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    """TRAP ends a block; as a call in the middle of one it is a check that no address passes."""
    nowhere = self.builder.register(ZERO)
    self.builder.append(Node(Op.CHECK_IMM32, NO_REGISTER, [nowhere], _TRAP_CALLED))


def _first(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    self.values[instruction.name] = self.leaves(arguments[0])


def _saturated(name: str) -> Handler:
    return lambda self, instruction, arguments: saturating(self, name, arguments)


def _number(bits: int) -> Handler:
    return lambda self, instruction, arguments: Constant(
        value_type(instruction.type), bits & (1 << integer_bits(instruction.type)) - 1
    )


_DROPPED_NAMES = frozenset(_DROPPED.split())
_INTRINSICS: dict[str, Handler] = {
    **{name: _extreme(name) for name in _ORDERS},
    **{f"{name}.sat": _saturated(name) for name in ("uadd", "sadd", "usub", "ssub")},
    "abs": _absolute,
    "ctpop": _population,
    "ctlz": _leading_zeros,
    "cttz": _trailing_zeros,
    "bswap": _swap_bytes,
    "bitreverse": _reverse_bits,
    "fshl": _funnel(left=True),
    "fshr": _funnel(left=False),
    "scmp": _compare_three_ways(signed=True),
    "ucmp": _compare_three_ways(signed=False),
    "fmuladd": _multiply_add,
    "fabs": _float_unary("ABS"),
    "sqrt": _float_unary("SQRT"),
    "minnum": _float_pick("MIN"),
    "maxnum": _float_pick("MAX"),
    "copysign": _copy_sign,
    "memcpy": _copy,
    "memcpy.inline": _copy,
    "memmove": _copy,
    "memset": _fill,
    "memset.inline": _fill,
    "trap": _trap,
    "debugtrap": _trap,
    "ubsantrap": _trap,
    "expect": _first,
    "expect.with.probability": _first,
    "launder.invariant.group": _first,
    "strip.invariant.group": _first,
    "ptr.annotation": _first,
    "threadlocal.address": _first,
    "is.constant": _number(0),
    "objectsize": _number(-1),
}
