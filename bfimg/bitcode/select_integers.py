"""Integer arithmetic, comparisons, conversions between integers, select."""

from __future__ import annotations

from bfimg.bitcode.builder import ZERO, Comparison
from bfimg.bitcode.constants import unsupported, value_type
from bfimg.bitcode.ir import Instruction, Local, Value
from bfimg.bitcode.machine import Constant, Leaf
from bfimg.bitcode.select import Junction, Selector, handles
from bfimg.bitcode.types import FloatType, IntType, PointerType, Type, VectorType
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, FloatCondition, ValueType

I32, I64 = ValueType.I32, ValueType.I64
_KINDS = {"add": "ADD", "sub": "SUB", "mul": "MUL", "and": "AND", "or": "OR", "xor": "XOR"}
_SHIFTS = {"shl": "SHL", "lshr": "SHR", "ashr": "SAR"}
_DIVISIONS = {"udiv": "DIV_U", "sdiv": "DIV_S", "urem": "REM_U", "srem": "REM_S"}
# Of junctions in junctions.
_JUNCTION_DEPTH = 8
# A list, not a dictionary: the two kinds of conditions have equal numbers.
_OPPOSITES: tuple[tuple[Condition | FloatCondition, Condition | FloatCondition], ...] = (
    (Condition.ULT, Condition.UGE),
    (Condition.EQ, Condition.NE),
    (Condition.ULE, Condition.UGT),
    (Condition.SLT, Condition.SGE),
    (Condition.SLE, Condition.SGT),
    (FloatCondition.OEQ, FloatCondition.UNE),
    (FloatCondition.ULT, FloatCondition.OGE),
    (FloatCondition.UEQ, FloatCondition.ONE),
    (FloatCondition.ULE, FloatCondition.OGT),
    (FloatCondition.UNO, FloatCondition.ORD),
)
_INVERSES = {(type(a), a): b for pair in _OPPOSITES for a, b in (pair, pair[::-1])}
_EXCHANGED = {
    Condition.ULT: Condition.UGT,
    Condition.UGT: Condition.ULT,
    Condition.ULE: Condition.UGE,
    Condition.UGE: Condition.ULE,
    Condition.SLT: Condition.SGT,
    Condition.SGT: Condition.SLT,
    Condition.SLE: Condition.SGE,
    Condition.SGE: Condition.SLE,
    Condition.EQ: Condition.EQ,
    Condition.NE: Condition.NE,
}


def inverse(comparison: Comparison) -> Comparison:
    """The comparison that holds when this one does not."""
    condition = _INVERSES[(type(comparison.condition), comparison.condition)]
    return Comparison(comparison.kind, condition, comparison.left, comparison.right)


def integer_bits(type: Type) -> int:
    """Bits of an integer or pointer. Raises LoweringError for what a register cannot hold."""
    value_type(type)
    return type.bits if isinstance(type, IntType) else 32


@handles("add", "sub", "mul", "and", "or", "xor", elementwise=True)
def arithmetic(self: Selector, instruction: Instruction) -> None:
    type = value_type(instruction.type)
    left, right = instruction.operands
    if instruction.opcode == "xor" and integer_bits(instruction.type) == 1 and _invert(self, instruction):
        return
    if instruction.opcode in ("and", "or") and _join(self, instruction, left, right, both=instruction.opcode == "and"):
        return
    kind = _KINDS[instruction.opcode]
    packed = _pack(self, instruction) if kind == "OR" and type is I64 else None
    self.set(instruction, packed or self.builder.binary(kind, self.plain(left), self.plain(right), type))


def _join(self: Selector, instruction: Instruction, left: Value, right: Value, *, both: bool) -> bool:
    """Leave it to the branches that use it to decide whether both, or one, of two truths hold."""
    if not _is_junction(instruction) or not _only_branches(self, instruction.name):
        return False
    if not _is_compared(self, left) or not _is_compared(self, right):
        return False
    self.junctions[instruction.name] = Junction(both, left, right)
    return True


