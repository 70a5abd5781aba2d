"""Integers of 65 to 128 bits, in two i64: LLVM computes sums of loops over 64-bit counters with them.

The lower half is the first leaf. What stands above the bits in the upper half is not known.
"""

from __future__ import annotations

from bfimg.bitcode.builder import Comparison
from bfimg.bitcode.constants import is_wide, unsupported
from bfimg.bitcode.ir import Instruction, Value
from bfimg.bitcode.machine import Constant, Leaf
from bfimg.bitcode.select import FIRST, Selector
from bfimg.bitcode.select_integers import name_comparison, resized
from bfimg.bitcode.types import I64 as I64_TYPE
from bfimg.bitcode.types import IntType, Type
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, ValueType

I32, I64 = ValueType.I32, ValueType.I64
_ZERO = Constant(I64, 0)
# Lowered by the handlers of other types, which take any number of leaves.
_GENERIC = frozenset(("load", "phi", "select", "freeze", "call", "extractvalue", "extractelement", "bitcast"))
Pair = tuple[Leaf, Leaf]


def lower_wide(self: Selector, instruction: Instruction) -> bool:
    """Lower an instruction with wide integers; False when it has none, or needs nothing special for them."""
    opcode = instruction.opcode
    if opcode == "trunc" and is_wide(instruction.operands[0].type) and not is_wide(instruction.type):
        self.set(instruction, _cut(self, _pair(self, instruction.operands[0])[0], instruction.type))
    elif opcode == "icmp" and is_wide(instruction.operands[0].type):
        _compare(self, instruction)
    elif not is_wide(instruction.type) or opcode in _GENERIC:
        return False
    else:
        self.values[instruction.name] = list(_computed(self, instruction))
    return True


FIRST.append(lower_wide)


def _pair(self: Selector, value: Value) -> Pair:
    low, high = self.leaves(value)
    return low, high


def _cut(self: Selector, low: Leaf, type: Type) -> Leaf:
    return self.builder.low(low) if isinstance(type, IntType) and type.bits <= 32 else low


def _computed(self: Selector, instruction: Instruction) -> Pair:
    binary = self.builder.binary
    opcode = instruction.opcode
    if opcode in ("zext", "sext") and not is_wide(instruction.operands[0].type):
        low = resized(self, instruction.operands[0], I64_TYPE, signed=opcode == "sext")
        return low, binary("SAR", low, Constant(I32, 63), I64) if opcode == "sext" else _ZERO
    left = _pair(self, instruction.operands[0])
    if opcode == "trunc":
        return left
    if opcode in ("zext", "sext"):
        return _extended(self, left, instruction.operands[0].type, signed=opcode == "sext")
    right = _pair(self, instruction.operands[1])
    if opcode in ("and", "or", "xor"):
        return binary(opcode.upper(), left[0], right[0], I64), binary(opcode.upper(), left[1], right[1], I64)
    if opcode == "mul":
        return _product(self, left, right)
    if opcode in ("add", "sub"):
        low = binary(opcode.upper(), left[0], right[0], I64)
        # A sum below one of its parts carries; a difference of the larger from the smaller borrows.
        sides = (low, left[0]) if opcode == "add" else (left[0], right[0])
        carry = self.builder.widened(self.builder.truth(Comparison(I64, Condition.ULT, *sides)), signed=False)
        high = binary(opcode.upper(), left[1], right[1], I64)
        return low, binary(opcode.upper(), high, carry, I64)
    if opcode in ("shl", "lshr", "ashr"):
        if not isinstance(right[0], Constant):
            raise unsupported(instruction.type, "is shifted by a variable number of bits")
        return _shifted(self, instruction, left, right[0].bits)
    raise unsupported(instruction.type, "integers have at most 64 bits here")


def _extended(self: Selector, pair: Pair, type: Type, *, signed: bool) -> Pair:
    assert isinstance(type, IntType)
    extended = self.builder.sign_extended if signed else self.builder.zero_extended
    return pair[0], extended(pair[1], type.bits - 64)


def _product(self: Selector, left: Pair, right: Pair) -> Pair:
    """The lower 128 bits: school multiplication with digits of 32 bits for the lower halves."""
    binary, low, high = self.builder.binary, self.builder.low, self.builder.high

    def digits(a: Leaf, b: Leaf) -> int:
        return self.builder.node(Op.MUL_U32_WIDE, I64, [self.builder.register(a), self.builder.register(b)])

    def wide(leaf: Leaf) -> Leaf:
        return self.builder.widened(leaf, signed=False)

    a0, a1, b0, b1 = low(left[0]), high(left[0]), low(right[0]), high(right[0])
    lowest = digits(a0, b0)
    first = binary("ADD", digits(a0, b1), wide(high(lowest)), I64)
    second = binary("ADD", digits(a1, b0), wide(low(first)), I64)
    upper = binary("ADD", digits(a1, b1), binary("ADD", wide(high(first)), wide(high(second)), I64), I64)
    for a, b in ((left[0], right[1]), (left[1], right[0])):
        if _ZERO not in (a, b):
            upper = binary("ADD", upper, binary("MUL", a, b, I64), I64)
    return self.builder.packed(low(lowest), low(second)), upper


def _shifted(self: Selector, instruction: Instruction, pair: Pair, count: int) -> Pair:
    binary = self.builder.binary
    opcode = instruction.opcode
    low, high = pair
    if opcode != "shl":
        _, high = _extended(self, pair, instruction.type, signed=opcode == "ashr")
    if count == 0:
        return low, high
    kind = "SAR" if opcode == "ashr" else "SHR"
    if opcode == "shl":
        if count >= 64:
            return _ZERO, binary("SHL", low, Constant(I32, count - 64), I64)
        carried = binary("SHR", low, Constant(I32, 64 - count), I64)
        upper = binary("OR", binary("SHL", high, Constant(I32, count), I64), carried, I64)
        return binary("SHL", low, Constant(I32, count), I64), upper
    if count >= 64:
        rest = binary("SAR", high, Constant(I32, 63), I64) if kind == "SAR" else _ZERO
        return binary(kind, high, Constant(I32, count - 64), I64), rest
    carried = binary("SHL", high, Constant(I32, 64 - count), I64)
    lower = binary("OR", binary("SHR", low, Constant(I32, count), I64), carried, I64)
    return lower, binary(kind, high, Constant(I32, count), I64)


def _compare(self: Selector, instruction: Instruction) -> None:
    """Equality of both halves, or order of the upper ones, and of the lower ones where those are equal."""
    predicate, type = instruction.detail, instruction.operands[0].type
    signed = predicate[0] == "s"
    (a0, a1), (b0, b1) = (
        _extended(self, _pair(self, operand), type, signed=signed) for operand in instruction.operands
    )
    binary = self.builder.binary
    if predicate in ("eq", "ne"):
        differs = binary("OR", binary("XOR", a0, b0, I64), binary("XOR", a1, b1, I64), I64)
        name_comparison(self, instruction, Comparison(I64, Condition[predicate.upper()], differs, _ZERO))
        return
    strict = Condition[predicate[:2].upper() + "T"]
    lower = self.builder.truth(Comparison(I64, Condition["U" + predicate[1:].upper()], a0, b0))
    upper = self.builder.truth(Comparison(I64, strict, a1, b1))
    truth = self.builder.select(Comparison(I64, Condition.EQ, a1, b1), lower, upper)
    name_comparison(self, instruction, Comparison(I32, Condition.NE, truth, Constant(I32, 0)))
