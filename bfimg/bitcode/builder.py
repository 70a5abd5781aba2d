"""Writes the operations of one function: picks the shortest form, keeps track of what the upper bits hold.

An integer of n bits lies in the lowest n bits of its register; what stands above is known or not. What needs it
known asks for `zero_extended` or `sign_extended`, which costs an operation only where it is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bfimg.bitcode.forms import DISPLACEMENTS, SIGNED8, access_node
from bfimg.bitcode.machine import Address, Constant, Leaf, MachineBlock, MachineFunction, Node, bit_width
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, FloatCondition, ValueType

I32, I64, F32, F64 = ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64
ZERO = Constant(I32, 0)
_COMMUTATIVE = ("ADD", "AND", "OR", "XOR", "MUL")
_SHIFTS = ("SHL", "SHR", "SAR", "ROTL")
_CONSTANT_OPS = {I32: Op.CONST_I32, I64: Op.CONST_I64, F32: Op.CONST_F32, F64: Op.CONST_F64}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition between two leaves of the type `kind`."""

    kind: ValueType
    condition: Condition | FloatCondition
    left: Leaf
    right: Leaf


@dataclass(slots=True)
class Builder:
    """Emits into `block`. zero_bits, sign_bits: for a register whose value fits in fewer bits without or with sign."""

    machine: MachineFunction
    block: MachineBlock = field(default_factory=lambda: MachineBlock("entry"))
    definitions: dict[int, Node] = field(default_factory=dict)
    zero_bits: dict[int, int] = field(default_factory=dict)
    sign_bits: dict[int, int] = field(default_factory=dict)
    after: dict[int, list[Node]] = field(default_factory=dict)
    at_entry: list[Node] = field(default_factory=list)
    looping: bool = False
    _constants: dict[tuple[Constant, int], int] = field(default_factory=dict)
    _extended: dict[tuple[int, int, str], int] = field(default_factory=dict)
    _frame: int | None = None

    def node(self, op: Op, type: ValueType, reads: list[int], immediate: int = 0) -> int:
        """Append an operation that writes a new register."""
        result = self.machine.register(type)
        self.append(Node(op, result, reads, immediate))
        return result

    def append(self, node: Node) -> None:
        """Append a finished operation."""
        self.block.nodes.append(node)
        if node.result >= 0:
            self.definitions[node.result] = node

    def fits_zero(self, leaf: Leaf) -> int:
        """Lowest bits that may be set; all above are clear."""
        if isinstance(leaf, Constant):
            return leaf.bits.bit_length()
        return self.zero_bits.get(leaf, bit_width(self.machine.types[leaf]))

    def fits_sign(self, leaf: Leaf) -> int:
        """Lowest bits of which all above are copies of the highest."""
        if isinstance(leaf, Constant):
            return (leaf.signed if leaf.signed >= 0 else ~leaf.signed).bit_length() + 1
        known = bit_width(self.machine.types[leaf])
        return min(self.sign_bits.get(leaf, known), self.zero_bits.get(leaf, known) + 1)

    def register(self, leaf: Leaf) -> int:
        """A register that holds the leaf. A constant inside a loop is loaded once, at the function's entry."""
        if not isinstance(leaf, Constant):
            return leaf
        key = (leaf, 0 if self.looping else id(self.block))
        known = self._constants.get((leaf, 0), self._constants.get(key))
        if known is not None:
            return known
        result = self.machine.register(leaf.type)
        node = Node(_constant_op(leaf), result, immediate=leaf.signed if leaf.type in (I32, I64) else leaf.bits)
        if self.looping:
            self.at_entry.append(node)
            self.definitions[result] = node
        else:
            self.append(node)
        self._constants[key] = result
        self.zero_bits[result] = self.fits_zero(leaf)
        self.sign_bits[result] = self.fits_sign(leaf)
        return result

    def frame(self) -> int:
        """The register that holds the address of the function's frame."""
        if self._frame is None:
            self._frame = self.machine.register(I32)
            self.at_entry.append(Node(Op.FRAME, self._frame))
        return self._frame

    # Integers.

    def binary(self, kind: str, left: Leaf, right: Leaf, type: ValueType = I32) -> Leaf:
        """An arithmetic operation by the first word of its name, such as ADD; SUB, DIV_U and so on as well.

        type: I32 or I64, of the result and the left side; a shift count is always an i32.
        """
        if isinstance(left, Constant) and kind in _COMMUTATIVE:
            left, right = right, left
        if isinstance(right, Constant):
            if kind == "SUB":
                kind, right = "ADD", Constant(type, -right.bits & (1 << bit_width(type)) - 1)
            short = self._immediate(kind, left, right, type)
            if short is not None:
                return short
        left_register, right_register = self.register(left), self.register(right)
        kind, _, sign = kind.partition("_")
        name = f"{kind}_{type.name}" if not sign else f"{kind}_{sign}{type.name[1:]}"
        result = self.node(Op[name], type, [left_register, right_register])
        if kind in ("AND", "OR", "XOR"):
            pick = min if kind == "AND" else max
            self._learn(result, pick(self.fits_zero(left), self.fits_zero(right)))
            self.sign_bits[result] = max(self.fits_sign(left), self.fits_sign(right))
        return result

    def _learn(self, register: int, zero_bits: int) -> None:
        if zero_bits < bit_width(self.machine.types[register]):
            self.zero_bits[register] = zero_bits

    def _immediate(self, kind: str, left: Leaf, right: Constant, type: ValueType) -> Leaf | None:
        """The operation with a constant right side, where it has a form for that."""
        number = right.signed
        if isinstance(left, Constant):
            if kind == "ADD":
                return Constant(type, left.bits + right.bits & (1 << bit_width(type)) - 1)
            return None
        if number == 0 and kind in ("ADD", "OR", "XOR", *_SHIFTS):
            return left
        if kind == "MUL" and type is I32 and right.bits & (right.bits - 1) == 0 and right.bits:
            return self.binary("SHL", left, Constant(I32, right.bits.bit_length() - 1), type)
        if kind == "AND" and type is I32 and right.bits in (0xFF, 0xFFFF):
            return self.zero_extended(left, right.bits.bit_length())
        if kind == "AND" and type is I64 and right.bits == 0xFFFFFFFF:
            return self.widened(self.low(left), signed=False)
        if kind in _SHIFTS:
            number &= bit_width(type) - 1
        if number in SIGNED8:
            op = Op.__members__.get(f"{kind}_{type.name}_IMM8")
        else:
            op = Op.__members__.get(f"{kind}_{type.name}_IMM32")
        if op is None:
            return None
        if kind in ("SHR", "SHL") and type is I64 and number >= 32:
            return self._shift_by_half(kind, left, number - 32)
        result = self.node(op, type, [left], number)
        self._learn_immediate(kind, result, left, right)
        return result

    def _learn_immediate(self, kind: str, result: int, left: int, right: Constant) -> None:
        zero, sign, number = self.fits_zero(left), self.fits_sign(left), right.signed
        if kind == "AND":
            self._learn(result, min(zero, right.bits.bit_length()))
        elif kind in ("OR", "XOR"):
            self._learn(result, max(zero, right.bits.bit_length()))
        elif kind == "ADD" and number > 0:
            self._learn(result, ((1 << zero) - 1 + number).bit_length())
        elif kind == "SHL":
            self._learn(result, zero + number)
        elif kind == "SHR":
            self._learn(result, max(0, zero - (number & bit_width(right.type) - 1)))
        if kind in ("AND", "OR", "XOR"):
            self.sign_bits[result] = max(sign, self.fits_sign(right))
        elif kind == "SAR":
            self.sign_bits[result] = max(1, sign - (number & 63))

    def _shift_by_half(self, kind: str, left: int, count: int) -> Leaf:
        """A 64-bit shift by 32 or more: one half of the result is zero."""
        rest = Constant(I32, count)
        if kind == "SHR":
            return self.widened(self.binary("SHR", self.high(left), rest), signed=False)
        return self.packed(ZERO, self.binary("SHL", self.low(left), rest))

    def low(self, leaf: Leaf) -> Leaf:
        """Lower half of an i64."""
        if isinstance(leaf, Constant):
            return Constant(I32, leaf.bits & 0xFFFFFFFF)
        node = self.definitions.get(leaf)
        if node is not None and node.op in (Op.EXTEND_U32, Op.EXTEND_S32, Op.PACK_I64):
            return node.reads[0]
        mask = self.definitions.get(node.reads[1]) if node is not None and node.op is Op.AND_I64 else None
        if node is not None and mask is not None and mask.op in (Op.CONST_I64, Op.CONST_I64_16):
            return self.binary("AND", self.low(node.reads[0]), Constant(I32, mask.immediate & 0xFFFFFFFF))
        return self.node(Op.LOW_I64, I32, [leaf])

    def high(self, leaf: Leaf) -> Leaf:
        """Upper half of an i64."""
        if isinstance(leaf, Constant):
            return Constant(I32, leaf.bits >> 32)
        node = self.definitions.get(leaf)
        if node is not None and node.op is Op.PACK_I64:
            return node.reads[1]
        if node is not None and node.op is Op.EXTEND_U32:
            return ZERO
        return self.node(Op.HIGH_I64, I32, [leaf])

    def widened(self, leaf: Leaf, *, signed: bool) -> Leaf:
        """An i32 as i64."""
        if isinstance(leaf, Constant):
            return Constant(I64, leaf.signed & (1 << 64) - 1 if signed else leaf.bits)
        result = self.node(Op.EXTEND_S32 if signed else Op.EXTEND_U32, I64, [leaf])
        if signed:
            self.sign_bits[result] = self.fits_sign(leaf)
        else:
            self.zero_bits[result] = self.fits_zero(leaf)
        return result

    def packed(self, low: Leaf, high: Leaf) -> Leaf:
        """The i64 of two halves."""
        if isinstance(low, Constant) and isinstance(high, Constant):
            return Constant(I64, low.bits | high.bits << 32)
        if high == ZERO:
            return self.widened(low, signed=False)
        return self.node(Op.PACK_I64, I64, [self.register(low), self.register(high)])

    def zero_extended(self, leaf: Leaf, bits: int) -> Leaf:
        """The leaf with everything above its lowest `bits` bits clear."""
        if isinstance(leaf, Constant):
            return Constant(leaf.type, leaf.bits & (1 << bits) - 1)
        if self.fits_zero(leaf) <= bits:
            return leaf
        return self._extend(leaf, bits, "U")

    def sign_extended(self, leaf: Leaf, bits: int) -> Leaf:
        """The leaf with everything above its lowest `bits` bits as copies of the highest of them."""
        if isinstance(leaf, Constant):
            number = (leaf.bits & (1 << bits) - 1 ^ 1 << bits - 1) - (1 << bits - 1)
            return Constant(leaf.type, number & (1 << bit_width(leaf.type)) - 1)
        if self.fits_sign(leaf) <= bits:
            return leaf
        return self._extend(leaf, bits, "S")

    def _extend(self, register: int, bits: int, sign: str) -> int:
        """Extension, right behind the definition, so that all uses share it."""
        key = (register, bits, sign)
        if key in self._extended:
            return self._extended[key]
        type = self.machine.types[register]
        result = self.machine.register(type)
        if bits in (8, 16) and type is I32:
            nodes = [Node(Op[f"EXTEND_{sign}{bits}"], result, [register])]
        elif bits < 32 and sign == "U" and type is I32:
            small = bits < 8
            nodes = [Node(Op.AND_I32_IMM8 if small else Op.AND_I32_IMM32, result, [register], (1 << bits) - 1)]
        else:
            shifted, count = self.machine.register(type), bit_width(type) - bits
            back = Op[f"{'SHR' if sign == 'U' else 'SAR'}_{type.name}_IMM8"]
            nodes = [
                Node(Op[f"SHL_{type.name}_IMM8"], shifted, [register], count),
                Node(back, result, [shifted], count),
            ]
        self.after.setdefault(register, []).extend(nodes)
        self.definitions[result] = nodes[-1]
        (self.zero_bits if sign == "U" else self.sign_bits)[result] = bits
        self._extended[key] = result
        return result

    # Comparisons.

    def truth(self, comparison: Comparison) -> int:
        """A register that is 1 when the comparison holds, else 0."""
        kind, left, right = comparison.kind, comparison.left, comparison.right
        short = kind is I32 and isinstance(right, Constant) and right.signed in SIGNED8
        node = Node(Op[f"SET_{kind.name}"], self.machine.register(I32), condition=comparison.condition)
        if short and isinstance(right, Constant):
            node.op, node.reads, node.immediate = Op.SET_I32_IMM8, [self.register(left)], right.signed
        else:
            node.reads = [self.register(left), self.register(right)]
        self.append(node)
        self.zero_bits[node.result] = 1
        return node.result

    def branch(self, comparison: Comparison, then: int, other: int) -> None:
        """End the block: to `then` when the comparison holds."""
        kind, left, right = comparison.kind, comparison.left, comparison.right
        node = Node(Op[f"BRANCH_{kind.name}"], condition=comparison.condition, targets=[then, other])
        if kind is I32 and isinstance(right, Constant):
            node.reads, node.immediate = [self.register(left)], right.signed
            node.op = Op.BRANCH_I32_IMM8 if right.signed in SIGNED8 else Op.BRANCH_I32_IMM32
        else:
            node.reads = [self.register(left), self.register(right)]
        self.append(node)

    def select(self, comparison: Comparison, then: Leaf, other: Leaf) -> Leaf:
        """`then` when the comparison, of any type, holds, else `other`."""
        if then == other:
            return then
        type = then.type if isinstance(then, Constant) else self.machine.types[then]
        if comparison.kind is not I32:
            comparison = Comparison(I32, Condition.NE, self.truth(comparison), ZERO)
        left, right = self.register(comparison.left), comparison.right
        node = Node(Op[f"SELECT_{type.name}"], condition=comparison.condition)
        node.reads = [self.register(then), self.register(other), left]
        if isinstance(right, Constant) and right.signed in SIGNED8:
            node.immediate = right.signed
        elif type is I32:
            node.op = Op.SELECT_I32_COMPARE
            node.reads.append(self.register(right))
        else:
            node.condition, node.reads[2] = Condition.NE, self.truth(comparison)
        node.result = self.machine.register(type)
        self.append(node)
        if type in (I32, I64):
            self._learn(node.result, max(self.fits_zero(then), self.fits_zero(other)))
            self.sign_bits[node.result] = max(self.fits_sign(then), self.fits_sign(other))
        return node.result

    # Addresses.

    def address_value(self, address: Address) -> Leaf:
        """The address as a number."""
        displacement = Constant(I32, address.displacement & 0xFFFFFFFF)
        if address.index is None:
            return displacement if address.base is None else self.binary("ADD", address.base, displacement)
        if address.base is None and address.displacement == 0:
            return self.binary("SHL", address.index, Constant(I32, address.scale))
        address = self.reachable(address)
        result = self.machine.register(I32)
        self.append(Node(Op.ADDRESS, result, address=address))
        return result

    def reachable(self, address: Address) -> Address:
        """The same address with a displacement that an address word can hold."""
        signed = (address.displacement + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        if signed in DISPLACEMENTS:
            return Address(address.base, address.index, address.scale, signed)
        rest = Constant(I32, signed & 0xFFFFFFFF)
        base = self.register(rest) if address.base is None else self.register(self.binary("ADD", address.base, rest))
        return Address(base, address.index, address.scale, 0)

    def access(self, op: Op, address: Address, value: int | None = None, type: ValueType = I32) -> int:
        """A load of `type`, or, with `value`, a store; `op` is the short form."""
        result = -1 if value is not None else self.machine.register(type)
        self.append(access_node(op, result, [] if value is None else [value], self.reachable(address)))
        if op in (Op.LOAD_U8, Op.LOAD_U16):
            self.zero_bits[result] = op.access_size * 8
        elif op in (Op.LOAD_S8, Op.LOAD_S16):
            self.sign_bits[result] = op.access_size * 8
        return result

    def finish(self) -> None:
        """Put the extensions behind what they extend, and the constants at the entry."""
        for block in self.machine.blocks:
            late = [node for phi in block.phis for node in self.after.get(phi.result, ())]
            if block is self.machine.blocks[0]:
                late = [*self.at_entry, *late]
                late += [node for parameter in self.machine.parameters for node in self.after.get(parameter, ())]
            nodes: list[Node] = []
            for node in [*late, *block.nodes]:
                self._place(node, nodes)
            block.nodes = nodes

    def _place(self, node: Node, nodes: list[Node]) -> None:
        nodes.append(node)
        for follower in self.after.get(node.result, ()):
            self._place(follower, nodes)


def _constant_op(leaf: Constant) -> Op:
    if leaf.type in (I32, I64) and -32768 <= leaf.signed <= 32767:
        return Op.CONST_I32_16 if leaf.type is I32 else Op.CONST_I64_16
    return _CONSTANT_OPS[leaf.type]
