"""Memory: allocas, address arithmetic, loads, stores, blocks of bytes; and taking vectors and structures apart."""

from __future__ import annotations

from bfimg.bitcode.builder import Builder
from bfimg.bitcode.constants import is_wide, scalars, unsupported, value_type
from bfimg.bitcode.ir import Instruction, Local, Value
from bfimg.bitcode.machine import NO_REGISTER, Address, Constant, Leaf, Node
from bfimg.bitcode.select import Selector, handles
from bfimg.bitcode.types import I64 as I64_TYPE
from bfimg.bitcode.types import DataLayout, IntType, StructType, Type, VectorType, is_composite, parts
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import ValueType

I32, I64 = ValueType.I32, ValueType.I64
_SCALES = {1: 0, 2: 1, 4: 2, 8: 3}
# A block of at most this many bytes is copied or filled piece by piece.
INLINE_BYTES = 32


@handles("alloca")
def alloca(self: Selector, instruction: Instruction) -> None:
    count = 1
    if instruction.operands:
        leaf = self.leaf(instruction.operands[0])
        if not isinstance(leaf, Constant):
            raise unsupported(instruction.name, "an array of variable length is not supported, give it a fixed one")
        count = leaf.bits
    if self.numbers[self.current.name] != 0:
        raise unsupported(instruction.name, "memory allocated inside a loop or branch is not supported")
    alignment = instruction.indices[0] if instruction.indices else self.layout.alignment(instruction.source_type)
    self.addresses[instruction.name] = self.stack_slot(self.layout.size(instruction.source_type) * count, alignment)


@handles("getelementptr")
def getelementptr(self: Selector, instruction: Instruction) -> None:
    if isinstance(instruction.type, VectorType):
        raise unsupported(instruction.type, "vectors of pointers are not supported")
    base, *indices = instruction.operands
    address = self.address(base)
    type = instruction.source_type
    for place, index in enumerate(indices):
        if place == 0:
            step = self.layout.size(type)
        elif isinstance(type, StructType):
            number = self.leaf(index)
            assert isinstance(number, Constant)
            address = _moved(address, self.layout.offsets(type)[number.bits])
            type = type.fields[number.bits]
            continue
        else:
            type = parts(type)[0]
            step = self.layout.size(type)
        address = add_index(self, address, index, step)
    if all(_takes_address(user, instruction.name) for user in self.users.get(instruction.name, ())):
        self.addresses[instruction.name] = address
    else:
        self.set(instruction, self.builder.address_value(address))


def _takes_address(user: Instruction, name: str) -> bool:
    """True when the user computes the address itself."""
    places = [place for place, o in enumerate(user.operands) if isinstance(o, Local) and o.name == name]
    return (user.opcode in ("load", "getelementptr") and places == [0]) or (user.opcode == "store" and places == [1])


def _moved(address: Address, offset: int) -> Address:
    return Address(address.base, address.index, address.scale, address.displacement + offset)


def add_index(self: Selector, address: Address, index: Value, step: int) -> Address:
    """The address `index` steps further on."""
    leaf = self.sign_extended(index)
    if value_type(index.type) is I64:
        leaf = self.builder.low(leaf)
    if isinstance(leaf, Constant):
        return _moved(address, leaf.signed * step)
    builder = self.builder
    leaf, step, offset = _without_constant(builder, leaf, step, len(self.users.get(getattr(index, "name", ""), ())))
    address = _moved(address, offset)
    if step not in _SCALES:
        leaf, step = builder.register(builder.binary("MUL", leaf, Constant(I32, step & 0xFFFFFFFF))), 1
    if address.index is None:
        if address.base is None and step == 1:
            return Address(leaf, None, 0, address.displacement)
        return Address(address.base, leaf, _SCALES[step], address.displacement)
    if address.base is None and step == 1:
        return Address(leaf, address.index, address.scale, address.displacement)
    whole = builder.address_value(Address(address.base, address.index, address.scale, 0))
    return Address(builder.register(whole), leaf, _SCALES[step], address.displacement)


def _without_constant(builder: Builder, leaf: int, step: int, uses: int) -> tuple[int, int, int]:
    """Take constants out of an index: what is added to it, what it is shifted by. Gives index, step, offset."""
    offset = 0
    node = builder.definitions.get(leaf)
    if node is not None and node.op in (Op.ADD_I32_IMM8, Op.ADD_I32_IMM32) and uses == 1:
        leaf, offset = node.reads[0], node.immediate * step
        node = builder.definitions.get(leaf)
    if node is not None and node.op is Op.SHL_I32_IMM8 and step << node.immediate in _SCALES:
        leaf, step = node.reads[0], step << node.immediate
    return leaf, step, offset


