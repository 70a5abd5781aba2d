"""``bfimg module``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bfimg.bitcode.stages import STAGES
from bfimg.cli.options import F, format_option, option
from bfimg.cli.terminal import echo, print_json
from bfimg.errors import TrapError
from bfimg.formats.bitcode_module import MAX_OPTIMISATION_LEVEL

if TYPE_CHECKING:
    from bfimg.module.describe import ModuleDescription
    from bfimg.module.prepare import ModuleRequest, PreparedModule

_FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group("module", epilog="Example: bfimg module run --entry sha256_main sha256.bc 2000")
def command() -> None:
    """Show, wrap, lower, verify and run module files.

    A module file holds LLVM bitcode, the source of truth, and the pattern program made of it, which the kernel
    verifies and compiles.
    """


def _output_option(*, required: bool) -> Callable[[F], F]:
    return click.option("-o", "--output", type=click.Path(path_type=Path), required=required, help="File to write.")


@command.command("info", epilog="Example: bfimg module info sha256.bc")
@_FILE
@format_option
def info(file: Path, output_format: str) -> None:
    """Show headers, bitcode, program and checksums of a module file."""
    from bfimg.module.describe import describe

    description = describe(file)
    if output_format == "json":
        _print_json(description)
    else:
        _print_info(description)


def _print_info(description: ModuleDescription) -> None:
    info, summary = description.info, description.summary
    echo(f"{description.path}: {info.kind} module {info.name}".rstrip())
    if info.entry:
        echo(f"entry      {info.entry}, version {info.version}, level O{info.level}")
    if summary is not None:
        echo(f"bitcode    {info.payload_size} bytes at {info.payload_offset}, {summary.producer}")
        echo(f"triple     {summary.triple}")
        echo(f"source     {summary.source_filename}")
        for function in summary.functions:
            echo(f"function   {function.name}, {'declared' if function.is_declaration else function.linkage}")
        for variable in summary.globals:
            echo(f"global     {variable.name}, {'declared' if variable.is_declaration else variable.linkage}")
    if description.descriptor is not None:
        echo(f"pattern    {description.descriptor.program_size} bytes, CRC {description.descriptor.program_crc:#010x}")
    program = description.program
    if program is not None:
        echo(
            f"program    {program.function_count} functions, {program.code_size} bytes of code, {program.data_size} of "
            f"data, arena {program.arena_size}, stack {program.stack_bytes}"
        )
    for problem in description.problems:
        echo(f"problem    {problem}")


def _print_json(description: ModuleDescription) -> None:
    info, summary, program = description.info, description.summary, description.program
    document = {
        "schema_version": 1,
        "file": str(description.path),
        "kind": str(info.kind),
        "name": info.name,
        "entry": info.entry,
        "module_version": info.version,
        "level": info.level,
        "bitcode": None
        if summary is None
        else {
            "offset": info.payload_offset,
            "size": info.payload_size,
            "producer": summary.producer,
            "triple": summary.triple,
            "source": summary.source_filename,
            "functions": [
                {"name": f.name, "defined": not f.is_declaration, "linkage": f.linkage} for f in summary.functions
            ],
            "globals": [
                {"name": g.name, "defined": not g.is_declaration, "linkage": g.linkage} for g in summary.globals
            ],
        },
        "program": None
        if program is None
        else {
            "size": program.size,
            "functions": program.function_count,
            "code_size": program.code_size,
            "data_size": program.data_size,
            "arena_size": program.arena_size,
            "stack_bytes": program.stack_bytes,
            "call_depth": program.call_depth,
        },
        "problems": list(description.problems),
    }
    print_json(document)


@command.command("wrap", epilog="Example: bfimg module wrap sha256.ll -o SHA256.BC")
@_FILE
@_output_option(required=True)
@option("--name", help="Module name; from the bitcode when absent.")
@option("--entry", help="Function to call; found in the bitcode when absent.")
@option("--level", type=click.IntRange(0, MAX_OPTIMISATION_LEVEL), help="Optimisation level the kernel starts at.")
@option("--module-version", type=click.IntRange(0, 65535), help="Version of the module itself.")
def wrap(
    file: Path, output: Path, name: str | None, entry: str | None, level: int | None, module_version: int | None
) -> None:
    """Put a version-2 header before bitcode; version-1 files are upgraded. No program is made."""
    from bfimg.module.prepare import ModuleRequest

    _write(file, output, ModuleRequest(name, entry, level, module_version, lower=False))


def _write(file: Path, output: Path | None, request: ModuleRequest, dump_after: tuple[str, ...] = ()) -> None:
    from bfimg.host_file import write_host_file
    from bfimg.module.prepare import prepare

    def dump(stage: str, text: str) -> None:
        if stage in dump_after:
            echo(f"; after {stage}")
            for line in text.splitlines():
                echo(line)

    prepared = prepare(file, request, dump if dump_after else None)
    if output is not None:
        write_host_file(output, prepared.data)
        _print_written(prepared, output)
    elif not dump_after:
        _print_written(prepared, None)


def _print_written(prepared: PreparedModule, output: Path | None) -> None:
    program = f", program {prepared.program_size} bytes" if prepared.program_size else ""
    info = prepared.info
    place = f"{output}: " if output is not None else ""
    entry = f", entry {info.entry}" if info.entry else ""
    echo(f"{place}{info.kind} module {info.name}{entry}, {len(prepared.data)} bytes{program}")


@command.command("unwrap", epilog="Example: bfimg module unwrap SHA256.BC -o sha256.bc")
@_FILE
@_output_option(required=True)
@option("--program", is_flag=True, help="The pattern program instead of the bitcode.")
def unwrap(file: Path, output: Path, program: bool) -> None:
    """Write what is inside a module file: its bitcode or code without header."""
    from bfimg.host_file import read_host_file, write_host_file
    from bfimg.module.execute import stored_program
    from bfimg.module.identify import identify, payload

    data = read_host_file(file, hint="name an existing module file")
    inside = stored_program(file) if program else payload(data, identify(data), str(file))
    write_host_file(output, inside)
    echo(f"{output}: {len(inside)} bytes")


@command.command("lower", epilog="Example: bfimg module lower sha256.bc -o SHA256.BC --dump-after select")
@_FILE
@_output_option(required=False)
@option("--entry", help="Function to call; found in the bitcode when absent.")
@option("--keep", multiple=True, help="Another function that can be called; may be repeated.")
@option("--dump-after", multiple=True, type=click.Choice(list(STAGES)), help="Print what this stage made.")
def lower(
    file: Path, output: Path | None, entry: str | None, keep: tuple[str, ...], dump_after: tuple[str, ...]
) -> None:
    """Make the pattern program of bitcode, C or C++, and write the module with it.

    What cannot be lowered is refused with its function and the reason.
    """
    from bfimg.module.prepare import ModuleRequest

    _write(file, output, ModuleRequest(entry=entry, keep=keep), dump_after)


@command.command("disasm", epilog="Example: bfimg module disasm sha256.bc --function sha256_main")
@_FILE
@option("--function", "names", multiple=True, help="Only this function; may be repeated.")
def disasm(file: Path, names: tuple[str, ...]) -> None:
    """Print the program of a module as text."""
    from bfimg.module.execute import listing

    for line in listing(file, names):
        echo(line)


@command.command("verify", epilog="Example: bfimg module verify sha256.bc")
@_FILE
def verify(file: Path) -> None:
    """Check the program of a module as the kernel does before it compiles it. Exit code 2 when it is refused."""
    from bfimg.module.execute import stored_program
    from bfimg.module.program import verify_program

    program = stored_program(file)
    verify_program(program, str(file))
    echo(f"{file}: program of {len(program)} bytes is valid")


@command.command(
    "run",
    epilog="Example: bfimg module run sha256.bc 2000",
    context_settings={"ignore_unknown_options": True},
)
@_FILE
@click.argument("arguments", nargs=-1)
@option("--entry", help="Function to call; the module's entry when absent.")
@option("--fuel", type=click.IntRange(1), default=100_000_000, help="Operations after which the program is stopped.")
def run(file: Path, arguments: tuple[str, ...], entry: str | None, fuel: int) -> None:
    """Run a function in the reference interpreter. ARGUMENTS are numbers: 5, 0x10, -1, 2.5."""
    from bfimg.module.execute import execute, read_number

    execution = execute(file, [read_number(text) for text in arguments], entry=entry, fuel=fuel)
    outcome = execution.outcome
    if outcome.stop is not None:
        raise TrapError(str(outcome.stop), path=str(file))
    value = outcome.value
    shown = "nothing" if value is None else f"{value} ({value:#x})" if isinstance(value, int) else repr(value)
    echo(f"{execution.function}: {shown}, {outcome.total} operations")
