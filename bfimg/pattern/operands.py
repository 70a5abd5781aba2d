"""What each operand of an `Instruction` is, in the order in which it holds them."""

from __future__ import annotations

from enum import Enum, auto
from functools import cache

from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Slot, Tail
from bfimg.pattern.program import NO_REGISTER, Instruction


class Role(Enum):
    """Kind of an operand. READ and WRITE are registers; bases, indices and results may be NO_REGISTER."""

    READ = auto()
    WRITE = auto()
    BASE = auto()
    INDEX = auto()
    RESULT = auto()
    NUMBER = auto()
    BITS32 = auto()  # of a float
    BITS64 = auto()
    CONDITION = auto()
    FLOAT_CONDITION = auto()
    SHIFT = auto()
    DISPLACEMENT = auto()
    BLOCK = auto()
    FUNCTION = auto()
    TABLE = auto()
    IMPORT = auto()


_SLOTS = {
    Slot.SIGNED8: Role.NUMBER,
    Slot.UNSIGNED8: Role.NUMBER,
    Slot.SIGNED16: Role.NUMBER,
    Slot.UNSIGNED16: Role.NUMBER,
    Slot.CONDITION: Role.CONDITION,
    Slot.FLOAT_CONDITION: Role.FLOAT_CONDITION,
    Slot.BASE: Role.BASE,
    Slot.INDEX: Role.INDEX,
    Slot.BLOCK: Role.BLOCK,
    Slot.FUNCTION: Role.FUNCTION,
    Slot.TABLE: Role.TABLE,
    Slot.IMPORT: Role.IMPORT,
    Slot.RESULT: Role.RESULT,
    Slot.VALUE: Role.READ,
}
_TAILS = {
    Tail.NONE: (),
    Tail.WORD: (Role.NUMBER,),
    Tail.LONG: (Role.NUMBER,),
    Tail.ADDRESS: (Role.SHIFT, Role.DISPLACEMENT),
    Tail.CONDITION: (Role.CONDITION,),
    Tail.FLOAT_CONDITION: (Role.FLOAT_CONDITION,),
    Tail.COMPARE: (Role.CONDITION, Role.READ, Role.READ),
    Tail.COMPARE_IMMEDIATE: (Role.CONDITION, Role.READ, Role.NUMBER),
    Tail.TARGETS: (Role.BLOCK, Role.BLOCK),
    Tail.WORD_TARGETS: (Role.NUMBER, Role.BLOCK, Role.BLOCK),
}


@cache
def roles(op: Op, count: int) -> tuple[Role, ...]:
    """The roles of an instruction's operands. count: how many it has; it matters for SWITCH and calls only."""
    if op is Op.SWITCH:
        return (Role.READ,) + (Role.BLOCK,) * (count - 1)
    if op is Op.CONST_F32:
        return Role.WRITE, Role.BITS32
    if op is Op.CONST_F64:
        return Role.WRITE, Role.BITS64
    found = [_slot(slot) for slot in op.slots if slot not in (Slot.NONE, Slot.HIGH)]
    if op.tail is Tail.ARGUMENTS:
        return tuple(found) + (Role.READ,) * (count - len(found))
    return (*found, *_TAILS[op.tail])


def _slot(slot: Slot) -> Role:
    if slot.type:
        return Role.WRITE if slot.writes else Role.READ
    return _SLOTS[slot]


def _with_roles(instruction: Instruction, *wanted: Role) -> tuple[int, ...]:
    pairs = zip(roles(instruction.op, len(instruction.operands)), instruction.operands, strict=True)
    return tuple(operand for role, operand in pairs if role in wanted and operand != NO_REGISTER)


def registers_read(instruction: Instruction) -> tuple[int, ...]:
    """The registers that an instruction reads, in the order of the operands."""
    return _with_roles(instruction, Role.READ, Role.BASE, Role.INDEX)


def registers_written(instruction: Instruction) -> tuple[int, ...]:
    """The register that an instruction writes, if it writes one."""
    return _with_roles(instruction, Role.WRITE, Role.RESULT)


def targets(instruction: Instruction) -> tuple[int, ...]:
    """The blocks to which an instruction may go, in the order of the operands."""
    return _with_roles(instruction, Role.BLOCK)


def number(instruction: Instruction) -> int | None:
    """The immediate of an instruction, None when it has none."""
    found = [
        operand
        for role, operand in zip(roles(instruction.op, len(instruction.operands)), instruction.operands, strict=True)
        if role in (Role.NUMBER, Role.BITS32, Role.BITS64)
    ]
    return found[0] if found else None
