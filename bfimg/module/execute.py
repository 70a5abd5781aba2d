"""Run a function of a module in the reference interpreter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bfimg.errors import NotFoundError, UsageError, located
from bfimg.formats.bitcode_module import BitcodeHeader
from bfimg.host_file import read_host_file
from bfimg.module.identify import ModuleKind, identify
from bfimg.module.prepare import ModuleRequest, prepare
from bfimg.module.program import program_of
from bfimg.pattern.decode import decode_program
from bfimg.pattern.disassemble import disassemble, disassemble_function, function_names
from bfimg.pattern.interpret import DEFAULT_FUEL, Machine, Outcome

_HINT = "name an existing module file"


@dataclass(frozen=True, slots=True)
class Execution:
    """A call that ended, and the names of the program's functions, for its counts."""

    function: str
    outcome: Outcome
    names: tuple[str, ...]


def stored_program(path: Path) -> bytes:
    """The pattern program that a module file carries, not verified.

    Raises InputError, NotFoundError for a file without one, FormatError for a damaged section.
    """
    data = read_host_file(path, hint=_HINT)
    header = identify(data).header
    if not isinstance(header, BitcodeHeader):
        raise NotFoundError("has no pattern program", path=str(path), hint="make one: bfimg module lower")
    return program_of(data, header, str(path))


def load_program(path: Path, entry: str | None = None) -> bytes:
    """The pattern program of a module file; made, in memory, for a file that has none.

    entry: a function that has to be callable; a program that lacks it is made again. Raises as `prepare`, UsageError
    for a native module.
    """
    data = read_host_file(path, hint=_HINT)
    info = identify(data)
    if info.kind is ModuleKind.NATIVE:
        raise UsageError("a native module has no pattern program", path=str(path), hint="give bitcode")
    if isinstance(info.header, BitcodeHeader) and info.header.pattern_size:
        program = program_of(data, info.header, str(path))
        with located(str(path)):
            machine = Machine(program)
        if entry is None or entry in [function.name for function in machine.program.functions]:
            return program
    prepared = prepare(path, ModuleRequest(entry=entry))
    header = prepared.info.header
    if not isinstance(header, BitcodeHeader):
        raise NotFoundError("has no pattern program", path=str(path), hint=_HINT)
    return program_of(prepared.data, header, str(path))


def execute(path: Path, arguments: Sequence[float], *, entry: str | None = None, fuel: int = DEFAULT_FUEL) -> Execution:
    """Call a function, the module's entry when none is named, for at most `fuel` operations.

    Raises as `load_program`, UsageError for arguments that do not fit its parameters.
    """
    program = load_program(path, entry)
    with located(str(path)):
        machine = Machine(program)
        number = machine.program.entry if entry is None else machine.function(entry)
        outcome = machine.call(arguments, function=number, fuel=fuel)
    names = tuple(function.name for function in machine.program.functions)
    return Execution(names[number], outcome, names)


def read_number(text: str) -> int | float:
    """A number as people write it: 5, -1, 0x10, 2.5, 1e9, inf. Raises UsageError."""
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{text!r} is no number", hint="write 5, -1, 0x10 or 2.5") from None


def listing(path: Path, names: Sequence[str] = ()) -> Iterator[str]:
    """The lines of a module's program as text, or those of some of its functions alone.

    Raises as `load_program`, NotFoundError for a function that is not there.
    """
    with located(str(path)):
        program = decode_program(load_program(path))
    if not names:
        yield from disassemble(program).splitlines()
        return
    known = {function.name: function for function in program.functions}
    for name in names:
        if name not in known:
            raise NotFoundError(f"no function {name!r}", path=str(path), hint=f"there are: {', '.join(known)}")
        yield from disassemble_function(program, known[name], function_names(program))
