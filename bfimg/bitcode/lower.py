"""LLVM bitcode to a pattern program: the stages of `stages.py`, top to bottom; each can be looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bfimg.bitcode import (  # noqa: F401 they register what they lower
    select_control,
    select_floats,
    select_integers,
    select_memory,
    select_wide,
)
from bfimg.bitcode.arena import initial_data, place_globals
from bfimg.bitcode.assembly import read_module
from bfimg.bitcode.builder import Builder
from bfimg.bitcode.calls import dispatch_tables, stack_needs, stub_functions
from bfimg.bitcode.constants import Constants
from bfimg.bitcode.dead import remove_dead
from bfimg.bitcode.duplicates import remove_duplicates
from bfimg.bitcode.emit import Numbers, emit_function
from bfimg.bitcode.inductions import shorten_lives
from bfimg.bitcode.ir import Function
from bfimg.bitcode.isolate import optimise_isolated
from bfimg.bitcode.layout import arrange_blocks
from bfimg.bitcode.machine import MachineFunction
from bfimg.bitcode.optimise import optimise
from bfimg.bitcode.phis import remove_phis
from bfimg.bitcode.registers import assign_registers
from bfimg.bitcode.select import Linkage, Selector, signature_of
from bfimg.bitcode.select_control import signature_name
from bfimg.errors import LoweringError, NotFoundError
from bfimg.formats.memory_map import PAGE_SIZE
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_program import ARENA_START, FRAME_ALIGNMENT
from bfimg.formats.pattern_types import ValueType
from bfimg.pattern.disassemble import disassemble
from bfimg.pattern.encode import encode_program
from bfimg.pattern.program import Program, Signature, Table
from bfimg.pattern.verify import verify

HEAP_BYTES = 64 * 1024
Dump = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Lowered:
    """A program and its bytes."""

    program: Program
    data: bytes


def lower(
    bitcode: bytes, entry: str, *, keep: Sequence[str] = (), dump: Dump | None = None, trusted: bool = False
) -> Lowered:
    """The pattern program of raw bitcode whose function `entry` is called.

    keep: more functions that can be called from outside; all others may be inlined and dropped. dump: called after
    each of the STAGES with its name and a readable text. trusted: read the bitcode in this process, which damaged
    bitcode can end, instead of in one of its own. Raises FormatError for damaged bitcode, LoweringError for what has
    no lowering, ToolError without llvmlite, NotFoundError without the entry.
    """
    text = (optimise if trusted else optimise_isolated)(bitcode, (entry, *keep))
    return lower_assembly(text, entry, dump=dump)


def lower_assembly(text: str, entry: str, *, dump: Dump | None = None) -> Lowered:
    """As `lower`, from assembly that LLVM has printed, as it is."""
    _dump(dump, "read", lambda: text)
    module = read_module(text)
    _dump(dump, "ir", lambda: str(module))
    defined = [function for function in module.functions.values() if function.blocks]
    if entry not in {function.name for function in defined}:
        raise NotFoundError(f"no function {entry!r} is defined", hint="name the entry")
    addresses, data_end = place_globals(module)
    linkage = Linkage(module, Constants(module, addresses, {}), {})
    linkage.tables, linkage.constants.entries = dispatch_tables(module)
    machines = [_select(linkage, function) for function in defined]
    machines += stub_functions(linkage)
    _dump(dump, "select", lambda: "\n".join(map(str, machines)))
    for stage, transform in _TRANSFORMS.items():
        for machine in machines:
            transform(machine)
        _dump(dump, stage, lambda: "\n".join(map(str, machines)))
    counts = [assign_registers(machine) for machine in machines]
    _dump(dump, "registers", lambda: "\n".join(map(str, machines)))
    program = _program(linkage, machines, counts, entry, data_end)
    data = encode_program(program)
    verify(data)
    _dump(dump, "program", lambda: disassemble(program))
    return Lowered(program, data)


def _dump(dump: Dump | None, stage: str, text: Callable[[], str]) -> None:
    if dump is not None:
        dump(stage, text())


def _remove_phis(machine: MachineFunction) -> None:
    remove_phis(machine)
    arrange_blocks(machine)


_TRANSFORMS: dict[str, Callable[[MachineFunction], None]] = {
    "duplicates": remove_duplicates,
    "dead": remove_dead,
    "inductions": shorten_lives,
    "phis": _remove_phis,
}


def _select(linkage: Linkage, function: Function) -> MachineFunction:
    try:
        result, parameters = signature_of(function.type.result, function.type.parameters)
    except LoweringError as error:
        raise LoweringError(f"function {function.name}: {error.message}", hint=error.hint) from None
    if function.type.variadic:
        raise LoweringError(f"function {function.name}: variadic functions are not supported", hint="change the source")
    machine = MachineFunction(function.name, result, parameters)
    return Selector(linkage, function, Builder(machine)).run()


def _program(
    linkage: Linkage, machines: list[MachineFunction], counts: list[dict[ValueType, int]], entry: str, data_end: int
) -> Program:
    numbers = Numbers(
        {machine.name: number for number, machine in enumerate(machines)},
        {signature_name(signature): number for number, signature in enumerate(linkage.tables)},
    )
    functions = tuple(
        emit_function(machine, registers, numbers) for machine, registers in zip(machines, counts, strict=True)
    )
    tables = tuple(
        Table(Signature(*signature), tuple(numbers.functions[name] for name in names))
        for signature, names in linkage.tables.items()
    )
    helpers = numbers.helpers
    depth, stack = stack_needs(machines, linkage, functions)
    heap = HEAP_BYTES if Helper.ALLOCATE in helpers else 0
    aligned = -(-data_end // FRAME_ALIGNMENT) * FRAME_ALIGNMENT
    return Program(
        functions=functions,
        entry=numbers.functions[entry],
        tables=tables,
        imports=helpers,
        data=initial_data(linkage.module, linkage.constants),
        data_end=data_end,
        arena_size=_whole_pages(aligned + heap + stack),
        stack_bytes=stack,
        call_depth=depth,
    )


def _whole_pages(size: int) -> int:
    """An arena of at least `size` bytes whose valid part is whole pages: the kernel then has a page behind it fault."""
    return ARENA_START + max(-(-(size - ARENA_START) // PAGE_SIZE), 1) * PAGE_SIZE
