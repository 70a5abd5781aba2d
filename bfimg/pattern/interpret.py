"""The reference interpreter: what a program does, exactly. The oracle for the kernel's compiler."""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from bfimg.errors import NotFoundError, UsageError
from bfimg.formats.pattern_program import ARENA_START
from bfimg.formats.pattern_types import Trap, ValueType
from bfimg.pattern.decode import decode_verified
from bfimg.pattern.program import Signature
from bfimg.pattern.semantics import M32, M64, NAMES, f32
from bfimg.pattern.translate import Place, translate
from bfimg.pattern.verify import verify

DEFAULT_FUEL = 100_000_000
HEAP_ALIGNMENT = 16

_FILE = "<pattern program>"
_ACCESSES = {"u16": "<H", "s16": "<h", "i16": "<H", "i32": "<I", "i64": "<Q", "f32": "<f", "f64": "<d"}


class CodeTrap(Exception):
    """Raised by a TRAP operation inside generated code."""


_TRAPS: dict[type[BaseException], Trap] = {
    ZeroDivisionError: Trap.DIVIDE,
    IndexError: Trap.MEMORY,
    struct.error: Trap.MEMORY,
    KeyError: Trap.INDIRECT_CALL,
    RecursionError: Trap.CALL_DEPTH,
    TimeoutError: Trap.TIME,
    CodeTrap: Trap.CODE,
}


@dataclass(frozen=True, slots=True)
class Stop:
    """Why and where a program was stopped. code: the number of a TRAP operation, else 0.

    CALL_DEPTH counts as the first operation of the function that was called, TIME as that of the block begun.
    """

    trap: Trap
    place: Place
    function: str
    code: int = 0

    def __str__(self) -> str:
        code = f" {self.code}" if self.trap is Trap.CODE else ""
        name = f" ({self.function})" if self.function else ""
        place = f"function {self.place.function}{name}, block {self.place.block}, operation {self.place.instruction}"
        return f"{self.trap.name.lower().replace('_', ' ')} trap{code} in {place}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A call that ended. value: its result, None without or after a trap; integers are unsigned.

    operations: how many were executed, by function; a block counts as a whole when it is entered. calls: how often
    each function was entered.
    """

    value: int | float | None
    stop: Stop | None
    operations: tuple[int, ...]
    calls: tuple[int, ...]

    @property
    def total(self) -> int:
        """Operations of all functions."""
        return sum(self.operations)


class Machine:
    """A program with its arena. Global data and heap keep what one call leaves for the next."""

    def __init__(self, data: bytes) -> None:
        """data: the program's bytes, which are verified. Raises FormatError when they do not pass."""
        verified = verify(data)
        self.program = decode_verified(verified)
        self.memory = bytearray(verified.header.arena_size)
        self.memory[ARENA_START : ARENA_START + len(verified.data)] = verified.data
        header = verified.header
        self._heap = _Memory(self.memory, header.data_end, header.arena_size - header.stack_bytes)
        self._blocks = [0] * sum(len(function.blocks) for function in self.program.functions)
        self._calls = [0] * len(self.program.functions)
        source = translate(self.program)
        self._places = source.places
        names: dict[str, Any] = {**NAMES, "CodeTrap": CodeTrap}
        names["__builtins__"] = {
            **names["__builtins__"],
            **{e.__name__: e for e in _TRAPS if e.__module__ == "builtins"},
        }
        for name, layout in _ACCESSES.items():
            names[f"get_{name}"] = struct.Struct(layout).unpack_from
            names[f"put_{name}"] = struct.Struct(layout).pack_into
        exec(compile(source.text, _FILE, "exec"), names)
        heap = self._heap
        self._functions, self._start, self._fuel_left = names["build"](
            self.memory, heap.check, heap.copy, heap.fill, heap.allocate, self._blocks, self._calls
        )

    def function(self, name: str) -> int:
        """Number of the function called `name`. Raises NotFoundError when there is none."""
        names = [function.name for function in self.program.functions]
        if name not in names:
            raise NotFoundError(f"no function {name!r}", hint=f"there are: {', '.join(names[:8])}")
        return names.index(name)

    def call(
        self, arguments: Sequence[float] = (), *, function: int | None = None, fuel: int = DEFAULT_FUEL
    ) -> Outcome:
        """Run a function, the entry unless `function` tells another, for at most `fuel` operations.

        BYTES_PER_OPERATION bytes that COPY or FILL write take as much time as one operation.
        Integer arguments are taken modulo 2^32 or 2^64. Raises UsageError when the arguments do not fit the signature.
        """
        number = self.program.entry if function is None else function
        values = _checked(arguments, self.program.functions[number].signature)
        self._blocks[:] = [0] * len(self._blocks)
        self._calls[:] = [0] * len(self._calls)
        self._start(fuel, self.program.call_depth, self.program.arena_size)
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + self.program.call_depth + 16)
        value, stop = None, None
        try:
            value = self._functions[number](*values)
        except tuple(_TRAPS) as error:
            stop = self._stop(error)
        finally:
            sys.setrecursionlimit(limit)
        return Outcome(value, stop, self._operations(), tuple(self._calls))

    def _stop(self, error: BaseException) -> Stop:
        place = Place(0, 0, 0)
        trace: TracebackType | None = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == _FILE:
                place = self._places[trace.tb_lineno]
            trace = trace.tb_next
        code = error.args[0] if isinstance(error, CodeTrap) else 0
        return Stop(_TRAPS[type(error)], place, self.program.functions[place.function].name, code)

    def _operations(self) -> tuple[int, ...]:
        counts = iter(self._blocks)
        return tuple(
            sum(next(counts) * len(block.instructions) for block in function.blocks)
            for function in self.program.functions
        )


