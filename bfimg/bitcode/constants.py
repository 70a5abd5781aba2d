"""Constants of a module computed: as register values, and as the bytes of initial data."""

from __future__ import annotations

from dataclasses import dataclass

from bfimg.bitcode.ir import Composite, Expression, GlobalName, Module, Number, Text, Value, Zero
from bfimg.bitcode.machine import Constant
from bfimg.bitcode.types import (
    I64,
    DataLayout,
    FloatType,
    IntType,
    PointerType,
    StructType,
    Type,
    is_composite,
    parts,
)
from bfimg.errors import LoweringError
from bfimg.formats.pattern_types import ValueType

MAX_INTEGER_BITS = 64
MAX_WIDE_BITS = 128
# What C++ refers to and a module never needs: their address is 0, where no call and no access gets through.
NOWHERE = ("__cxa_pure_virtual", "__dso_handle")


def unsupported(what: object, reason: str) -> LoweringError:
    """The error for a constant or type that no pattern program has; the caller adds the function."""
    return LoweringError(f"{what}: {reason}", hint="change the source and compile it again")


def value_type(type: Type) -> ValueType:
    """The register type of a scalar. Raises LoweringError for a type without one."""
    if isinstance(type, IntType) and type.bits <= MAX_INTEGER_BITS:
        return ValueType.I32 if type.bits <= 32 else ValueType.I64
    if isinstance(type, PointerType):
        return ValueType.I32
    if isinstance(type, FloatType):
        return ValueType.F32 if type.bits == 32 else ValueType.F64
    if isinstance(type, IntType):
        raise unsupported(type, "integers of this width are not supported")
    raise unsupported(type, "pattern programs have i32, i64, float and double only")


def is_wide(type: Type) -> bool:
    """True for integers that take two i64."""
    return isinstance(type, IntType) and MAX_INTEGER_BITS < type.bits <= MAX_WIDE_BITS


def scalars(type: Type) -> list[Type]:
    """The types of all scalars inside, in order: none of void, two i64 of a wide integer."""
    if is_wide(type):
        return [I64, I64]
    if is_composite(type):
        return [scalar for part in parts(type) for scalar in scalars(part)]
    return [] if str(type) == "void" else [type]


@dataclass(slots=True)
class Constants:
    """Evaluates constants. `addresses`: of global variables. `entries`: numbers of functions in their tables."""

    module: Module
    addresses: dict[str, int]
    entries: dict[str, int]

    @property
    def layout(self) -> DataLayout:
        """The module's data layout."""
        return self.module.layout

    def leaves(self, value: Value) -> list[Constant]:
        """One constant for each scalar of a constant value."""
        if isinstance(value, Zero):
            return [Constant(value_type(type), 0) for type in scalars(value.type)]
        if isinstance(value, Composite):
            return [leaf for element in value.elements for leaf in self.leaves(element)]
        if isinstance(value, Text):
            return [Constant(ValueType.I32, byte) for byte in value.data]
        bits = self.bits(value)
        if is_wide(value.type):
            return [Constant(ValueType.I64, bits & (1 << 64) - 1), Constant(ValueType.I64, bits >> 64)]
        return [Constant(value_type(value.type), bits)]

    def bits(self, value: Value) -> int:
        """The bits of a scalar constant. Raises LoweringError for one that cannot be computed."""
        if isinstance(value, Number):
            return value.bits
        if isinstance(value, Zero):
            return 0
        if isinstance(value, GlobalName):
            return self.address(value.name)
        if isinstance(value, Expression):
            return self._expression(value)
        raise unsupported(value, "is no constant of one number")

    def address(self, name: str) -> int:
        """The address of a global variable, or the table entry of a function."""
        if name in self.addresses:
            return self.addresses[name]
        if name in self.entries:
            return self.entries[name]
        if name in self.module.aliases:
            return self.bits(self.module.aliases[name])
        if name in NOWHERE:
            return 0
        raise unsupported(f"@{name}", "is declared but not defined in the module")

    def _expression(self, value: Expression) -> int:
        width = value.type.bits if isinstance(value.type, IntType) else 32
        operands = [self.bits(operand) for operand in value.operands]
        opcode = value.opcode
        if opcode == "getelementptr":
            result = operands[0] + self._offset(value)
        elif opcode in ("trunc", "zext", "ptrtoint", "ptrtoaddr", "inttoptr", "bitcast"):
            result = operands[0]
        elif opcode == "sext" and isinstance(value.operands[0].type, IntType):
            bits = value.operands[0].type.bits
            result = (operands[0] ^ 1 << bits - 1) - (1 << bits - 1)
        elif opcode in _ARITHMETIC and len(operands) == 2:
            result = _ARITHMETIC[opcode](operands[0], operands[1])
        else:
            raise unsupported(f"constant {opcode}", "no lowering for this constant expression")
        return result & (1 << width) - 1

    def _offset(self, value: Expression) -> int:
        indices = []
        for operand in value.operands[1:]:
            bits = operand.type.bits if isinstance(operand.type, IntType) else 32
            number = self.bits(operand)
            indices.append(number - (1 << bits) if number >> (bits - 1) else number)
        return constant_offset(self.layout, value.source_type, indices)

    def data(self, value: Value) -> bytes:
        """The bytes of a constant in memory."""
        type = value.type
        size = self.layout.store_size(type)
        if isinstance(value, Zero):
            return bytes(size)
        if isinstance(value, Text):
            return value.data
        if isinstance(value, Composite):
            result = bytearray(size)
            for offset, element in zip(self.layout.offsets(type), value.elements, strict=False):
                part = self.data(element)
                result[offset : offset + len(part)] = part
            return bytes(result)
        return self.bits(value).to_bytes(size, "little")


def constant_offset(layout: DataLayout, type: Type, indices: list[int]) -> int:
    """Bytes that a getelementptr with constant indices goes from its base."""
    offset = indices[0] * layout.size(type) if indices else 0
    for index in indices[1:]:
        if isinstance(type, StructType):
            offset += layout.offsets(type)[index]
            type = type.fields[index]
        else:
            type = parts(type)[0] if parts(type) else type
            offset += index * layout.size(type)
    return offset


_ARITHMETIC = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "xor": lambda a, b: a ^ b,
    "shl": lambda a, b: a << (b & 63),
}