def scalar_offsets(layout: DataLayout, type: Type) -> list[tuple[int, Type]]:
    """Where in memory each scalar of a type lies."""
    if is_wide(type):
        return [(0, I64_TYPE), (8, I64_TYPE)]
    if not is_composite(type):
        return [(0, type)] if scalars(type) else []
    if isinstance(type, VectorType) and isinstance(type.element, IntType) and type.element.bits % 8:
        raise unsupported(type, "vectors of such elements have no place in memory")
    pairs = zip(layout.offsets(type), parts(type), strict=False)
    return [(offset + inner, scalar) for offset, part in pairs for inner, scalar in scalar_offsets(layout, part)]


@handles("load")
def load(self: Selector, instruction: Instruction) -> None:
    address = self.address(instruction.operands[0])
    signed = self.wants_sign(instruction.name)
    self.values[instruction.name] = load_leaves(self, address, instruction.source_type, signed=signed)


def load_leaves(self: Selector, address: Address, type: Type, *, signed: bool = False) -> list[Leaf]:
    """Read all scalars of a type from memory."""
    return [
        _load_scalar(self, _moved(address, offset), scalar, signed=signed)
        for offset, scalar in scalar_offsets(self.layout, type)
    ]


def _load_scalar(self: Selector, address: Address, type: Type, *, signed: bool) -> Leaf:
    kind = value_type(type)
    builder = self.builder
    if not isinstance(type, IntType) or type.bits in (32, 64):
        return builder.access(Op[f"LOAD_{kind.name}"], address, type=kind)
    if type.bits in (8, 16):
        return builder.access(Op[f"LOAD_{'S' if signed else 'U'}{type.bits}"], address)
    size = (type.bits + 7) // 8
    result: Leaf = Constant(kind, 0)
    for offset, piece in _pieces(size):
        op = Op.LOAD_I32 if piece == 4 else Op[f"LOAD_U{piece * 8}"]
        part: Leaf = builder.access(op, _moved(address, offset))
        part = builder.widened(part, signed=False) if kind is I64 else part
        part = builder.binary("SHL", part, Constant(I32, offset * 8), kind)
        result = builder.binary("OR", part, result, kind)
    if not isinstance(result, Constant):
        builder.zero_bits[result] = type.bits
    return result


def _pieces(size: int) -> list[tuple[int, int]]:
    """Offsets and sizes, 4, 2 or 1, of the accesses that make up `size` bytes."""
    result, offset = [], 0
    while offset < size:
        piece = next(piece for piece in (4, 2, 1) if piece <= size - offset)
        result.append((offset, piece))
        offset += piece
    return result


@handles("store")
def store(self: Selector, instruction: Instruction) -> None:
    value, pointer = instruction.operands
    store_leaves(self, self.address(pointer), value.type, self.leaves(value))


def store_leaves(self: Selector, address: Address, type: Type, leaves: list[Leaf]) -> None:
    """Write all scalars of a type to memory."""
    for (offset, scalar), leaf in zip(scalar_offsets(self.layout, type), leaves, strict=True):
        _store_scalar(self, _moved(address, offset), scalar, leaf)