def run(data: bytes, arguments: Sequence[float] = (), *, fuel: int = DEFAULT_FUEL) -> Outcome:
    """Verify a program and call its entry once in a fresh arena. Raises FormatError and UsageError."""
    return Machine(data).call(arguments, fuel=fuel)


def _checked(arguments: Sequence[float], signature: Signature) -> list[int | float]:
    if len(arguments) != len(signature.parameters):
        raise UsageError(
            f"{len(arguments)} arguments, the function takes {len(signature.parameters)}", hint="give as many"
        )
    return [_argument(value, kind) for value, kind in zip(arguments, signature.parameters, strict=True)]


def _argument(value: float, kind: ValueType) -> int | float:
    if kind in (ValueType.I32, ValueType.I64):
        if not isinstance(value, int):
            raise UsageError(f"{value} is no whole number", hint=f"the parameter is {kind.name.lower()}")
        return value & (M64 if kind is ValueType.I64 else M32)
    return f32(value) if kind is ValueType.F32 else float(value)


class _Memory:
    """What operations on blocks of memory and the heap do. Raises IndexError for a MEMORY trap."""

    def __init__(self, memory: bytearray, heap: int, heap_end: int) -> None:
        self._memory = memory
        self._heap = -(-heap // HEAP_ALIGNMENT) * HEAP_ALIGNMENT
        self._heap_end = heap_end

    def check(self, address: int, length: int) -> None:
        if length and not ARENA_START <= address <= len(self._memory) - length:
            raise IndexError

    def copy(self, to: int, source: int, length: int) -> None:
        self.check(to, length)
        self.check(source, length)
        self._memory[to : to + length] = self._memory[source : source + length]

    def fill(self, to: int, value: int, length: int) -> None:
        self.check(to, length)
        self._memory[to : to + length] = bytes([value & 0xFF]) * length

    def allocate(self, size: int) -> int:
        needed = max(1, -(-size // HEAP_ALIGNMENT)) * HEAP_ALIGNMENT
        if needed > self._heap_end - self._heap:
            return 0
        self._heap += needed
        return self._heap - needed
