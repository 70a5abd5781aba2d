"""A verified program as Python source: what the interpreter runs.

Each function becomes a Python function, each register a local variable, each block a leaf of a tree of comparisons in
a loop. Errors are not tested for where Python finds them itself: `struct` and indexing refuse what lies behind the
arena, a dictionary what is not in a table. Which operation a line stands for is kept beside the text, so that the line
of an exception tells where a trap was.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import ARENA_START
from bfimg.formats.pattern_types import Condition, FloatCondition, Tail, ValueType
from bfimg.pattern.operands import number, registers_read, registers_written, targets
from bfimg.pattern.program import NO_REGISTER, Function, Instruction, Program
from bfimg.pattern.semantics import CONDITIONS, FLOAT_CONDITIONS, M32, M64, S32, S64, function_of

_VARIABLE = re.compile(r"\b(a|b|k|holds|S|M32|M64|S32|S64)\b")
_LITERALS = {"M32": str(M32), "M64": str(M64), "S32": str(S32), "S64": str(S64)}
_I64_WRITTEN = (Op.CONST_I64_16, Op.CONST_I64, Op.ADD_I64_IMM8)

# So many bytes of COPY or FILL take as much of the time given as an operation.
BYTES_PER_OPERATION = 64


@dataclass(frozen=True, slots=True)
class Place:
    """An operation of a program by its numbers, all from 0."""

    function: int
    block: int
    instruction: int


@dataclass(frozen=True, slots=True)
class Source:
    """Python text that defines `build`, and the operation of each line, from 1, that may trap."""

    text: str
    places: dict[int, Place]


def translate(program: Program) -> Source:
    """The source of a program that the verifier passed.

    `build` takes the arena, the functions of `_Memory` in `bfimg.pattern.interpret`, and two lists that count how
    often each block and each function was entered. It returns the functions, one that sets what is left of operations,
    nested calls and stack, and one that tells what is left of operations.
    """
    return _Translator(program).run()


class _Translator:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._function = program.functions[0]
        self._lines: list[str] = []
        self._places: dict[int, Place] = {}
        self._place = Place(0, 0, 0)
        self._indent = 0
        self._blocks_before = 0

    def run(self) -> Source:
        program = self._program
        with self._nested("def build(memory, check, copy, fill, allocate, blocks, calls):"):
            self._line("fuel = depth = stack = 0")
            for place, function in enumerate(program.functions):
                self._place = Place(place, 0, 0)
                self._function = function
                self._define()
                self._blocks_before += len(function.blocks)
            for place, table in enumerate(program.tables):
                entries = "".join(f"{index}: call{function}, " for index, function in enumerate(table.functions, 1))
                self._line(f"t{place} = {{{entries}}}")
            with self._nested("def start(*values):"):
                self._line("nonlocal fuel, depth, stack")
                self._line("fuel, depth, stack = values")
            names = "".join(f"call{place}, " for place in range(len(program.functions)))
            self._line(f"return ({names}), start, lambda: fuel")
        return Source("\n".join(self._lines) + "\n", self._places)

    def _line(self, text: str) -> None:
        self._lines.append("\t" * self._indent + text)
        self._places[len(self._lines)] = self._place

    @contextmanager
    def _nested(self, head: str) -> Iterator[None]:
        self._line(head)
        self._indent += 1
        yield
        self._indent -= 1

    def _define(self) -> None:
        function = self._function
        parameters = function.registers.parameters(function.signature)
        with self._nested(f"def call{self._place.function}({', '.join(f'r{p}' for p in parameters)}):"):
            self._line("nonlocal fuel, depth, stack")
            self._line("if not depth: raise RecursionError")
            self._line("depth -= 1")
            self._line(f"calls[{self._place.function}] += 1")
            self._line(f"frame = stack = stack - {function.frame_bytes}")
            for register in sorted(_read_before_written(function) - set(parameters)):
                zero = "0" if function.registers.type_of(register) <= ValueType.I64 else "0.0"
                self._line(f"r{register} = {zero}")
            self._line("block = 0")
            with self._nested("while True:"):
                self._choose(0, len(function.blocks))

    def _choose(self, low: int, high: int) -> None:
        """Comparisons of `block` that lead to one of the blocks `low` up to, not including, `high`."""
        if high - low == 1:
            self._leaf(low)
            return
        middle = (low + high) // 2
        with self._nested(f"if block < {middle}:"):
            self._choose(low, middle)
        with self._nested("else:"):
            self._choose(middle, high)

    def _leaf(self, block: int) -> None:
        last = self._function.blocks[block].instructions[-1]
        if len(targets(last)) == 2 and block in targets(last) and last.op is not Op.SWITCH:
            # A block that is a loop of its own is not left for each round.
            yes, no = targets(last)
            with self._nested("while True:"):
                self._body(block)
                self._line(f"if {'not ' if yes == block else ''}({self._comparison(last)}): break")
            self._line(f"block = {no if yes == block else yes}")
            return
        self._body(block)
        self._end(last)

    def _body(self, block: int) -> None:
        """The block without its last instruction; `_place` is then the place of that one."""
        instructions = self._function.blocks[block].instructions
        self._place = Place(self._place.function, block, 0)
        self._line(f"blocks[{self._blocks_before + block}] += 1")
        self._line(f"fuel -= {len(instructions)}")
        self._line("if fuel < 0: raise TimeoutError")
        for index, instruction in enumerate(instructions):
            self._place = Place(self._place.function, block, index)
            if not instruction.op.ends_block:
                self._instruction(instruction)

    def _end(self, last: Instruction) -> None:
        op = last.op
        if op is Op.JUMP:
            self._line(f"block = {last.operands[0]}")
        elif op is Op.SWITCH:
            value, default, *cases = last.operands
            self._line(f"block = {tuple(cases)}[r{value}] if r{value} < {len(cases)} else {default}")
        elif op is Op.TRAP:
            self._line(f"raise CodeTrap({last.operands[0]})")
        elif op in (Op.RETURN, Op.RETURN_VALUE):
            self._line("depth += 1")
            self._line(f"stack += {self._function.frame_bytes}")
            self._line("return" if op is Op.RETURN else f"return r{last.operands[0]}")
        else:
            yes, no = targets(last)
            self._line(f"block = {yes} if {self._comparison(last)} else {no}")

    def _instruction(self, instruction: Instruction) -> None:
        op, operands = instruction.op, instruction.operands
        kind = op.name.partition("_")[0]
        if op.tail is Tail.ARGUMENTS:
            self._call(instruction)
        elif kind in ("LOAD", "STORE"):
            self._access(instruction, kind)
        elif op is Op.ADDRESS:
            self._line(f"r{operands[0]} = {self._address(instruction)}")
        elif op is Op.FRAME:
            self._line(f"r{operands[0]} = (frame + {operands[1]}) & {M32}")
        elif op in (Op.CONST_F32, Op.CONST_F64):
            self._line(f"r{operands[0]} = {_float_literal(instruction)}")
        elif op.expression is not None:
            self._line(f"r{operands[0]} = {self._expression(instruction, op.expression)}")
        else:
            values = ", ".join(f"r{register}" for register in registers_read(instruction))
            length = f", {operands[1] & M32}" if op is Op.CHECK_IMM32 else ""
            self._line(f"{op.name.partition('_')[0].lower()}({values}{length})")
            if op in (Op.COPY, Op.FILL):
                self._line(f"fuel -= r{operands[2]} // {BYTES_PER_OPERATION}")

    def _expression(self, instruction: Instruction, expression: str) -> str:
        read = registers_read(instruction)
        immediate = number(instruction)
        values = {name: f"r{register}" for name, register in zip("ab", read, strict=False)}
        if immediate is not None:
            values["k"] = str(immediate & (M64 if instruction.op in _I64_WRITTEN else M32))
        if "holds" in expression:
            values["holds"] = f"({self._comparison(instruction)})"
        return _filled(expression, values)

    def _comparison(self, instruction: Instruction) -> str:
        """The comparison that a SET, SELECT or BRANCH makes, as an expression."""
        op, operands = instruction.op, instruction.operands
        compared = [f"r{register}" for register in registers_read(instruction)]
        condition, kind = operands[0] if op.ends_block else operands[-1], op.name.split("_")[1]
        if op.tail in (Tail.COMPARE, Tail.COMPARE_IMMEDIATE):
            # A SELECT of any type compares i32.
            compared, condition, kind = compared[2:], operands[3], "I32"
        immediate = number(instruction)
        if immediate is not None:
            compared.append(str(immediate & M32))
        text = FLOAT_CONDITIONS[FloatCondition(condition)] if kind[0] == "F" else CONDITIONS[Condition(condition)]
        return _filled(text, {"a": compared[0], "b": compared[1], "S": str(S64 if kind == "I64" else S32)})

    def _address(self, instruction: Instruction) -> str:
        """The address, modulo 2^32, that a load, a store or ADDRESS works with."""
        if instruction.op.tail is not Tail.ADDRESS:
            _, base, displacement = instruction.operands
            return _sum([f"r{base}"], displacement * instruction.op.access_size)
        _, base, index, shift, displacement = instruction.operands
        terms = [] if base == NO_REGISTER else [f"r{base}"]
        if index != NO_REGISTER:
            terms.append(f"(r{index} << {shift})" if shift else f"r{index}")
        return _sum(terms, displacement)

    def _access(self, instruction: Instruction, kind: str) -> None:
        register = f"r{instruction.operands[0]}"
        width = instruction.op.name.split("_")[1]
        self._line(f"address = {self._address(instruction)}")
        self._line(f"if address < {ARENA_START:d}: raise IndexError")
        if kind == "LOAD":
            value = "memory[address]" if width in ("U8", "S8") else f"get_{width.lower()}(memory, address)[0]"
            if width == "S8":
                value = f"(({value} ^ 128) - 128)"
            self._line(f"{register} = {value} & {M32}" if width in ("S8", "S16") else f"{register} = {value}")
        elif width == "I8":
            self._line(f"memory[address] = {register} & 255")
        else:
            value = f"{register} & 65535" if width == "I16" else register
            self._line(f"put_{width.lower()}(memory, address, {value})")

    def _call(self, instruction: Instruction) -> None:
        result, called, *rest = instruction.operands
        if instruction.op is Op.CALL_HELPER:
            value = self._helper(self._program.imports[called], rest)
        elif instruction.op is Op.CALL:
            value = f"call{called}({_arguments(rest)})"
        else:
            value = f"t{called}[r{rest[0]}]({_arguments(rest[1:])})"
        self._line(value if result == NO_REGISTER else f"r{result} = {value}")

    @staticmethod
    def _helper(helper: Helper, arguments: list[int]) -> str:
        if helper.expression is None:
            return f"{helper.name.lower()}({_arguments(arguments)})"
        return _filled(helper.expression, {name: f"r{r}" for name, r in zip("ab", arguments, strict=False)})


def _filled(expression: str, values: dict[str, str]) -> str:
    """The expression with its variables and constants replaced by what they stand for."""
    known = _LITERALS | values
    return _VARIABLE.sub(lambda match: known[match[0]], expression)


def _arguments(registers: list[int]) -> str:
    return ", ".join(f"r{register}" for register in registers)


def _sum(terms: list[str], displacement: int) -> str:
    if terms and not displacement and terms[0].startswith("r") and len(terms) == 1:
        return terms[0]
    return f"({' + '.join([*terms, str(displacement)])}) & {M32}"


def _float_literal(instruction: Instruction) -> str:
    bits = instruction.operands[1]
    value = function_of(instruction.op)(k=bits)
    width = 32 if instruction.op is Op.CONST_F32 else 64
    return repr(value) if math.isfinite(value) else f"f{width}_from_bits({bits})"


def _read_before_written(function: Function) -> set[int]:
    """Registers that some block reads before it writes them: those whose zero at entry may be seen."""
    found: set[int] = set()
    for block in function.blocks:
        written: set[int] = set()
        for instruction in block.instructions:
            found |= set(registers_read(instruction)) - written
            written |= set(registers_written(instruction))
    return found
