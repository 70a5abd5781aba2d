"""Bytes to program objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import (
    ADDRESS_BASE,
    ADDRESS_DISPLACEMENT_SHIFT,
    ADDRESS_INDEX,
    ADDRESS_SCALE_SHIFT,
    ARGUMENTS_PER_WORD,
    TARGETS_PER_WORD,
    Slot,
    Tail,
    ValueType,
)
from bfimg.pattern.program import NO_REGISTER, Block, Function, Instruction, Program, Signature, Table
from bfimg.pattern.verify import VerifiedProgram, verify

_WIDE_UNSIGNED = (Slot.UNSIGNED16, Slot.BLOCK, Slot.FUNCTION)
_FLOAT_BITS = (Op.CONST_F32, Op.CONST_F64)
_OPS = {int(op): op for op in Op}


def decode_program(data: bytes) -> Program:
    """A program from its bytes, verified first. `encode_program` gives the same bytes again.

    Numbers come out signed, the bits of floats unsigned. Raises as `verify`.
    """
    return decode_verified(verify(data))


def decode_verified(program: VerifiedProgram) -> Program:
    """A program that was verified, as objects."""
    header = program.header
    return Program(
        functions=tuple(decode_function(program, number) for number in range(len(program.functions))),
        entry=header.entry,
        tables=tuple(
            Table(program.signatures[t.signature], program.entries[t.first : t.first + t.count]) for t in program.tables
        ),
        imports=program.imports,
        data=program.data,
        data_end=header.data_end,
        arena_size=header.arena_size,
        stack_bytes=header.stack_bytes,
        call_depth=header.call_depth,
    )


def decode_function(program: VerifiedProgram, number: int) -> Function:
    """Function `number` of a program that was verified."""
    record = program.functions[number]
    return Function(
        program.name(number),
        program.signatures[record.signature],
        program.registers(number),
        decode_blocks(program, program.words(number), program.loop_depths(number)),
        record.frame_bytes,
    )


def decode_blocks(program: VerifiedProgram, words: Sequence[int], loop_depths: bytes) -> tuple[Block, ...]:
    """The blocks of a function from its words. loop_depths: one for each block.

    Words that were not verified may give anything, or raise LookupError, StopIteration or RuntimeError.
    """
    following = iter(words)
    blocks = []
    for depth in loop_depths:
        instructions: list[Instruction] = []
        while not instructions or not instructions[-1].op.ends_block:
            instructions.append(_instruction(program, following))
        blocks.append(Block(tuple(instructions), depth))
    return tuple(blocks)


def _instruction(program: VerifiedProgram, words: Iterator[int]) -> Instruction:
    first = next(words)
    op = _OPS[first & 0xFF]
    if op.tail is Tail.SWITCH:
        targets = (first >> 16) + 1
        return Instruction(op, (first >> 8 & 0xFF, *_unpacked(words, targets, TARGETS_PER_WORD)))
    if op.tail is Tail.ARGUMENTS:
        return Instruction(op, tuple(_call(program, op, first, words)))
    operands = []
    for place, slot in enumerate(op.slots):
        field = first >> (8 * place + 8) & 0xFF
        if slot is Slot.SIGNED16:
            operands.append(signed(first >> (8 * place + 8) & 0xFFFF, 16))
        elif slot in _WIDE_UNSIGNED:
            operands.append(first >> (8 * place + 8) & 0xFFFF)
        elif slot is Slot.SIGNED8:
            operands.append(signed(field, 8))
        elif slot not in (Slot.NONE, Slot.HIGH):
            operands.append(field)
    operands += _tail(op, operands, words)
    return Instruction(op, tuple(operands))


def _tail(op: Op, slots: list[int], words: Iterator[int]) -> Iterator[int]:
    """What the words behind the first hold. In `slots` registers that do not count become NO_REGISTER."""
    tail = op.tail
    if tail is Tail.NONE:
        return
    word = next(words)
    if tail in (Tail.WORD, Tail.WORD_TARGETS):
        yield word if op in _FLOAT_BITS else signed(word, 32)
        if tail is Tail.WORD_TARGETS:
            word = next(words)
    if tail is Tail.LONG:
        value = word | next(words) << 32
        yield value if op in _FLOAT_BITS else signed(value, 64)
    elif tail is Tail.ADDRESS:
        slots[1] = slots[1] if word & ADDRESS_BASE else NO_REGISTER
        slots[2] = slots[2] if word & ADDRESS_INDEX else NO_REGISTER
        yield word >> ADDRESS_SCALE_SHIFT & 3
        yield signed(word >> ADDRESS_DISPLACEMENT_SHIFT, 32 - ADDRESS_DISPLACEMENT_SHIFT)
    elif tail in (Tail.CONDITION, Tail.FLOAT_CONDITION):
        yield word
    elif tail in (Tail.COMPARE, Tail.COMPARE_IMMEDIATE):
        yield word & 0xFF
        yield word >> 8 & 0xFF
        yield word >> 16 if tail is Tail.COMPARE else signed(word >> 16, 8)
    elif tail in (Tail.TARGETS, Tail.WORD_TARGETS):
        yield word & 0xFFFF
        yield word >> 16


def _call(program: VerifiedProgram, op: Op, first: int, words: Iterator[int]) -> Iterator[int]:
    if op is Op.CALL:
        called = [first >> 16]
        signature = program.signatures[program.functions[called[0]].signature]
    elif op is Op.CALL_INDIRECT:
        called = [first >> 16 & 0xFF, first >> 24]
        signature = program.signatures[program.tables[called[0]].signature]
    else:
        called = [first >> 16 & 0xFF]
        helper = program.imports[called[0]]
        signature = Signature(helper.result, helper.parameters)
    yield NO_REGISTER if signature.result is ValueType.NONE else first >> 8 & 0xFF
    yield from called
    yield from _unpacked(words, len(signature.parameters), ARGUMENTS_PER_WORD)


def _unpacked(words: Iterator[int], count: int, per_word: int) -> Iterator[int]:
    bits = 32 // per_word
    word = 0
    for place in range(count):
        word = word >> bits if place % per_word else next(words)
        yield word & ((1 << bits) - 1)


def signed(value: int, bits: int) -> int:
    """An unsigned number of `bits` bits as two's complement."""
    sign = 1 << (bits - 1)
    return (value ^ sign) - sign
