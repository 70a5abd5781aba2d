"""The verifier: what it lets pass can be compiled and run without further questions.

One linear pass, check by check in the order of the file, as in the kernel. The first problem is raised.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeVar

from bfimg.errors import FormatError
from bfimg.formats.crc import CRC32
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_program import (
    ARENA_START,
    FRAME_ALIGNMENT,
    MAX_REGISTERS,
    NO_NAME,
    ProgramFunction,
    ProgramHeader,
    ProgramImport,
    ProgramSignature,
    ProgramTable,
)
from bfimg.formats.pattern_types import ValueType
from bfimg.formats.structure import Structure
from bfimg.pattern.program import REGISTER_TYPES, Registers, Signature
from bfimg.pattern.verify_code import CodeVerifier

_Record = TypeVar("_Record", bound=Structure)

_HELPERS = {int(helper): helper for helper in Helper}
_HINT = "lower the module again"
# Names end up in reports: printable ASCII without what JSON must escape.
_NAME_BYTES = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\')


@dataclass(frozen=True, slots=True)
class VerifiedProgram:
    """The sections of a program that passed. `code`, `data` and `names` are without what fills up to a word."""

    header: ProgramHeader
    signatures: tuple[Signature, ...]
    imports: tuple[Helper, ...]
    tables: tuple[ProgramTable, ...]
    entries: tuple[int, ...]
    functions: tuple[ProgramFunction, ...]
    code: bytes
    data: bytes
    names: bytes

    def name(self, function: int) -> str:
        """Name of a function, empty for none."""
        start = self.functions[function].name
        return "" if start == NO_NAME else self.names[start : self.names.index(0, start)].decode("ascii")

    def registers(self, function: int) -> Registers:
        """Register counts of a function."""
        record = self.functions[function]
        return Registers(record.i32_count, record.i64_count, record.f32_count, record.f64_count)

    def loop_depths(self, function: int) -> bytes:
        """Loop depth of each block."""
        record = self.functions[function]
        return self.code[record.code : record.code + record.block_count]

    def words(self, function: int) -> tuple[int, ...]:
        """The code of a function."""
        record = self.functions[function]
        return struct.unpack_from(f"<{record.code_words}I", self.code, record.code + padded(record.block_count))


def padded(size: int) -> int:
    """`size` rounded up to whole words."""
    return (size + 3) & ~3


def verify(data: bytes) -> VerifiedProgram:
    """Check a whole program, the bytes behind the pattern descriptor.

    Raises FormatError for the first problem: its offset counts from the start of the program, its message names
    function, block and word where there are some.
    """
    return _Verifier(data).run()


def _problem(message: str, offset: int, field: str) -> FormatError:
    return FormatError(message, offset=offset, field=f"program.{field}", hint=_HINT)


def _header_problem(message: str, field: str) -> FormatError:
    return _problem(message, ProgramHeader.offset_of(field), field)


class _Verifier:
    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)
        self._position = ProgramHeader.SIZE

    def run(self) -> VerifiedProgram:
        header = self._header()
        sizes = (
            header.signature_count * ProgramSignature.SIZE,
            header.import_count * ProgramImport.SIZE,
            header.table_count * ProgramTable.SIZE,
            header.entry_count * 2,
            header.function_count * ProgramFunction.SIZE,
            header.code_size,
            header.data_size,
            header.names_size,
        )
        if ProgramHeader.SIZE + sum(map(padded, sizes)) != header.size:
            raise _header_problem("sections do not add up to the size", "size")
        signatures = self._signatures(header.signature_count)
        imports = self._imports(header.import_count, signatures)
        tables = self._tables(header, signatures)
        entries_at = self._position
        entries = struct.unpack(f"<{header.entry_count}H", self._bytes(header.entry_count * 2, "entries"))
        functions_at = self._position
        functions = self._functions(header, signatures)
        self._entries(entries, tables, functions, entries_at)
        code_at = self._position
        code = self._bytes(header.code_size, "code")
        initial = self._bytes(header.data_size, "data")
        names_at = self._position
        names = self._bytes(header.names_size, "names")
        self._names(names, names_at, functions, functions_at)
        program = VerifiedProgram(header, signatures, imports, tables, entries, functions, code, initial, names)
        for number, record in enumerate(functions):
            depths = padded(record.block_count)
            if any(code[record.code + record.block_count : record.code + depths]):
                raise _problem("bytes that fill up are not zero", code_at + record.code, f"functions[{number}].code")
            CodeVerifier(program, number, code_at + record.code + depths).run()
        return program

    def _header(self) -> ProgramHeader:
        header = ProgramHeader.parse(self._data, field="program")
        for problem in header.problems("program"):
            raise FormatError(problem.message, offset=problem.offset, field=problem.field, hint=_HINT)
        if header.size != len(self._data):
            raise _header_problem(f"is {header.size}, the program has {len(self._data)} bytes", "size")
        if CRC32.compute(self._data[ProgramHeader.SIZE :]) != header.body_crc:
            raise _header_problem("is not the CRC of what follows", "body_crc")
        arena, stack = header.arena_size, header.stack_bytes
        if arena % FRAME_ALIGNMENT:
            raise _header_problem(f"is {arena}, must be a multiple of {FRAME_ALIGNMENT:d}", "arena_size")
        if stack % FRAME_ALIGNMENT or stack > arena - ARENA_START:
            raise _header_problem(
                f"is {stack}, must be a multiple of {FRAME_ALIGNMENT:d} within {arena}", "stack_bytes"
            )
        if not ARENA_START <= header.data_end <= arena - stack:
            raise _header_problem(f"is {header.data_end}, not below the stack", "data_end")
        if header.data_size > header.data_end - ARENA_START:
            raise _header_problem(f"is {header.data_size}, ends behind data_end", "data_size")
        if header.entry >= header.function_count:
            raise _header_problem(f"is {header.entry}, there are {header.function_count} functions", "entry")
        return header

    def _bytes(self, size: int, field: str) -> bytes:
        """The next section. Raises FormatError unless what fills it up to a word is zero."""
        start = self._position
        self._position += padded(size)
        if any(self._data[start + size : self._position]):
            raise _problem("bytes that fill up are not zero", start + size, field)
        return self._data[start : start + size]

    def _records(self, kind: type[_Record], count: int, field: str) -> list[tuple[int, str, _Record]]:
        """The next section as structures, each with its offset and field path. Values are legal in themselves."""
        found = []
        for number in range(count):
            record = kind.parse(self._data, self._position)
            path = f"{field}[{number}]"
            for problem in record.problems(path, self._position):
                raise _problem(problem.message, problem.offset, problem.field)
            found.append((self._position, path, record))
            self._position += kind.SIZE
        return found

    def _signatures(self, count: int) -> tuple[Signature, ...]:
        signatures = []
        for offset, path, record in self._records(ProgramSignature, count, "signatures"):
            if record.parameters >> (2 * record.parameter_count):
                raise _problem("bits behind the last parameter are not zero", offset + 4, f"{path}.parameters")
            kinds = [ValueType((record.parameters >> (2 * i) & 3) + 1) for i in range(record.parameter_count)]
            signatures.append(Signature(ValueType(record.result), tuple(kinds)))
        return tuple(signatures)

    def _imports(self, count: int, signatures: tuple[Signature, ...]) -> tuple[Helper, ...]:
        helpers = []
        for offset, path, record in self._records(ProgramImport, count, "imports"):
            helper = _HELPERS.get(record.helper)
            if helper is None:
                raise _problem(f"is {record.helper}, no such helper", offset, f"{path}.helper")
            self._signature(record.signature, signatures, offset + 2, path)
            if signatures[record.signature] != Signature(helper.result, helper.parameters):
                raise _problem(f"is not that of {helper.name.lower()}", offset + 2, f"{path}.signature")
            helpers.append(helper)
        return tuple(helpers)

    @staticmethod
    def _signature(number: int, signatures: tuple[Signature, ...], offset: int, path: str) -> Signature:
        if number >= len(signatures):
            raise _problem(f"is {number}, there are {len(signatures)}", offset, f"{path}.signature")
        return signatures[number]

    def _tables(self, header: ProgramHeader, signatures: tuple[Signature, ...]) -> tuple[ProgramTable, ...]:
        total = 0
        tables = []
        for offset, path, record in self._records(ProgramTable, header.table_count, "tables"):
            self._signature(record.signature, signatures, offset, path)
            if record.first != total:
                raise _problem(f"is {record.first}, must be {total}", offset + 4, f"{path}.first")
            total += record.count
            tables.append(record)
        if total != header.entry_count:
            raise _header_problem(f"is {header.entry_count}, the tables have {total}", "entry_count")
        return tuple(tables)

    @staticmethod
    def _entries(
        entries: tuple[int, ...],
        tables: tuple[ProgramTable, ...],
        functions: tuple[ProgramFunction, ...],
        start: int,
    ) -> None:
        for number, table in enumerate(tables):
            for place in range(table.first, table.first + table.count):
                function = entries[place]
                offset = start + 2 * place
                if function >= len(functions):
                    raise _problem(f"function {function} does not exist", offset, f"entries[{place}]")
                if functions[function].signature != table.signature:
                    raise _problem(
                        f"function {function} has not the signature of table {number}", offset, f"entries[{place}]"
                    )

    def _functions(self, header: ProgramHeader, signatures: tuple[Signature, ...]) -> tuple[ProgramFunction, ...]:
        position = 0
        functions = []
        for offset, path, record in self._records(ProgramFunction, header.function_count, "functions"):
            signature = self._signature(record.signature, signatures, offset, path)
            registers = Registers(record.i32_count, record.i64_count, record.f32_count, record.f64_count)
            if registers.total > MAX_REGISTERS:
                raise _problem(f"{registers.total} registers, at most {MAX_REGISTERS:d} fit", offset + 4, path)
            for kind, count in zip(REGISTER_TYPES, registers.counts(), strict=True):
                if signature.parameters.count(kind) > count:
                    raise _problem(f"too few {kind.name.lower()} registers for the parameters", offset + 4, path)
            if record.frame_bytes % FRAME_ALIGNMENT or record.frame_bytes * header.call_depth > header.stack_bytes:
                raise _problem(
                    f"is {record.frame_bytes}: {header.call_depth} of it must fit the stack of {header.stack_bytes}",
                    offset + 8,
                    f"{path}.frame_bytes",
                )
            if record.code != position:
                raise _problem(f"is {record.code}, must be {position}", offset + 12, f"{path}.code")
            position += padded(record.block_count) + 4 * record.code_words
            if position > header.code_size:
                raise _problem("ends behind the code", offset + 12, f"{path}.code")
            functions.append(record)
        if position != header.code_size:
            raise _header_problem(f"is {header.code_size}, the functions have {position}", "code_size")
        return tuple(functions)

    @staticmethod
    def _names(names: bytes, start: int, functions: tuple[ProgramFunction, ...], functions_at: int) -> None:
        if names and names[-1]:
            raise _problem("do not end in NUL", start + len(names) - 1, "names")
        for place, byte in enumerate(names):
            if byte and byte not in _NAME_BYTES:
                raise _problem(f"byte {byte:#04x} is not printable", start + place, "names")
        for number, record in enumerate(functions):
            if record.name != NO_NAME and record.name >= len(names):
                offset = functions_at + number * ProgramFunction.SIZE + ProgramFunction.offset_of("name")
                raise _problem(f"is {record.name}, the names have {len(names)}", offset, f"functions[{number}].name")
