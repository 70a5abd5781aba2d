"""Float arithmetic, comparisons, and conversions from, to and between floats."""

from __future__ import annotations

from bfimg.bitcode.builder import Comparison
from bfimg.bitcode.constants import scalars, unsupported, value_type
from bfimg.bitcode.ir import Instruction, Value
from bfimg.bitcode.machine import Constant, Leaf, bit_width
from bfimg.bitcode.select import Selector, handles
from bfimg.bitcode.select_integers import integer_bits, name_comparison
from bfimg.bitcode.types import IntType, Type, is_composite
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import FloatCondition, ValueType

I32, I64, F32, F64 = ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64
_KINDS = {"fadd": "ADD", "fsub": "SUB", "fmul": "MUL", "fdiv": "DIV"}
_EXCHANGED = {"olt": "ogt", "ole": "oge", "ugt": "ult", "uge": "ule"}


def float_binary(self: Selector, kind: str, left: Leaf, right: Leaf, type: ValueType) -> int:
    """ADD, SUB, MUL or DIV of two floats."""
    return self.builder.node(
        Op[f"{kind}_{type.name}"], type, [self.builder.register(left), self.builder.register(right)]
    )


def float_unary(self: Selector, kind: str, value: Leaf, type: ValueType) -> int:
    """NEG, ABS or SQRT of a float."""
    return self.builder.node(Op[f"{kind}_{type.name}"], type, [self.builder.register(value)])


@handles("fadd", "fsub", "fmul", "fdiv", elementwise=True)
def arithmetic(self: Selector, instruction: Instruction) -> None:
    left, right = (self.leaf(operand) for operand in instruction.operands)
    self.set(instruction, float_binary(self, _KINDS[instruction.opcode], left, right, value_type(instruction.type)))


@handles("fneg", elementwise=True)
def negate(self: Selector, instruction: Instruction) -> None:
    value = self.leaf(instruction.operands[0])
    self.set(instruction, float_unary(self, "NEG", value, value_type(instruction.type)))


@handles("frem", elementwise=True)
def remainder(self: Selector, instruction: Instruction) -> None:
    wide = [as_double(self, operand) for operand in instruction.operands]
    self.set(instruction, from_double(self, self.helper(Helper.FMOD, *wide), instruction.type))


def as_double(self: Selector, value: Value) -> Leaf:
    """A float or double as double."""
    if value_type(value.type) is F64:
        return self.leaf(value)
    return self.builder.node(Op.F64_FROM_F32, F64, [self.register(value)])


def from_double(self: Selector, leaf: Leaf, type: Type) -> Leaf:
    """A double as float or double."""
    if value_type(type) is F64:
        return leaf
    return self.builder.node(Op.F32_FROM_F64, F32, [self.builder.register(leaf)])


@handles("fcmp", elementwise=True)
def compare(self: Selector, instruction: Instruction) -> None:
    left, right = (self.leaf(operand) for operand in instruction.operands)
    predicate = instruction.detail
    if predicate in ("true", "false"):
        self.set(instruction, Constant(I32, int(predicate == "true")))
        return
    if predicate in _EXCHANGED:
        left, right, predicate = right, left, _EXCHANGED[predicate]
    kind = value_type(instruction.operands[0].type)
    name_comparison(self, instruction, Comparison(kind, FloatCondition[predicate.upper()], left, right))


@handles("fpext", "fptrunc", elementwise=True)
def resize(self: Selector, instruction: Instruction) -> None:
    value_type(instruction.type)
    self.set(instruction, from_double(self, as_double(self, instruction.operands[0]), instruction.type))


