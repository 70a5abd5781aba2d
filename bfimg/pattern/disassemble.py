"""A program as text. `bfimg.pattern.assemble` reads the same text.

    program entry @double, arena 32, stack 0, data_end 16, depth 1
    function "double" (i32) -> i32, registers 1 0 0 0, frame 0
    b0, depth 0:
      add.i32 r0, r0, r0
      return.value r0

Registers are r0 and so on, blocks b0, tables table0, helpers and operations have their name with dots. An address is
[base + index * scale + displacement], in bytes; what does not count is left out. A float that is no number is given
by its bits, 0x7fc00000. Functions are @NAME, or @NUMBER where the name does not tell. A ; begins a comment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from bfimg.formats.pattern_types import Condition, FloatCondition, Tail
from bfimg.pattern.operands import Role, roles
from bfimg.pattern.program import NO_REGISTER, Function, Instruction, Program, Signature
from bfimg.pattern.semantics import f32_from_bits, f64_from_bits

SIMPLE_NAME = re.compile(r"[A-Za-z_.$][\w.$]*")
BYTES_PER_LINE = 32


def disassemble(program: Program) -> str:
    """The whole program."""
    return "\n".join(_lines(program)) + "\n"


def dotted(name: str) -> str:
    """How an operation or a helper is written."""
    return name.lower().replace("_", ".")


def function_names(program: Program) -> list[str]:
    """How each function is referred to."""
    names = [function.name for function in program.functions]
    return [
        f"@{name}" if SIMPLE_NAME.fullmatch(name) and names.count(name) == 1 else f"@{number}"
        for number, name in enumerate(names)
    ]


def _lines(program: Program) -> Iterator[str]:
    names = function_names(program)
    yield (
        f"program entry {names[program.entry]}, arena {program.arena_size}, stack {program.stack_bytes}, "
        f"data_end {program.data_end}, depth {program.call_depth}"
    )
    for helper in program.imports:
        yield f"import {dotted(helper.name)}"
    for number, table in enumerate(program.tables):
        yield f"table{number} {_signature(table.signature)}: {', '.join(names[entry] for entry in table.functions)}"
    for start in range(0, len(program.data), BYTES_PER_LINE):
        yield f"data {program.data[start : start + BYTES_PER_LINE].hex(' ')}"
    for function in program.functions:
        yield from disassemble_function(program, function, names)


def disassemble_function(program: Program, function: Function, names: list[str]) -> Iterator[str]:
    """The lines of one function. names: of all functions, from `function_names`."""
    counts = " ".join(map(str, function.registers.counts()))
    signature = _signature(function.signature)
    yield f'function "{function.name}" {signature}, registers {counts}, frame {function.frame_bytes}'
    for number, block in enumerate(function.blocks):
        yield f"b{number}, depth {block.loop_depth}:"
        for instruction in block.instructions:
            yield f"  {_instruction(instruction, program, names)}"


def _signature(signature: Signature) -> str:
    parameters = ", ".join(kind.name.lower() for kind in signature.parameters)
    result = f" -> {signature.result.name.lower()}" if signature.result else ""
    return f"({parameters}){result}"


def _instruction(instruction: Instruction, program: Program, names: list[str]) -> str:
    op = instruction.op
    known = roles(op, len(instruction.operands))
    if op.tail is Tail.ADDRESS:
        return f"{op.mnemonic} r{instruction.operands[0]}, {_address(*instruction.operands[1:])}"
    if op.access_size:
        register, base, displacement = instruction.operands
        return f"{op.mnemonic} r{register}, {_address(base, NO_REGISTER, 0, displacement * op.access_size)}"
    texts = [_operand(role, operand, program, names) for role, operand in zip(known, instruction.operands, strict=True)]
    return f"{op.mnemonic} {', '.join(texts)}".rstrip()


def _address(base: int, index: int, shift: int, displacement: int) -> str:
    terms = [] if base == NO_REGISTER else [f"r{base}"]
    if index != NO_REGISTER:
        terms.append(f"r{index} * {1 << shift}")
    if displacement or not terms:
        terms.append(str(displacement))
    return f"[{' + '.join(terms)}]"


def _operand(role: Role, operand: int, program: Program, names: list[str]) -> str:
    if role is Role.NUMBER:
        return str(operand)
    if role is Role.BLOCK:
        return f"b{operand}"
    if role is Role.CONDITION:
        return Condition(operand).name.lower()
    if role is Role.FLOAT_CONDITION:
        return FloatCondition(operand).name.lower()
    if role is Role.FUNCTION:
        return names[operand]
    if role is Role.TABLE:
        return f"table{operand}"
    if role is Role.IMPORT:
        return dotted(program.imports[operand].name)
    if role in (Role.BITS32, Role.BITS64):
        value = f32_from_bits(operand) if role is Role.BITS32 else f64_from_bits(operand)
        return repr(value) if math.isfinite(value) else f"{operand:#x}"
    return "-" if operand == NO_REGISTER else f"r{operand}"
