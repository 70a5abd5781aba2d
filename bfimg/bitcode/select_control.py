"""Branches, switches, returns, calls."""

from __future__ import annotations

from bfimg.bitcode.builder import Comparison
from bfimg.bitcode.constants import scalars, unsupported
from bfimg.bitcode.intrinsics import lower_intrinsic
from bfimg.bitcode.ir import GlobalName, Instruction, Local, Value
from bfimg.bitcode.library import lower_library_call
from bfimg.bitcode.machine import NO_REGISTER, Address, Constant, Leaf, MachineBlock, Node
from bfimg.bitcode.select import Selector, handles, leaf_types, signature_of
from bfimg.bitcode.select_memory import copy_inline, load_leaves, store_leaves
from bfimg.bitcode.types import VOID
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, ValueType

I32, I64 = ValueType.I32, ValueType.I64
# A table of targets pays from this many cases on, when at least one in so many of its entries is a case.
_TABLE_CASES = 4
_TABLE_DENSITY = 3
_TRAP_UNREACHABLE = 1


def _way(self: Selector, label: str, block: int | None = None) -> int:
    """Note that control may go to the block `label` from here, or from the machine block given; its number."""
    ways = self.ways.setdefault((self.current.name, label), [])
    here = self.numbers[self.current.name] if block is None else block
    if here not in ways:
        ways.append(here)
    return self.numbers[label]


@handles("br")
def branch(self: Selector, instruction: Instruction) -> None:
    targets = [_way(self, label) for label in instruction.labels]
    if not instruction.operands or targets[0] == targets[1]:
        self.builder.append(Node(Op.JUMP, targets=targets[:1]))
        return
    then, other = instruction.labels
    _branch_on(self, instruction.operands[0], then, other, self.numbers[self.current.name])


def _branch_on(self: Selector, truth: Value, then: str | int, other: str | int, block: int) -> None:
    """End a machine block: to `then` when the truth holds; a junction takes a branch for each side.

    Targets are labels, or machine blocks without phis.
    """
    self.builder.block = self.builder.machine.blocks[block]
    junction = self.junctions.get(truth.name) if isinstance(truth, Local) else None
    if junction is None:
        comparison = self.condition(truth)
        if isinstance(comparison.left, Constant) and isinstance(comparison.right, Constant):
            comparison = Comparison(I32, Condition.NE, self.register(truth), Constant(I32, 0))
        targets = [_way(self, way, block) if isinstance(way, str) else way for way in (then, other)]
        self.builder.branch(comparison, *targets)
        return
    middle = _new_block(self, block)
    _branch_on(self, junction.left, middle if junction.both else then, other if junction.both else middle, block)
    _branch_on(self, junction.right, then, other, middle)


@handles("switch")
def switch(self: Selector, instruction: Instruction) -> None:
    """A table of targets where the cases lie close together, else comparisons that halve the rest each time."""
    value = self.zero_extended(instruction.operands[0])
    default, *labels = instruction.labels
    cases = sorted(zip(instruction.cases, labels, strict=True))
    kind = value.type if isinstance(value, Constant) else self.builder.machine.types[value]
    _switch_part(self, self.builder.register(value), kind, cases, default, self.numbers[self.current.name])


def _switch_part(
    self: Selector, value: int, kind: ValueType, cases: list[tuple[int, str]], default: str, block: int
) -> None:
    machine = self.builder.machine
    self.builder.block = machine.blocks[block]
    if all(label == default for _, label in cases):
        self.builder.append(Node(Op.JUMP, targets=[_way(self, default, block)]))
        return
    low, high = cases[0][0], cases[-1][0]
    if kind is I32 and len(cases) >= _TABLE_CASES and high - low < len(cases) * _TABLE_DENSITY:
        index = self.builder.register(self.builder.binary("SUB", value, Constant(I32, low)))
        known = dict(cases)
        labels = [known.get(number, default) for number in range(low, high + 1)]
        targets = [_way(self, label, block) for label in [default, *labels]]
        self.builder.append(Node(Op.SWITCH, reads=[index], targets=targets))
        return
    if len(cases) > _TABLE_CASES:
        middle = len(cases) // 2
        below, above = _new_block(self, block), _new_block(self, block)
        self.builder.branch(Comparison(kind, Condition.ULT, value, Constant(kind, cases[middle][0])), below, above)
        _switch_part(self, value, kind, cases[:middle], default, below)
        _switch_part(self, value, kind, cases[middle:], default, above)
        return
    (number, label), rest = cases[0], cases[1:]
    other = _new_block(self, block) if rest else _way(self, default, block)
    target = _way(self, label, block)
    if target == other:
        self.builder.append(Node(Op.JUMP, targets=[target]))
    else:
        self.builder.branch(Comparison(kind, Condition.EQ, value, Constant(kind, number)), target, other)
    if rest:
        _switch_part(self, value, kind, rest, default, other)