@handles("sitofp", "uitofp", elementwise=True)
def from_integer(self: Selector, instruction: Instruction) -> None:
    (value,) = instruction.operands
    signed = instruction.opcode == "sitofp"
    leaf = self.sign_extended(value) if signed else self.zero_extended(value)
    type = value_type(instruction.type)
    if value_type(value.type) is I64:
        self.set(instruction, self.helper(Helper[f"{type.name}_FROM_{'S' if signed else 'U'}64"], leaf))
        return
    if not signed and self.builder.fits_zero(leaf) == 32:
        wide = self.builder.node(Op.F64_FROM_U32, F64, [self.builder.register(leaf)])
        self.set(instruction, from_double(self, wide, instruction.type))
        return
    self.set(instruction, self.builder.node(Op[f"{type.name}_FROM_I32"], type, [self.builder.register(leaf)]))


@handles("fptosi", "fptoui", elementwise=True)
def to_integer(self: Selector, instruction: Instruction) -> None:
    (value,) = instruction.operands
    signed = instruction.opcode == "fptosi"
    bits = integer_bits(instruction.type)
    if bits > 32:
        helper = Helper.S64_FROM_F64 if signed else Helper.U64_FROM_F64
        self.set(instruction, self.helper(helper, as_double(self, value)))
    elif bits == 32 and not signed:
        wide = self.builder.register(as_double(self, value))
        self.set(instruction, self.builder.node(Op.U32_FROM_F64, I32, [wide]))
    else:
        name = f"I32_FROM_{value_type(value.type).name}"
        self.set(instruction, self.builder.node(Op[name], I32, [self.register(value)]))


@handles("bitcast")
def bitcast(self: Selector, instruction: Instruction) -> None:
    (value,) = instruction.operands
    if not is_composite(value.type) and not is_composite(instruction.type):
        self.set(instruction, rebitten(self, self.leaf(value), value_type(instruction.type)))
        return
    self.values[instruction.name] = _regrouped(self, value, instruction.type)


def rebitten(self: Selector, leaf: Leaf, type: ValueType) -> Leaf:
    """The same bits in a register of another kind and the same width."""
    source = leaf.type if isinstance(leaf, Constant) else self.builder.machine.types[leaf]
    if source is type:
        return leaf
    if isinstance(leaf, Constant):
        return Constant(type, leaf.bits)
    name = f"{type.name}_FROM_BITS" if type in (F32, F64) else f"{source.name}_BITS"
    return self.builder.node(Op[name], type, [leaf])


def _regrouped(self: Selector, value: Value, type: Type) -> list[Leaf]:
    """A vector as another one of the same size, or as a number: its bits in elements of another width."""
    source, target = scalars(value.type)[0], scalars(type)[0]
    from_bits, to_bits = _element_bits(source), _element_bits(target)
    integers = []
    for leaf in self.leaves(value):
        integer = rebitten(self, leaf, I64 if from_bits > 32 else I32)
        integers.append(self.builder.zero_extended(integer, from_bits))
    wide = from_bits > 32 or to_bits > 32
    if wide and from_bits <= 32:
        integers = [self.builder.widened(leaf, signed=False) for leaf in integers]
    kind = I64 if wide else I32
    result: list[Leaf] = []
    if to_bits >= from_bits:
        if to_bits % from_bits:
            raise unsupported(type, f"no conversion from {value.type}")
        step = to_bits // from_bits
        for start in range(0, len(integers), step):
            joined = integers[start]
            for place, leaf in enumerate(integers[start + 1 : start + step], 1):
                moved = self.builder.binary("SHL", leaf, Constant(I32, place * from_bits), kind)
                joined = self.builder.binary("OR", joined, moved, kind)
            result.append(joined)
    else:
        if from_bits % to_bits:
            raise unsupported(type, f"no conversion from {value.type}")
        for leaf in integers:
            for place in range(from_bits // to_bits):
                result.append(self.builder.binary("SHR", leaf, Constant(I32, place * to_bits), kind))
    if wide and to_bits <= 32:
        result = [self.builder.low(leaf) for leaf in result]
    return [rebitten(self, leaf, value_type(target)) for leaf in result]


def _element_bits(type: Type) -> int:
    return type.bits if isinstance(type, IntType) else bit_width(value_type(type))
