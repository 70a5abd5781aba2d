"""A pattern program as objects: what the encoder takes and the decoder gives."""

from __future__ import annotations

from dataclasses import dataclass

from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import ARENA_START, MAX_CALL_DEPTH, MIN_ARENA
from bfimg.formats.pattern_types import ValueType

NO_REGISTER = -1

# In the order of the register numbers.
REGISTER_TYPES = (ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64)


@dataclass(frozen=True, slots=True)
class Instruction:
    """An operation with its operands: first the slots in order, then what the tail holds.

    - A slot of 16 bits is one operand; a slot that must be zero is none.
    - ADDRESS: base, index, shift (0 to 3), displacement. Base and index may be NO_REGISTER.
    - CONDITION and FLOAT_CONDITION: the condition. COMPARE: condition, register, register or number.
    - WORD and LONG: the number, signed or unsigned, or the bits of a float.
    - TARGETS: block if true, block if false; behind the number for WORD_TARGETS.
    - SWITCH: value, default block, then the blocks for 0, 1 and so on; the count is not given.
    - Calls: result register or NO_REGISTER, then what is called, then the arguments.

    >>> Instruction(Op.LOAD_I32_AT, (3, 1, NO_REGISTER, 0, 64))
    """

    op: Op
    operands: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Instructions of which the last one, and no other, ends the block. loop_depth: 0 outside loops, up to 255."""

    instructions: tuple[Instruction, ...]
    loop_depth: int = 0


@dataclass(frozen=True, slots=True)
class Signature:
    """Result type, NONE for no result, and parameter types."""

    result: ValueType = ValueType.NONE
    parameters: tuple[ValueType, ...] = ()


@dataclass(frozen=True, slots=True)
class Registers:
    """How many registers of each type a function has; they are numbered in this order, 0 is the first i32."""

    i32: int = 0
    i64: int = 0
    f32: int = 0
    f64: int = 0

    @property
    def total(self) -> int:
        return self.i32 + self.i64 + self.f32 + self.f64

    def counts(self) -> tuple[int, int, int, int]:
        """In the order of REGISTER_TYPES."""
        return self.i32, self.i64, self.f32, self.f64

    def first(self, kind: ValueType) -> int:
        """Number of the first register of a type (where it would be, when there is none)."""
        return sum(self.counts()[: kind - 1])

    def type_of(self, register: int) -> ValueType:
        """Type of a register; NONE when there is no such register."""
        for kind, count in zip(REGISTER_TYPES, self.counts(), strict=True):
            if 0 <= register < count:
                return kind
            register -= count
        return ValueType.NONE

    def parameters(self, signature: Signature) -> tuple[int, ...]:
        """The registers in which the parameters of a function arrive: the first ones of each type, in order."""
        following = {kind: self.first(kind) for kind in REGISTER_TYPES}
        numbers = []
        for kind in signature.parameters:
            numbers.append(following[kind])
            following[kind] += 1
        return tuple(numbers)


@dataclass(frozen=True, slots=True)
class Function:
    """A function; block 0 is its entry. frame_bytes: memory in the arena while it runs, a multiple of 16."""

    name: str
    signature: Signature
    registers: Registers
    blocks: tuple[Block, ...]
    frame_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers of functions of one signature. A function pointer is 1 for the first of them; 0 is no function."""

    signature: Signature
    functions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A whole program. Addresses and sizes are in bytes.

    data: initial data, stands at ARENA_START. data_end: address behind all global data, the zero part included.
    stack_bytes: the end of the arena, for frames; at least the largest frame times call_depth.
    """

    functions: tuple[Function, ...]
    entry: int = 0
    tables: tuple[Table, ...] = ()
    imports: tuple[Helper, ...] = ()
    data: bytes = b""
    data_end: int = ARENA_START
    arena_size: int = MIN_ARENA
    stack_bytes: int = 0
    call_depth: int = MAX_CALL_DEPTH