def _is_compared(self: Selector, truth: Value) -> bool:
    return isinstance(truth, Local) and (truth.name in self.comparisons or truth.name in self.junctions)


def _only_branches(self: Selector, name: str, depth: int = _JUNCTION_DEPTH) -> bool:
    """True when an i1 is only used by branches, and by other junctions of which this is true."""
    return depth > 0 and all(
        user.opcode == "br" or (_is_junction(user) and _only_branches(self, user.name, depth - 1))
        for user in self.users.get(name, ())
    )


def _is_junction(instruction: Instruction) -> bool:
    """True for `and`, `or` of i1, and for `select` of i1, which LLVM writes for them."""
    is_truth = isinstance(instruction.type, IntType) and instruction.type.bits == 1
    return is_truth and instruction.opcode in ("and", "or", "select")


def _invert(self: Selector, instruction: Instruction) -> bool:
    """`xor i1 x, true` of a comparison that branches and selects compute themselves."""
    left, right = instruction.operands
    if isinstance(right, Local) or not isinstance(left, Local) or self.leaf(right) != Constant(I32, 1):
        return False
    if left.name in self.comparisons:
        name_comparison(self, instruction, inverse(self.comparisons[left.name]))
    else:
        truth = Comparison(I32, Condition.EQ, self.zero_extended(left), ZERO)
        name_comparison(self, instruction, truth)
    return True


def _pack(self: Selector, instruction: Instruction) -> Leaf | None:
    """An i64 made of two halves: `zext low | zext high << 32`."""
    leaves = [self.leaf(operand) for operand in instruction.operands]
    for low, high in (leaves, leaves[::-1]):
        if isinstance(low, Constant) or isinstance(high, Constant):
            continue
        lower, upper = self.builder.definitions.get(low), self.builder.definitions.get(high)
        if lower is None or upper is None or lower.op is not Op.EXTEND_U32 or upper.op is not Op.PACK_I64:
            continue
        zero = self.builder.definitions.get(upper.reads[0])
        if zero is not None and zero.op is Op.CONST_I32_16 and zero.immediate == 0:
            return self.builder.packed(lower.reads[0], upper.reads[1])
    return None


@handles("shl", "lshr", "ashr", elementwise=True)
def shift(self: Selector, instruction: Instruction) -> None:
    value, count = instruction.operands
    bits, type = integer_bits(instruction.type), value_type(instruction.type)
    amount = self.leaf(count) if bits >= 5 else self.zero_extended(count)
    amount = self.builder.low(amount) if type is I64 else amount
    if instruction.opcode == "shl":
        left = self.plain(value)
    else:
        left = self.zero_extended(value) if instruction.opcode == "lshr" else self.sign_extended(value)
    self.set(instruction, self.builder.binary(_SHIFTS[instruction.opcode], left, amount, type))


@handles("udiv", "sdiv", "urem", "srem", elementwise=True)
def division(self: Selector, instruction: Instruction) -> None:
    kind = _DIVISIONS[instruction.opcode]
    extended = self.zero_extended if instruction.opcode[0] == "u" else self.sign_extended
    left, right = (extended(operand) for operand in instruction.operands)
    integer_bits(instruction.type)
    if value_type(instruction.type) is I64:
        self.set(instruction, self.helper(Helper[f"{kind}64"], left, right))
    else:
        self.set(instruction, self.builder.binary(kind, left, right))


@handles("icmp", elementwise=True)
def compare(self: Selector, instruction: Instruction) -> None:
    left, right = instruction.operands
    name_comparison(self, instruction, integer_comparison(self, instruction.detail, left, right))


