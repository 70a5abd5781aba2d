"""Text to a program; the text is that of `bfimg.pattern.disassemble`, which documents it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bfimg.errors import FormatError
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, FloatCondition, Tail, ValueType
from bfimg.pattern.disassemble import dotted, function_names
from bfimg.pattern.operands import Role, roles
from bfimg.pattern.program import NO_REGISTER, Block, Function, Instruction, Program, Registers, Signature, Table
from bfimg.pattern.semantics import f32_bits, f64_bits

_MNEMONICS = {op.mnemonic: op for op in Op}
_TYPES = {kind.name.lower(): kind for kind in ValueType if kind}
_HELPERS = {dotted(helper.name): helper for helper in Helper}
_SIGNATURE = r"\((?P<parameters>[^)]*)\)(?: -> (?P<result>\w+))?"
_HEAD = re.compile(
    r"program entry (?P<entry>@\S+), arena (?P<arena>\d+), stack (?P<stack>\d+), data_end (?P<end>\d+), "
    r"depth (?P<depth>\d+)"
)
_TABLE = re.compile(rf"table\d+ {_SIGNATURE}: (?P<entries>.+)")
_FUNCTION = re.compile(
    rf'function "(?P<name>[^"]*)" {_SIGNATURE}, registers (?P<counts>\d+ \d+ \d+ \d+), frame (?P<frame>\d+)'
)
_BLOCK = re.compile(r"b\d+, depth (?P<depth>\d+):")
_ADDRESS = re.compile(r"\[(?:r(\d+)(?! \*))?(?: \+ )?(?:r(\d+) \* ([1248]))?(?: \+ )?(-?\d+)?\]")


def assemble(text: str) -> Program:
    """The program that the text describes. It is not verified.

    Raises FormatError for a line that cannot be read; its offset is the line's number, from 1.
    """
    return _Assembler(text).run()


class _Assembler:
    def __init__(self, text: str) -> None:
        lines = ((number, line.partition(";")[0].strip()) for number, line in enumerate(text.splitlines(), 1))
        self._lines = [(number, line) for number, line in lines if line]
        self._imports: list[Helper] = []
        self._functions: list[Function] = []
        self._tables: list[Table] = []
        self._numbers: dict[str, int] = {}

    def run(self) -> Program:
        self._name_functions()
        program = Program(())
        data = bytearray()
        for number, line in self._lines:
            try:
                program = self._line(line, program, data)
            except (KeyError, ValueError, IndexError, OverflowError) as error:
                raise FormatError(f"line {number}: cannot read {line!r}: {error}", hint="mend the line") from None
        return replace(
            program,
            functions=tuple(self._functions),
            imports=tuple(self._imports),
            tables=tuple(self._tables),
            data=bytes(data),
        )

    def _name_functions(self) -> None:
        """So that a function can be called before it is defined."""
        found = [match for _, line in self._lines if (match := _FUNCTION.fullmatch(line))]
        functions = tuple(Function(match["name"], Signature(), Registers(), ()) for match in found)
        self._numbers = {f"@{number}": number for number in range(len(functions))}
        self._numbers |= {name: number for number, name in enumerate(function_names(Program(functions)))}

    def _line(self, line: str, program: Program, data: bytearray) -> Program:
        word = line.partition(" ")[0]
        if word == "program":
            head = _matched(_HEAD, line)
            return replace(
                program,
                entry=self._numbers[head["entry"]],
                arena_size=int(head["arena"]),
                stack_bytes=int(head["stack"]),
                data_end=int(head["end"]),
                call_depth=int(head["depth"]),
            )
        if word == "import":
            self._imports.append(_HELPERS[line.split()[1]])
        elif word == "data":
            data += bytes.fromhex(line.partition(" ")[2])
        elif word.startswith("table"):
            table = _matched(_TABLE, line)
            entries = tuple(self._numbers[name.strip()] for name in table["entries"].split(","))
            self._tables.append(Table(_signature(table), entries))
        elif word == "function":
            head = _matched(_FUNCTION, line)
            registers = Registers(*map(int, head["counts"].split()))
            self._functions.append(Function(head["name"], _signature(head), registers, (), int(head["frame"])))
        elif line.endswith(":"):
            self._append(Block((), int(_matched(_BLOCK, line)["depth"])))
        else:
            self._append(self._instruction(line))
        return program

    def _append(self, added: Block | Instruction) -> None:
        """A block to the last function, an instruction to its last block."""
        function = self._functions[-1]
        if isinstance(added, Block):
            blocks = (*function.blocks, added)
        else:
            last = function.blocks[-1]
            blocks = (*function.blocks[:-1], replace(last, instructions=(*last.instructions, added)))
        self._functions[-1] = replace(function, blocks=blocks)

    def _instruction(self, line: str) -> Instruction:
        mnemonic, _, rest = line.partition(" ")
        op = _MNEMONICS[mnemonic]
        texts = [text.strip() for text in rest.split(",")] if rest else []
        if op.tail is Tail.ADDRESS or op.access_size:
            base, index, shift, displacement = _address(texts[1])
            if op.tail is Tail.ADDRESS:
                return Instruction(op, (_register(texts[0]), base, index, shift, displacement))
            return Instruction(op, (_register(texts[0]), base, _units(displacement, op.access_size)))
        known = roles(op, len(texts))
        return Instruction(op, tuple(self._operand(role, text) for role, text in zip(known, texts, strict=True)))

    def _operand(self, role: Role, text: str) -> int:
        if role is Role.FUNCTION:
            return self._numbers[text]
        if role is Role.IMPORT:
            return self._imports.index(_HELPERS[text])
        return _READERS.get(role, _register)(text)


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError("it is not of the form that begins so")
    return match


def _signature(match: re.Match[str]) -> Signature:
    parameters = tuple(_TYPES[name.strip()] for name in match["parameters"].split(",") if name.strip())
    return Signature(_TYPES[match["result"]] if match["result"] else ValueType.NONE, parameters)


def _address(text: str) -> tuple[int, int, int, int]:
    base, index, scale, displacement = _matched(_ADDRESS, text).groups()
    return (
        NO_REGISTER if base is None else int(base),
        NO_REGISTER if index is None else int(index),
        int(scale or 1).bit_length() - 1,
        int(displacement or 0),
    )


def _units(displacement: int, size: int) -> int:
    if displacement % size:
        raise ValueError(f"{displacement} is no multiple of {size}")
    return displacement // size


def _register(text: str) -> int:
    return NO_REGISTER if text == "-" else _numbered("r", text)


def _numbered(prefix: str, text: str) -> int:
    return int(_matched(re.compile(rf"{prefix}(\d+)"), text)[1])


def _bits(text: str, of_value: Callable[[float], int]) -> int:
    return int(text, 16) if text.startswith("0x") else of_value(float(text))


_READERS: dict[Role, Callable[[str], int]] = {
    Role.NUMBER: lambda text: int(text, 0),
    Role.BITS32: lambda text: _bits(text, f32_bits),
    Role.BITS64: lambda text: _bits(text, f64_bits),
    Role.CONDITION: lambda text: Condition[text.upper()],
    Role.FLOAT_CONDITION: lambda text: FloatCondition[text.upper()],
    Role.BLOCK: lambda text: _numbered("b", text),
    Role.TABLE: lambda text: _numbered("table", text),
}
