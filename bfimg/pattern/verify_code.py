"""The verifier's pass over the code of one function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bfimg.errors import FormatError
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import (
    ADDRESS_BASE,
    ADDRESS_INDEX,
    ADDRESS_SCALE_SHIFT,
    ARGUMENTS_PER_WORD,
    TARGETS_PER_WORD,
    Condition,
    FloatCondition,
    Slot,
    Tail,
    ValueType,
)
from bfimg.pattern.program import REGISTER_TYPES, Signature

if TYPE_CHECKING:
    from bfimg.pattern.verify import VerifiedProgram

_OPS = {int(op): op for op in Op}
_CONDITIONS = frozenset(map(int, Condition))
_FLOAT_CONDITIONS = frozenset(map(int, FloatCondition))
_LETTERS = "abc"


class CodeVerifier:
    """Checks one function. `offset`: where its first word is, from the start of the program, for messages."""

    def __init__(self, program: VerifiedProgram, function: int, offset: int) -> None:
        self._program = program
        self._number = function
        self._offset = offset
        self._record = program.functions[function]
        self._signature = program.signatures[self._record.signature]
        self._words = program.words(function)
        counts = program.registers(function).counts()
        kinds = b"".join(bytes([kind]) * count for kind, count in zip(REGISTER_TYPES, counts, strict=True))
        self._types = kinds.ljust(256, bytes([ValueType.NONE]))
        self._block = 0
        self._start = 0  # first word of the instruction
        self._next = 0  # next word to read
        self._op = Op.MOVE_I32

    def run(self) -> None:
        """Raises FormatError for the first problem."""
        ended = True
        while self._next < len(self._words):
            if ended and self._block == self._record.block_count:
                self._start = self._next
                raise self._problem("words behind the last block")
            self._instruction()
            ended = self._op.ends_block
            self._block += ended
        if not ended or self._block != self._record.block_count:
            self._start = len(self._words) - 1
            raise self._problem("the last block does not end" if not ended else "blocks are missing")

    def _problem(self, message: str) -> FormatError:
        name = self._program.name(self._number)
        function = f"function {self._number} ({name})" if name else f"function {self._number}"
        return FormatError(
            f"{function}, block {self._block}, word {self._start}: {message}",
            offset=self._offset + 4 * self._start,
            field="program.code",
            hint="lower the module again",
        )

    def _wrong(self, message: str) -> FormatError:
        return self._problem(f"{self._op.mnemonic}: {message}")

    def _word(self) -> int:
        """The next word of this instruction."""
        if self._next == len(self._words):
            raise self._wrong("is cut off")
        self._next += 1
        return self._words[self._next - 1]

    def _instruction(self) -> None:
        self._start = self._next
        first = self._words[self._start]
        self._next += 1
        op = _OPS.get(first & 0xFF)
        if op is None:
            raise self._problem(f"no operation {first & 0xFF:#04x}")
        self._op = op
        fields = (first >> 8 & 0xFF, first >> 16 & 0xFF, first >> 24)
        for place, slot in enumerate(op.slots):
            field = fields[place]
            kind = slot & 0xF
            if slot < Slot.SIGNED8:
                if self._types[field] != kind if kind else field:
                    raise self._register(_LETTERS[place], field, ValueType(kind))
            elif slot is Slot.CONDITION:
                self._condition(field)
            elif slot is Slot.FLOAT_CONDITION:
                self._condition(field, _FLOAT_CONDITIONS)
            elif slot is Slot.BLOCK:
                self._target(first >> 16)
            elif slot is Slot.VALUE:
                self._returned(field)
            # FUNCTION, TABLE, IMPORT and RESULT: with the arguments; BASE and INDEX: with the address.
        self._tail(op.tail, fields, first)
        if op is Op.RETURN and self._signature.result is not ValueType.NONE:
            raise self._wrong("the function has a result")

    def _returned(self, field: int) -> None:
        result = self._signature.result
        if result is ValueType.NONE:
            raise self._wrong("the function has no result")
        if self._types[field] != result:
            raise self._register("a", field, result)

    def _register(self, name: str, field: int, wanted: ValueType) -> FormatError:
        found = ValueType(self._types[field])
        if wanted is ValueType.NONE:
            return self._wrong(f"{name} is {field}, must be zero")
        there = f"{found.name.lower()}" if found else "none"
        return self._wrong(f"{name} is register {field}, which is {there}, must be {wanted.name.lower()}")

    def _condition(self, value: int, legal: frozenset[int] = _CONDITIONS) -> None:
        if value not in legal:
            raise self._wrong(f"no condition {value:#x}")

    def _target(self, block: int) -> None:
        if block >= self._record.block_count:
            raise self._wrong(f"no block {block}, there are {self._record.block_count}")

    def _targets(self, word: int) -> None:
        self._target(word & 0xFFFF)
        self._target(word >> 16)

    def _tail(self, tail: Tail, fields: tuple[int, int, int], first: int) -> None:
        if tail is Tail.NONE:
            return
        if tail is Tail.ARGUMENTS:
            self._call(fields, first)
            return
        word = self._word()
        if tail is Tail.LONG:
            self._word()
        elif tail is Tail.ADDRESS:
            self._address(word, fields)
        elif tail is Tail.CONDITION:
            self._condition(word)
        elif tail is Tail.FLOAT_CONDITION:
            self._condition(word, _FLOAT_CONDITIONS)
        elif tail in (Tail.COMPARE, Tail.COMPARE_IMMEDIATE):
            self._compare(word, registers=2 if tail is Tail.COMPARE else 1)
        elif tail is Tail.TARGETS:
            self._targets(word)
        elif tail is Tail.WORD_TARGETS:
            self._targets(self._word())
        elif tail is Tail.SWITCH:
            self._switch(word, first >> 16)

    def _address(self, word: int, fields: tuple[int, int, int]) -> None:
        for name, bit, field in (("base", ADDRESS_BASE, fields[1]), ("index", ADDRESS_INDEX, fields[2])):
            wanted = ValueType.I32 if word & bit else ValueType.NONE
            if self._types[field] != wanted if wanted else field:
                raise self._register(name, field, wanted)
        if not word & ADDRESS_INDEX and word >> ADDRESS_SCALE_SHIFT & 3:
            raise self._wrong("has a scale but no index")

    def _compare(self, word: int, *, registers: int) -> None:
        self._condition(word & 0xFF)
        for place in range(registers):
            field = word >> (8 * place + 8) & 0xFF
            if self._types[field] != ValueType.I32:
                raise self._register(f"compared {_LETTERS[place]}", field, ValueType.I32)
        if word >> 24:
            raise self._wrong("highest byte of the comparison is not zero")

    def _switch(self, word: int, count: int) -> None:
        """count: targets besides the default, which is the first."""
        for place in range(count + 1):
            half = place % TARGETS_PER_WORD
            if place and not half:
                word = self._word()
            self._target(word >> (16 * half) & 0xFFFF)
        if count % TARGETS_PER_WORD == 0 and word >> 16:
            raise self._wrong("unused half of the last word is not zero")

    def _call(self, fields: tuple[int, int, int], first: int) -> None:
        signature = self._callee(fields, first)
        result, field = signature.result, fields[0]
        if self._types[field] != result if result else field:
            raise self._register("result", field, result)
        word = 0
        for place, kind in enumerate(signature.parameters):
            byte = place % ARGUMENTS_PER_WORD
            if not byte:
                word = self._word()
            field = word >> (8 * byte) & 0xFF
            if self._types[field] != kind:
                raise self._register(f"argument {place}", field, kind)
        used = len(signature.parameters) % ARGUMENTS_PER_WORD
        if used and word >> (8 * used):
            raise self._wrong("unused bytes of the last word are not zero")

    def _callee(self, fields: tuple[int, int, int], first: int) -> Signature:
        program = self._program
        if self._op is Op.CALL:
            if first >> 16 >= len(program.functions):
                raise self._wrong(f"no function {first >> 16}")
            return program.signatures[program.functions[first >> 16].signature]
        if self._op is Op.CALL_INDIRECT:
            if fields[1] >= len(program.tables):
                raise self._wrong(f"no table {fields[1]}")
            return program.signatures[program.tables[fields[1]].signature]
        if fields[1] >= len(program.imports):
            raise self._wrong(f"no import {fields[1]}")
        helper = program.imports[fields[1]]
        return Signature(helper.result, helper.parameters)