def integer_comparison(self: Selector, predicate: str, left: Value, right: Value) -> Comparison:
    """The comparison of two integers or pointers by an LLVM predicate such as ult."""
    kind = value_type(left.type)
    first, second = comparable(self, left, right, predicate[0])
    condition = Condition[predicate.upper()]
    unextended = _range_check(self, left, second, condition)
    first = first if unextended is None else unextended
    if kind is I64 and predicate[0] != "s" and all(self.builder.fits_zero(side) <= 32 for side in (first, second)):
        kind, first, second = I32, self.builder.low(first), self.builder.low(second)
    if isinstance(first, Constant) and not isinstance(second, Constant):
        first, second, condition = second, first, _EXCHANGED[condition]
    return Comparison(kind, condition, first, second)


def _range_check(self: Selector, left: Value, right: Leaf, condition: Condition) -> Leaf | None:
    """The unextended `left` where it is a small integer x - a and this is compared with at most 2^bits - a.

    When x has nothing above its bits, x - a below 0 is above the bound with or without extension.
    """
    bits, leaf = integer_bits(left.type), self.leaf(left)
    if bits >= 32 or isinstance(leaf, Constant) or not isinstance(right, Constant):
        return None
    node = self.builder.definitions.get(leaf)
    if node is None or node.op not in (Op.ADD_I32_IMM8, Op.ADD_I32_IMM32) or node.immediate >= 0:
        return None
    above = {Condition.ULT: 0, Condition.UGE: 0, Condition.ULE: 1, Condition.UGT: 1}.get(condition)
    if above is None or right.bits + above > (1 << bits) + node.immediate:
        return None
    return leaf if self.builder.fits_zero(node.reads[0]) <= bits else None


def comparable(self: Selector, left: Value, right: Value, order: str) -> tuple[Leaf, Leaf]:
    """Both sides extended for comparison; order: s signed, u unsigned, anything else for equality."""
    bits = integer_bits(left.type)
    if bits in (32, 64):
        return self.leaf(left), self.leaf(right)
    if order == "s":
        return self.sign_extended(left), self.sign_extended(right)
    if order != "u":
        signs = [self.builder.fits_sign(self.plain(side)) <= bits for side in (left, right)]
        zeros = [self.builder.fits_zero(self.leaf(side)) <= bits for side in (left, right)]
        if all(signs) and not all(zeros):
            return self.plain(left), self.plain(right)
    return self.zero_extended(left), self.zero_extended(right)


def name_comparison(self: Selector, instruction: Instruction, comparison: Comparison) -> None:
    """Leave a comparison to the branches and selects that use it; a value of its own only when others use it."""
    self.comparisons[instruction.name] = comparison
    if not all(_takes_comparison(self, user, instruction) for user in self.users.get(instruction.name, ())):
        self.set(instruction, self.builder.truth(comparison))


def _takes_comparison(self: Selector, user: Instruction, instruction: Instruction) -> bool:
    if user.opcode == "br" or (_is_junction(user) and _only_branches(self, user.name)):
        return True
    if user.opcode == "xor":
        return not isinstance(user.operands[1], Local)
    if user.opcode != "select" or isinstance(user.type, VectorType):
        return False
    name = instruction.name
    return all(not isinstance(operand, Local) or operand.name != name for operand in user.operands[1:])


@handles("select", elementwise=True)
def select(self: Selector, instruction: Instruction) -> None:
    condition, then, other = instruction.operands
    if isinstance(instruction.type, IntType) and instruction.type.bits == 1:
        if (
            not isinstance(other, Local)
            and self.leaf(other) == ZERO
            and _join(self, instruction, condition, then, both=True)
        ):
            return
        if (
            not isinstance(then, Local)
            and self.leaf(then) == Constant(I32, 1)
            and _join(self, instruction, condition, other, both=False)
        ):
            return
        self.set(instruction, _select_truth(self, condition, then, other))
        return
    if isinstance(instruction.type, FloatType):
        extreme = _extreme(self, condition, self.leaf(then), self.leaf(other))
        if extreme is not None:
            self.set(instruction, extreme)
            return
    comparison = self.condition(condition)
    pairs = zip(self.sides(then, instruction), self.sides(other, instruction), strict=True)
    self.values[instruction.name] = [self.builder.select(comparison, a, b) for a, b in pairs]