def _store_scalar(self: Selector, address: Address, type: Type, leaf: Leaf) -> None:
    builder, kind = self.builder, value_type(type)
    if not isinstance(type, IntType) or type.bits in (8, 16, 32, 64):
        name = f"I{type.bits}" if isinstance(type, IntType) else kind.name
        builder.access(Op[f"STORE_{name}"], address, builder.register(leaf))
        return
    leaf = builder.zero_extended(leaf, type.bits)
    for offset, piece in _pieces((type.bits + 7) // 8):
        part = builder.binary("SHR", leaf, Constant(I32, offset * 8), kind)
        part = builder.low(part) if kind is I64 else part
        builder.access(Op[f"STORE_I{piece * 8}"], _moved(address, offset), builder.register(part))


def copy_bytes(self: Selector, target: Value, source: Value, length: Value) -> None:
    """memcpy and memmove."""
    size = self.leaf(length)
    if isinstance(size, Constant) and size.bits <= INLINE_BYTES:
        copy_inline(self, self.address(target), self.address(source), size.bits)
        return
    operands = [self.register(target), self.register(source), self.builder.register(_count(self, length))]
    self.builder.append(Node(Op.COPY, NO_REGISTER, operands))


def copy_inline(self: Selector, target: Address, source: Address, size: int) -> None:
    """Copy a few bytes: all are read before one is written."""
    loaded = []
    for offset, piece in _long_pieces(size):
        name = {8: "LOAD_I64", 4: "LOAD_I32", 2: "LOAD_U16", 1: "LOAD_U8"}[piece]
        at = _moved(source, offset)
        loaded.append((offset, piece, self.builder.access(Op[name], at, type=I64 if piece == 8 else I32)))
    for offset, piece, register in loaded:
        self.builder.access(Op[f"STORE_I{piece * 8}"], _moved(target, offset), register)


def fill_bytes(self: Selector, target: Value, byte: Value, length: Value) -> None:
    """memset."""
    size, value = self.leaf(length), self.leaf(byte)
    if isinstance(size, Constant) and isinstance(value, Constant) and size.bits <= INLINE_BYTES:
        address = self.address(target)
        for offset, piece in _long_pieces(size.bits):
            bits = int.from_bytes(bytes((value.bits & 0xFF,)) * piece, "little")
            leaf = self.builder.register(Constant(I64 if piece == 8 else I32, bits))
            self.builder.access(Op[f"STORE_I{piece * 8}"], _moved(address, offset), leaf)
        return
    operands = [self.register(target), self.builder.register(value), self.builder.register(_count(self, length))]
    self.builder.append(Node(Op.FILL, NO_REGISTER, operands))


def _count(self: Selector, length: Value) -> Leaf:
    leaf = self.leaf(length)
    return self.builder.low(leaf) if value_type(length.type) is I64 else leaf


def _long_pieces(size: int) -> list[tuple[int, int]]:
    """As `_pieces`, with pieces of 8 bytes first."""
    whole = size // 8 * 8
    return [(at, 8) for at in range(0, whole, 8)] + [(whole + at, piece) for at, piece in _pieces(size - whole)]


@handles("extractvalue")
def extract_value(self: Selector, instruction: Instruction) -> None:
    value = instruction.operands[0]
    start, type = _place(value.type, instruction.indices)
    self.values[instruction.name] = self.leaves(value)[start : start + len(scalars(type))]


@handles("insertvalue")
def insert_value(self: Selector, instruction: Instruction) -> None:
    value, part = instruction.operands
    start, _ = _place(value.type, instruction.indices)
    leaves, new = list(self.leaves(value)), self.leaves(part)
    leaves[start : start + len(new)] = new
    self.values[instruction.name] = leaves


def _place(type: Type, indices: tuple[int, ...]) -> tuple[int, Type]:
    """Number of the first scalar, and type, of a part of a composite."""
    start = 0
    for index in indices:
        inner = parts(type)
        start += sum(len(scalars(part)) for part in inner[:index])
        type = inner[index]
    return start, type


@handles("extractelement")
def extract_element(self: Selector, instruction: Instruction) -> None:
    vector, index = instruction.operands
    leaves, number = self.leaves(vector), self.leaf(index)
    if isinstance(number, Constant):
        step = len(scalars(instruction.type))
        start = number.bits * step % len(leaves)
        self.values[instruction.name] = leaves[start : start + step]
        return
    slot = self.stack_slot(self.layout.store_size(vector.type), 16)
    store_leaves(self, slot, vector.type, leaves)
    element = parts(vector.type)[0]
    address = add_index(self, slot, index, self.layout.store_size(element))
    self.values[instruction.name] = load_leaves(self, address, element)


@handles("insertelement")
def insert_element(self: Selector, instruction: Instruction) -> None:
    vector, value, index = instruction.operands
    leaves, number = list(self.leaves(vector)), self.leaf(index)
    if isinstance(number, Constant):
        step = len(scalars(value.type))
        start = number.bits * step % len(leaves)
        leaves[start : start + step] = self.leaves(value)
        self.values[instruction.name] = leaves
        return
    slot = self.stack_slot(self.layout.store_size(vector.type), 16)
    store_leaves(self, slot, vector.type, leaves)
    address = add_index(self, slot, index, self.layout.store_size(value.type))
    store_leaves(self, address, value.type, self.leaves(value))
    self.values[instruction.name] = load_leaves(self, slot, vector.type)


@handles("shufflevector")
def shuffle(self: Selector, instruction: Instruction) -> None:
    first, second, mask = instruction.operands
    leaves = [*self.leaves(first), *self.leaves(second)]
    chosen = self.linkage.constants.leaves(mask)
    step = len(scalars(parts(first.type)[0]))
    starts = [number.bits * step % len(leaves) for number in chosen]
    self.values[instruction.name] = [leaf for start in starts for leaf in leaves[start : start + step]]
