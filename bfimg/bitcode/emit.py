"""Machine functions to a pattern program."""

from __future__ import annotations

from collections.abc import Iterator

from bfimg.bitcode.machine import MachineFunction, Node
from bfimg.errors import LoweringError
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import FRAME_ALIGNMENT
from bfimg.formats.pattern_types import Slot, Tail, ValueType
from bfimg.pattern.program import NO_REGISTER, Block, Function, Instruction, Registers, Signature

_IMMEDIATES = (Slot.SIGNED8, Slot.UNSIGNED8, Slot.SIGNED16, Slot.UNSIGNED16)
_MAX_BLOCKS = 0xFFFF


class Numbers:
    """Numbers of functions and tables by name; imports are numbered as they turn up."""

    def __init__(self, functions: dict[str, int], tables: dict[str, int]) -> None:
        self.functions = functions
        self.tables = tables
        self.imports: dict[str, int] = {}

    def of(self, node: Node) -> int:
        """The number of what an operation calls."""
        if node.op is Op.CALL_HELPER:
            return self.imports.setdefault(node.callee, len(self.imports))
        return (self.functions if node.op is Op.CALL else self.tables)[node.callee]

    @property
    def helpers(self) -> tuple[Helper, ...]:
        """The imports, in order."""
        return tuple(Helper[name] for name in self.imports)


def emit_function(machine: MachineFunction, counts: dict[ValueType, int], numbers: Numbers) -> Function:
    """The finished function. Raises LoweringError when it has too many blocks."""
    if len(machine.blocks) > _MAX_BLOCKS:
        raise LoweringError(f"function {machine.name}: too many blocks", hint="split it")
    blocks = tuple(
        Block(tuple(_instruction(node, numbers) for node in block.nodes), min(block.depth, 255))
        for block in machine.blocks
    )
    signature = Signature(machine.result, tuple(machine.signature))
    registers = Registers(*(counts[type] for type in (ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64)))
    frame = -(-machine.frame // FRAME_ALIGNMENT) * FRAME_ALIGNMENT
    return Function(machine.name, signature, registers, blocks, frame)


def _instruction(node: Node, numbers: Numbers) -> Instruction:
    return Instruction(node.op, tuple(_operands(node, numbers)))


def _operands(node: Node, numbers: Numbers) -> Iterator[int]:
    reads = iter(node.reads)
    at = node.address
    targets = iter(node.targets)
    for slot in node.op.slots:
        if slot.writes or slot is Slot.RESULT:
            yield node.result
        elif slot.type is not ValueType.NONE or slot is Slot.VALUE:
            yield next(reads)
        elif slot in _IMMEDIATES and node.op.tail is not Tail.SWITCH:
            yield node.immediate
        elif slot in (Slot.CONDITION, Slot.FLOAT_CONDITION):
            yield int(node.condition or 0)
        elif slot is Slot.BASE:
            yield NO_REGISTER if at is None or at.base is None else at.base
        elif slot is Slot.INDEX:
            yield NO_REGISTER if at is None or at.index is None else at.index
        elif slot is Slot.BLOCK:
            yield next(targets)
        elif slot in (Slot.FUNCTION, Slot.TABLE, Slot.IMPORT):
            yield numbers.of(node)
    tail = node.op.tail
    if tail in (Tail.WORD, Tail.LONG, Tail.WORD_TARGETS):
        yield node.immediate
    elif tail is Tail.ADDRESS and at is not None:
        yield at.scale
        yield at.displacement
    elif tail in (Tail.CONDITION, Tail.FLOAT_CONDITION, Tail.COMPARE, Tail.COMPARE_IMMEDIATE):
        yield int(node.condition or 0)
    yield from reads
    if tail is Tail.COMPARE_IMMEDIATE:
        yield node.immediate
    yield from targets
