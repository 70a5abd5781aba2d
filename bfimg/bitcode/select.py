"""Chooses operations for the instructions of a function: integers, floats, memory, control.

Vectors and structures are taken apart: a value is a list of leaves, one for each scalar in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bfimg.bitcode.builder import ZERO, Builder, Comparison
from bfimg.bitcode.constants import Constants, scalars, unsupported, value_type
from bfimg.bitcode.flow import analyse
from bfimg.bitcode.ir import Block, Function, Instruction, Local, Module, Value
from bfimg.bitcode.machine import Address, Constant, Leaf, MachineBlock, MachineFunction, Phi
from bfimg.bitcode.types import DataLayout, IntType, Type, VectorType
from bfimg.errors import LoweringError
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import MAX_PARAMETERS
from bfimg.formats.pattern_types import Condition, ValueType

I32, I64 = ValueType.I32, ValueType.I64
Handler = Callable[["Selector", Instruction], None]
Signature = tuple[ValueType, tuple[ValueType, ...]]


@dataclass(slots=True)
class Linkage:
    """What functions share. tables: names of the functions that may be called through a pointer, by signature."""

    module: Module
    constants: Constants
    tables: dict[Signature, list[str]]


def leaf_types(type: Type) -> list[ValueType]:
    """Register types of all scalars of a type."""
    return [value_type(scalar) for scalar in scalars(type)]


def signature_of(result: Type, parameters: tuple[Type, ...]) -> Signature:
    """Register types of result and parameters; more than one result is returned through a first, hidden pointer."""
    results = leaf_types(result)
    hidden = [I32] if len(results) > 1 else []
    flat = [leaf for parameter in parameters for leaf in leaf_types(parameter)]
    if len(hidden) + len(flat) > MAX_PARAMETERS:
        raise unsupported(f"{len(flat)} parameters", f"a function has at most {MAX_PARAMETERS}")
    return (results[0] if len(results) == 1 else ValueType.NONE), (*hidden, *flat)


@dataclass(frozen=True, slots=True)
class Junction:
    """Two truths of which both, or one, must hold."""

    both: bool
    left: Value
    right: Value


@dataclass(slots=True)
class Selector:
    """Lowers one function.

    values: leaves of each name. addresses: pointers that loads and stores compute themselves. comparisons: i1 that
    branches and selects compute themselves. junctions: `and` and `or` of i1 that only branches use. users: instructions
    that use a name. ways: for a block and one of its
    targets, the machine blocks from which control comes.
    """

    linkage: Linkage
    function: Function
    builder: Builder
    values: dict[str, list[Leaf]] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    junctions: dict[str, Junction] = field(default_factory=dict)
    users: dict[str, list[Instruction]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    ways: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    signed: set[str] = field(default_factory=set)
    unsigned: set[str] = field(default_factory=set)
    result_pointer: int = -1
    current: Block = field(default_factory=lambda: Block(""))

    @property
    def layout(self) -> DataLayout:
        """The module's data layout."""
        return self.linkage.module.layout

    # Values.

    def leaves(self, value: Value) -> list[Leaf]:
        """One register or constant for each scalar of the value."""
        if isinstance(value, Local):
            found = self.values.get(value.name)
            if found is None:
                found = self._late(value)
            return found
        return list(self.linkage.constants.leaves(value))

    def _late(self, value: Local) -> list[Leaf]:
        """A value that has been left to its users so far: made here, for this use alone."""
        if value.name in self.addresses:
            return [self.builder.address_value(self.addresses[value.name])]
        if value.name in self.comparisons:
            return [self.builder.truth(self.comparisons[value.name])]
        if value.name in self.junctions:
            junction = self.junctions[value.name]
            left, right = self.zero_extended(junction.left), self.zero_extended(junction.right)
            return [self.builder.binary("AND" if junction.both else "OR", left, right)]
        raise unsupported(value, "is used before it is made")

    def leaf(self, value: Value) -> Leaf:
        """The one leaf of a scalar; what stands above its bits is not known."""
        return self.leaves(value)[0]

    def register(self, value: Value) -> int:
        """A register with the scalar."""
        return self.builder.register(self.leaf(value))

    def plain(self, value: Value) -> Leaf:
        """As `leaf`; a constant is sign-extended, which makes for short immediates."""
        leaf = self.leaf(value)
        if isinstance(leaf, Constant) and isinstance(value.type, IntType):
            return self.builder.sign_extended(leaf, value.type.bits)
        return leaf

    def zero_extended(self, value: Value) -> Leaf:
        """The integer or pointer with nothing above its bits."""
        bits = value.type.bits if isinstance(value.type, IntType) else 32
        return self.builder.zero_extended(self.leaf(value), bits)

    def sign_extended(self, value: Value) -> Leaf:
        """The integer with copies of its sign above its bits."""
        bits = value.type.bits if isinstance(value.type, IntType) else 32
        return self.builder.sign_extended(self.leaf(value), bits)

    def sides(self, value: Value, instruction: Instruction) -> list[Leaf]:
        """The leaves of one side of a select; a small integer extended as its users want it, where that is free."""
        if isinstance(value.type, IntType) and not isinstance(value, Local) and self.wants_sign(instruction.name):
            return [self.plain(value)]
        return self.leaves(value)

    def set(self, instruction: Instruction, leaf: Leaf) -> None:
        """Name the one leaf of a result."""
        self.values[instruction.name] = [leaf]

    def condition(self, value: Value) -> Comparison:
        """The comparison that an i1 stands for."""
        if isinstance(value, Local) and value.name in self.comparisons and value.name not in self.values:
            return self.comparisons[value.name]
        return Comparison(I32, Condition.NE, self.zero_extended(value), ZERO)

    def address(self, value: Value) -> Address:
        """Where a pointer points to, as a load or store can compute it."""
        if isinstance(value, Local) and value.name in self.addresses:
            return self.addresses[value.name]
        leaf = self.leaf(value)
        return Address(displacement=leaf.bits) if isinstance(leaf, Constant) else Address(base=leaf)

    def helper(self, helper: Helper, *arguments: Leaf) -> int:
        """Call a kernel function."""
        result = self.builder.node(Op.CALL_HELPER, helper.result, [self.builder.register(a) for a in arguments])
        self.builder.definitions[result].callee = helper.name
        return result

    def stack_slot(self, size: int, alignment: int) -> Address:
        """Memory in the function's frame."""
        machine = self.builder.machine
        machine.frame = -(-machine.frame // alignment) * alignment
        slot = Address(base=self.builder.frame(), displacement=machine.frame)
        machine.frame += size
        return slot

    # The function.

    def run(self) -> MachineFunction:
        """Lower all blocks. Raises LoweringError, naming the instruction, for what has no lowering."""
        numbers = {block.name: number for number, block in enumerate(self.function.blocks)}
        flow = analyse(
            [[numbers[label] for label in _targets(block.instructions[-1])] for block in self.function.blocks]
        )
        blocks = [self.function.blocks[number] for number in flow.order]
        self.numbers = {block.name: number for number, block in enumerate(blocks)}
        machine = self.builder.machine
        machine.blocks = [
            MachineBlock(block.name[1:], depth=flow.depth[number])
            for block, number in zip(blocks, flow.order, strict=True)
        ]
        self._survey(blocks)
        self._parameters()
        for block in blocks:
            self.current = block
            self._start_phis(block)
        for block, target in zip(blocks, list(machine.blocks), strict=True):
            self.current = block
            self.builder.block = target
            self.builder.looping = target.depth > 0
            for instruction in block.instructions:
                if instruction.opcode != "phi":
                    self.lower(instruction)
        for block in blocks:
            self._finish_phis(block)
        self.builder.finish()
        return machine

    def lower(self, instruction: Instruction) -> None:
        """Lower one instruction."""
        handler = HANDLERS.get(instruction.opcode)
        if handler is None:
            raise self.refusal(instruction, "no lowering for this instruction")
        try:
            if any(first(self, instruction) for first in FIRST):
                return
            if isinstance(instruction.type, VectorType) and instruction.opcode in ELEMENTWISE:
                self.by_element(instruction)
            else:
                handler(self, instruction)
        except LoweringError as error:
            if error.message.startswith("function "):
                raise
            raise self.refusal(instruction, error.message) from None

    def refusal(self, instruction: Instruction, reason: str) -> LoweringError:
        """The error for an instruction that cannot be lowered."""
        return LoweringError(
            f"function {self.function.name}: {instruction.opcode}: {reason}",
            hint="change the source and compile it again",
        )

    def by_element(self, instruction: Instruction) -> None:
        """Lower an instruction on vectors as one for each element."""
        assert isinstance(instruction.type, VectorType)
        leaves = [self.leaves(operand) for operand in instruction.operands]
        result: list[Leaf] = []
        for number in range(instruction.type.count):
            part = Instruction(instruction.opcode, instruction.type.element, f"{instruction.name}.{number}")
            part.detail = instruction.detail
            for place, operand in enumerate(instruction.operands):
                element, name = operand.type, f"{part.name}.{place}"
                self.values[name] = leaves[place]
                if isinstance(operand.type, VectorType):
                    element = operand.type.element
                    step = len(scalars(element))
                    self.values[name] = leaves[place][number * step : (number + 1) * step]
                part.operands.append(Local(element, name))
            self.lower(part)
            result += self.leaves(Local(part.type, part.name))
        self.values[instruction.name] = result

    def _survey(self, blocks: list[Block]) -> None:
        """Who uses what, and which small integers are wanted with or without sign."""
        for block in blocks:
            for instruction in block.instructions:
                for operand in instruction.operands:
                    if isinstance(operand, Local):
                        self.users.setdefault(operand.name, []).append(instruction)
        either: set[str] = set()
        sets = {"s": self.signed, "u": self.unsigned, "=": either}
        for name, users in self.users.items():
            for user in users:
                wanted = _extension_wanted(user)
                if wanted:
                    sets[wanted].add(name)
        chains = [
            instruction
            for block in reversed(blocks)
            for instruction in block.instructions
            if instruction.opcode in ("phi", "select") and isinstance(instruction.type, IntType)
        ]
        for _ in range(2):
            for instruction in chains:
                for names in (self.signed, self.unsigned):
                    if instruction.name in names:
                        names.update(o.name for o in instruction.operands if isinstance(o, Local))
        self.unsigned |= either - self.signed

    def wants_sign(self, name: str) -> bool:
        """True when the users of a small integer want it sign-extended rather than zero-extended."""
        return name in self.signed and name not in self.unsigned

    def _parameters(self) -> None:
        machine = self.builder.machine
        if len(leaf_types(self.function.type.result)) > 1:
            self.result_pointer = machine.register(I32)
            machine.parameters.append(self.result_pointer)
        for parameter, attributes in zip(self.function.parameters, self.function.attributes, strict=True):
            registers = [machine.register(type) for type in leaf_types(parameter.type)]
            machine.parameters += registers
            self.values[parameter.name] = list(registers)
            if isinstance(parameter.type, IntType) and attributes.extension:
                known = self.builder.zero_bits if attributes.extension == "z" else self.builder.sign_bits
                known[registers[0]] = parameter.type.bits

    def _start_phis(self, block: Block) -> None:
        target = self.builder.machine.blocks[self.numbers[block.name]]
        for instruction in block.instructions:
            if instruction.opcode != "phi":
                break
            registers: list[Leaf] = []
            try:
                types = leaf_types(instruction.type)
            except LoweringError as error:
                raise self.refusal(instruction, error.message) from None
            for type in types:
                register = self.builder.machine.register(type)
                registers.append(register)
                target.phis.append(Phi(register))
            self.values[instruction.name] = registers
            if isinstance(instruction.type, IntType) and instruction.type.bits not in (32, 64):
                self._phi_extension(instruction, target.phis[-1].result)

    def _phi_extension(self, instruction: Instruction, register: int) -> None:
        assert isinstance(instruction.type, IntType)
        if self.wants_sign(instruction.name):
            self.builder.sign_bits[register] = instruction.type.bits
        elif instruction.name in self.unsigned:
            self.builder.zero_bits[register] = instruction.type.bits

    def _finish_phis(self, block: Block) -> None:
        target = self.builder.machine.blocks[self.numbers[block.name]]
        phis = iter(target.phis)
        for instruction in block.instructions:
            if instruction.opcode != "phi":
                break
            group = [next(phis) for _ in scalars(instruction.type)]
            for operand, label in zip(instruction.operands, instruction.labels, strict=True):
                for way in self.ways.get((label, block.name), ()):
                    self.builder.block = self.builder.machine.blocks[way]
                    for phi, leaf in zip(group, self._incoming(instruction, operand, phi_of=group), strict=True):
                        phi.sources[way] = leaf

    def _incoming(self, instruction: Instruction, operand: Value, phi_of: list[Phi]) -> list[Leaf]:
        """What a phi receives, extended as the phi promises. Late values are made before the branch."""
        nodes = self.builder.block.nodes
        end = nodes.pop()
        try:
            register = phi_of[0].result if phi_of else -1
            if isinstance(instruction.type, IntType) and register in self.builder.zero_bits:
                return [self.zero_extended(operand)]
            if isinstance(instruction.type, IntType) and register in self.builder.sign_bits:
                return [self.sign_extended(operand)]
            return self.leaves(operand)
        finally:
            nodes.append(end)


def _targets(instruction: Instruction) -> list[str]:
    return list(dict.fromkeys(instruction.labels)) if instruction.opcode in ("br", "switch") else []


def _extension_wanted(user: Instruction) -> str:
    """s or u when the instruction needs its small integers extended that way, = when either will do."""
    opcode, detail = user.opcode, user.detail
    if opcode in ("sext", "ashr", "sdiv", "srem", "sitofp") or (opcode == "icmp" and detail[0] == "s"):
        return "s"
    if opcode in ("zext", "lshr", "udiv", "urem", "uitofp", "switch") or (opcode == "icmp" and detail[0] == "u"):
        return "u"
    return "=" if opcode == "icmp" else ""


FIRST: list[Callable[[Selector, Instruction], bool]] = []
"""Asked before the handlers: True from one that has lowered the instruction."""
HANDLERS: dict[str, Handler] = {}
"""Lowering of each instruction, by its name."""
ELEMENTWISE: set[str] = set()
"""Instructions that vectors go through one element after the other."""


def handles(*opcodes: str, elementwise: bool = False) -> Callable[[Handler], Handler]:
    """Register the function as the lowering of these instructions; elementwise: of vectors one by one."""

    def register(handler: Handler) -> Handler:
        for opcode in opcodes:
            HANDLERS[opcode] = handler
            if elementwise:
                ELEMENTWISE.add(opcode)
        return handler

    return register
