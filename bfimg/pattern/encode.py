"""Program objects to bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from bfimg.errors import FitError, FormatError
from bfimg.formats.crc import CRC32
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import (
    ARENA_START,
    NO_NAME,
    ProgramFunction,
    ProgramHeader,
    ProgramImport,
    ProgramTable,
    program_signature,
)
from bfimg.formats.pattern_types import (
    ADDRESS_BASE,
    ADDRESS_DISPLACEMENT_SHIFT,
    ADDRESS_INDEX,
    ADDRESS_SCALE_SHIFT,
    ARGUMENTS_PER_WORD,
    TARGETS_PER_WORD,
    Slot,
    Tail,
)
from bfimg.pattern.program import NO_REGISTER, Function, Instruction, Program, Signature

_DISPLACEMENT_BITS = 32 - ADDRESS_DISPLACEMENT_SHIFT
DISPLACEMENT_LIMIT = 1 << (_DISPLACEMENT_BITS - 1)

# Slots of 16 bits, and whether they are signed.
_WIDE = {Slot.SIGNED16: True, Slot.UNSIGNED16: False, Slot.BLOCK: False, Slot.FUNCTION: False}
_REGISTER_OR_NONE = (Slot.BASE, Slot.INDEX, Slot.RESULT)


def encode_instruction(instruction: Instruction) -> tuple[int, ...]:
    """The words of one instruction. Raises FormatError when an operand does not fit or their number is wrong.

    Whether registers, blocks and functions exist and have the right type is the verifier's to say.
    """
    operands = list(instruction.operands)
    try:
        words = tuple(_words(instruction.op, operands))
        if operands:
            raise OverflowError(f"{len(operands)} operands too many")
    except (IndexError, OverflowError) as error:
        problem = "too few operands" if isinstance(error, IndexError) else str(error)
        shown = " ".join([instruction.op.mnemonic, ", ".join(map(str, instruction.operands))])
        raise FormatError(f"{shown.rstrip()}: {problem}", hint="mend the instruction") from None
    return words


def _words(op: Op, operands: list[int]) -> Iterator[int]:
    """Takes off `operands` what it uses. Raises IndexError when there are too few, OverflowError for a misfit."""
    word = int(op)
    targets = len(operands) - 2
    absent: list[Slot] = []
    for position, slot in enumerate(op.slots):
        shift = 8 * (position + 1)
        if slot in _WIDE:
            value = targets if op.tail is Tail.SWITCH else operands.pop(0)
            word |= _field(value, 16, signed=_WIDE[slot]) << shift
        elif slot not in (Slot.NONE, Slot.HIGH):
            value = operands.pop(0)
            if slot in _REGISTER_OR_NONE and value == NO_REGISTER:
                absent.append(slot)
            else:
                word |= _field(value, 8, signed=slot is Slot.SIGNED8) << shift
    yield word
    yield from _tail(op.tail, operands, absent)


def _tail(tail: Tail, operands: list[int], absent: list[Slot]) -> Iterator[int]:
    if tail in (Tail.WORD, Tail.WORD_TARGETS):
        yield _either(operands.pop(0), 32)
    if tail is Tail.LONG:
        value = _either(operands.pop(0), 64)
        yield value & 0xFFFFFFFF
        yield value >> 32
    elif tail is Tail.ADDRESS:
        yield _address(operands.pop(0), operands.pop(0), absent)
    elif tail in (Tail.CONDITION, Tail.FLOAT_CONDITION):
        yield _field(operands.pop(0), 8)
    elif tail in (Tail.COMPARE, Tail.COMPARE_IMMEDIATE):
        word = _field(operands.pop(0), 8) | _field(operands.pop(0), 8) << 8
        yield word | _field(operands.pop(0), 8, signed=tail is Tail.COMPARE_IMMEDIATE) << 16
    elif tail in (Tail.TARGETS, Tail.WORD_TARGETS):
        yield _field(operands.pop(0), 16) | _field(operands.pop(0), 16) << 16
    elif tail is Tail.SWITCH:
        yield from _packed(operands, TARGETS_PER_WORD)
        operands.clear()
    elif tail is Tail.ARGUMENTS:
        yield from _packed(operands, ARGUMENTS_PER_WORD)
        operands.clear()


def _address(shift: int, displacement: int, absent: list[Slot]) -> int:
    present = (0 if Slot.BASE in absent else ADDRESS_BASE) | (0 if Slot.INDEX in absent else ADDRESS_INDEX)
    scaled = _field(shift, 2) << ADDRESS_SCALE_SHIFT
    return present | scaled | _field(displacement, _DISPLACEMENT_BITS, signed=True) << ADDRESS_DISPLACEMENT_SHIFT


def _field(value: int, bits: int, *, signed: bool = False) -> int:
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= value <= high:
        raise OverflowError(f"{value} is not in {low}..{high}")
    return value & ((1 << bits) - 1)


def _either(value: int, bits: int) -> int:
    """A number that may be given signed or unsigned."""
    return _field(value, bits, signed=value < 0)


def _packed(values: Iterable[int], per_word: int) -> Iterator[int]:
    bits = 32 // per_word
    fields = [_field(value, bits) for value in values]
    for start in range(0, len(fields), per_word):
        yield sum(value << (bits * place) for place, value in enumerate(fields[start : start + per_word]))


def encode_instructions(instructions: Iterable[Instruction]) -> bytes:
    """The bytes of instructions, one after the other. Raises as `encode_instruction`."""
    words = [word for instruction in instructions for word in encode_instruction(instruction)]
    return struct.pack(f"<{len(words)}I", *words)


def encode_program(program: Program) -> bytes:
    """The bytes of a program, a multiple of four. They are not verified: see `bfimg.pattern.verify`.

    Raises FormatError for an operand that does not fit, FitError when there is too much of something to be counted.
    """
    signatures: dict[Signature, int] = {}

    def number(signature: Signature) -> int:
        return signatures.setdefault(signature, len(signatures))

    names = bytearray()
    code = bytearray()
    functions = bytearray()
    try:
        for function in program.functions:
            functions += _function(function, number(function.signature), names, code).packed()
        imports = b"".join(
            ProgramImport(helper=helper, signature=number(Signature(helper.result, helper.parameters))).packed()
            for helper in program.imports
        )
        tables = bytearray()
        entries: list[int] = []
        for table in program.tables:
            signature = number(table.signature)
            tables += ProgramTable(signature=signature, count=len(table.functions), first=len(entries)).packed()
            entries += table.functions
        data = program.data.rstrip(b"\0")
        sections = [
            b"".join(program_signature(signature.result, signature.parameters).packed() for signature in signatures),
            imports,
            bytes(tables),
            struct.pack(f"<{len(entries)}H", *entries),
            bytes(functions),
            bytes(code),
            data,
            bytes(names),
        ]
        body = b"".join(section + bytes(-len(section) % 4) for section in sections)
        header = ProgramHeader(
            size=ProgramHeader.SIZE + len(body),
            arena_size=program.arena_size,
            stack_bytes=program.stack_bytes,
            data_size=len(data),
            data_end=max(program.data_end, ARENA_START + len(program.data)),
            code_size=len(code),
            names_size=len(names),
            call_depth=program.call_depth,
            entry=program.entry,
            signature_count=len(signatures),
            import_count=len(program.imports),
            table_count=len(program.tables),
            entry_count=len(entries),
            function_count=len(program.functions),
            body_crc=CRC32.compute(body),
        ).sealed()
        return header.packed() + body
    except struct.error as error:
        raise FitError(f"the program does not fit its format: {error}", hint="make it smaller") from None


def _function(function: Function, signature: int, names: bytearray, code: bytearray) -> ProgramFunction:
    """The record of a function. Appends its name to `names`, its code to `code`."""
    depths = bytes(min(block.loop_depth, 255) for block in function.blocks)
    start = len(code)
    name = len(names) if function.name else NO_NAME
    if function.name:
        names += _printable(function.name) + b"\0"
    words = b"".join(encode_instructions(block.instructions) for block in function.blocks)
    code += depths + bytes(-len(depths) % 4) + words
    return ProgramFunction(
        signature=signature,
        name=name,
        i32_count=function.registers.i32,
        i64_count=function.registers.i64,
        f32_count=function.registers.f32,
        f64_count=function.registers.f64,
        frame_bytes=function.frame_bytes,
        code=start,
        block_count=len(function.blocks),
        code_words=len(words) // 4,
    )


def _printable(name: str) -> bytes:
    """A name as reports can hold it: printable ASCII without quote and backslash, ? for the rest."""
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in name).encode("ascii")