def _select_truth(self: Selector, condition: Value, then: Value, other: Value) -> Leaf:
    """A select of i1: and, or, or a select of 0 and 1."""
    first, second = self.zero_extended(then), self.zero_extended(other)
    if second == ZERO:
        return self.builder.binary("AND", self.zero_extended(condition), first)
    if first == Constant(I32, 1):
        return self.builder.binary("OR", self.zero_extended(condition), second)
    return self.builder.select(self.condition(condition), first, second)


def _extreme(self: Selector, condition: Value, then: Leaf, other: Leaf) -> Leaf | None:
    """Minimum or maximum: `a < b ? a : b` and its like."""
    if not isinstance(condition, Local) or condition.name not in self.comparisons:
        return None
    comparison = self.comparisons[condition.name]
    if comparison.kind not in (ValueType.F32, ValueType.F64):
        return None
    # In terms of left > right: MAX gives left, MIN of (right, left) gives right.
    if comparison.condition is FloatCondition.OGT and (comparison.left, comparison.right) == (then, other):
        return float_extreme(self, "MAX", then, other, comparison.kind)
    if comparison.condition is FloatCondition.OGT and (comparison.right, comparison.left) == (then, other):
        return float_extreme(self, "MIN", then, other, comparison.kind)
    if comparison.condition is FloatCondition.ULE and (comparison.left, comparison.right) == (then, other):
        return float_extreme(self, "MIN", other, then, comparison.kind)
    if comparison.condition is FloatCondition.ULE and (comparison.right, comparison.left) == (then, other):
        return float_extreme(self, "MAX", other, then, comparison.kind)
    return None


def float_extreme(self: Selector, kind: str, left: Leaf, right: Leaf, type: ValueType) -> Leaf:
    """MIN or MAX: the left side when it is smaller or larger, else the right one."""
    registers = [self.builder.register(left), self.builder.register(right)]
    return self.builder.node(Op[f"{kind}_{type.name}"], type, registers)


@handles("trunc", elementwise=True)
def truncate(self: Selector, instruction: Instruction) -> None:
    (value,) = instruction.operands
    narrow = value_type(instruction.type) is I32 and value_type(value.type) is I64
    self.set(instruction, self.builder.low(self.leaf(value)) if narrow else self.leaf(value))


@handles("zext", elementwise=True)
def extend_zero(self: Selector, instruction: Instruction) -> None:
    self.set(instruction, resized(self, instruction.operands[0], instruction.type, signed=False))


@handles("sext", elementwise=True)
def extend_sign(self: Selector, instruction: Instruction) -> None:
    self.set(instruction, resized(self, instruction.operands[0], instruction.type, signed=True))


@handles("ptrtoint", "ptrtoaddr", "inttoptr", elementwise=True)
def pointer_conversion(self: Selector, instruction: Instruction) -> None:
    self.set(instruction, resized(self, instruction.operands[0], instruction.type, signed=False))


@handles("freeze")
def freeze(self: Selector, instruction: Instruction) -> None:
    self.values[instruction.name] = self.leaves(instruction.operands[0])


def resized(self: Selector, value: Value, type: Type, *, signed: bool) -> Leaf:
    """An integer or pointer in a register of another width, extended or cut."""
    leaf = self.sign_extended(value) if signed else self.zero_extended(value)
    source, target = value_type(value.type), value_type(type)
    if source is I32 and target is I64:
        return self.builder.widened(leaf, signed=signed)
    if source is I64 and target is I32:
        return self.builder.low(leaf)
    if not isinstance(value.type, IntType | PointerType):
        raise unsupported(value.type, "is no integer")
    return leaf