def _new_block(self: Selector, block: int) -> int:
    machine = self.builder.machine
    machine.blocks.append(MachineBlock(machine.blocks[block].name, depth=machine.blocks[block].depth))
    return len(machine.blocks) - 1


@handles("ret")
def ret(self: Selector, instruction: Instruction) -> None:
    if not instruction.operands or not scalars(instruction.operands[0].type):
        self.builder.append(Node(Op.RETURN))
        return
    value = instruction.operands[0]
    if self.result_pointer >= 0:
        store_leaves(self, Address(base=self.result_pointer), value.type, self.leaves(value))
        self.builder.append(Node(Op.RETURN))
        return
    extension = self.function.result_extension
    extended = {"s": self.sign_extended, "z": self.zero_extended, "": self.leaf}[extension]
    self.builder.append(Node(Op.RETURN_VALUE, reads=[self.builder.register(extended(value))]))


@handles("unreachable")
def unreachable(self: Selector, instruction: Instruction) -> None:
    self.builder.append(Node(Op.TRAP, immediate=_TRAP_UNREACHABLE))


@handles("call")
def call(self: Selector, instruction: Instruction) -> None:
    *arguments, callee = instruction.operands
    name = callee.name if isinstance(callee, GlobalName) else ""
    if name.startswith("llvm."):
        lower_intrinsic(self, instruction, name, arguments)
        return
    function = self.linkage.module.functions.get(name)
    if name and function is None:
        raise unsupported(f"@{name}", "is called but is no function")
    if function is not None and not function.blocks:
        lower_library_call(self, instruction, name, arguments)
        return
    if instruction.function_type is not None and instruction.function_type.variadic:
        raise unsupported(f"@{name}" if name else "pointer", "variadic functions are not supported")
    _call_function(self, instruction, arguments, callee)


def _call_function(self: Selector, instruction: Instruction, arguments: list[Value], callee: Value) -> None:
    signature = signature_of(instruction.type, tuple(argument.type for argument in arguments))
    leaves: list[Leaf] = []
    slot = None
    if len(leaf_types(instruction.type)) > 1:
        slot = self.stack_slot(self.layout.size(instruction.type), self.layout.alignment(instruction.type))
        leaves.append(self.builder.address_value(slot))
    for argument, attributes in zip(arguments, instruction.attributes, strict=True):
        if attributes.by_value is not VOID:
            leaves.append(_copied(self, argument, self.layout.size(attributes.by_value)))
        elif attributes.extension:
            leaves.append(self.sign_extended(argument) if attributes.extension == "s" else self.zero_extended(argument))
        else:
            leaves.extend(self.leaves(argument))
    node = Node(Op.CALL, reads=[self.builder.register(leaf) for leaf in leaves])
    if isinstance(callee, GlobalName):
        target = self.linkage.module.functions[callee.name]
        if signature_of(target.type.result, target.type.parameters) != signature:
            raise unsupported(f"@{callee.name}", "is called with other types than it takes")
        node.callee = callee.name
    else:
        node.op = Op.CALL_INDIRECT
        node.reads.insert(0, self.register(callee))
        node.callee = signature_name(signature)
        self.linkage.tables.setdefault(signature, [])
    if signature[0] is not ValueType.NONE:
        node.result = self.builder.machine.register(signature[0])
        self.set(instruction, node.result)
    self.builder.append(node)
    if slot is not None:
        self.values[instruction.name] = load_leaves(self, slot, instruction.type)
    elif instruction.name and not scalars(instruction.type):
        self.values[instruction.name] = []


def _copied(self: Selector, argument: Value, size: int) -> Leaf:
    """The address of a copy of what an argument points to: a structure that is passed by value."""
    slot = self.stack_slot(size, 16)
    if size <= 32:
        copy_inline(self, slot, self.address(argument), size)
        return self.builder.address_value(slot)
    target = self.builder.register(self.builder.address_value(slot))
    length = self.builder.register(Constant(I32, size))
    self.builder.append(Node(Op.COPY, NO_REGISTER, [target, self.register(argument), length]))
    return target


def signature_name(signature: tuple[ValueType, tuple[ValueType, ...]]) -> str:
    """A signature as text, such as i32(i32,f64)."""
    result, parameters = signature
    return f"{result.name.lower()}({','.join(parameter.name.lower() for parameter in parameters)})"
