"""``bfimg add-module``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bfimg.cli.images import IMAGE_RULE, change_options, changing, split_image
from bfimg.cli.options import dry_run_option, format_option, option
from bfimg.cli.terminal import echo, print_json
from bfimg.formats.bitcode_module import MAX_OPTIMISATION_LEVEL

if TYPE_CHECKING:
    from bfimg.module.add import AddedModule
    from bfimg.module.identify import ModuleInfo


_U32_MAX = 0xFFFFFFFF


def _word(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """An integer of 32 bits, decimal or as 0x..."""
    if text is None:
        return None
    try:
        number = int(text, 0)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no integer", context, parameter) from None
    if not 0 <= number <= _U32_MAX:
        raise click.BadParameter(f"{number} is outside 0..{_U32_MAX}", context, parameter)
    return number


@click.command("add-module", epilog=IMAGE_RULE)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@change_options
@option("--name", help="Module name; from the bitcode or the file's name when absent.")
@option("--entry", help="Function to call; found in the bitcode or the source when absent.")
@option("--level", type=click.IntRange(0, MAX_OPTIMISATION_LEVEL), help="Optimisation level the kernel starts at.")
@option("--module-version", type=click.IntRange(0, 65535), help="Version of the module itself.")
@option("--native", is_flag=True, help="Make native modules of C and C++ sources, not bitcode.")
# No environment variable: these are of one module, and BFIMG_SIZE is the size of a volume.
@click.option("--size", callback=_word, metavar="N", help="Native: what the kernel calls the entry with.")
@click.option("--answer", callback=_word, metavar="N", help="Native: what the entry has to return for it.")
@option("--instrument", is_flag=True, help="Native: its functions report their calls to the profiler.")
@option("--no-lower", is_flag=True, help="Leave out the pattern program: bitcode alone.")
@dry_run_option
@format_option
def command(
    files: tuple[Path, ...],
    image: str | None,
    output: Path | None,
    name: str | None,
    entry: str | None,
    level: int | None,
    module_version: int | None,
    native: bool,
    size: int | None,
    answer: int | None,
    instrument: bool,
    no_lower: bool,
    dry_run: bool,
    output_format: str,
) -> None:
    """Wrap a module and put it on the image's FAT volume.

    FILES are LLVM bitcode for 32-bit x86 (.bc, .ll), modules wrapped before, native .mod files, or C and C++
    sources, which clang compiles to bitcode. All are added or none. A module of the same file name is replaced.

    With --native a source becomes machine code instead, by the compiler and with the runtime that build the kernel's
    own modules (CC and LD choose the programs). The kernel calls its entry as uint32_t entry(uint32_t size) and
    compares what it returns with the answer, where one is given.

    Bitcode is lowered to the pattern program that the kernel compiles; that needs llvmlite.

    Example: bfimg add-module -i disk.img sha256.bc

    Example: bfimg add-module -i disk.img --native --size 20 --answer 6765 mine.c
    """
    from bfimg.errors import UsageError
    from bfimg.module.add import add_modules
    from bfimg.module.prepare import ModuleRequest, NativeRequest

    if len(files) > 1 and any(value is not None for value in (name, entry, size, answer)):
        raise UsageError("--name, --entry, --size and --answer are for one module", hint="add the modules one by one")
    if not native and (size is not None or answer is not None or instrument):
        raise UsageError("--size, --answer and --instrument are for native modules", hint="give --native too")
    if answer is not None and size is None:
        raise UsageError("an answer is one to a call", hint="give --size too")
    made = NativeRequest(size, answer, instrument) if native else None
    request = ModuleRequest(name, entry, level, module_version, made, lower=not no_lower)
    spec, _ = split_image((), image)
    if output_format == "json":
        with changing(spec, output, dry_run, show=False) as opened:
            added = add_modules(opened, files, request)
        _print_json(spec if output is None else str(output), added, written=not dry_run)
    else:
        with changing(spec, output, dry_run) as opened:
            added = add_modules(opened, files, request)
        for module in added:
            _print_added(module)


def _print_added(added: AddedModule) -> None:
    module = added.module
    verb = "replaced" if added.replaced else "added"
    entry = f", entry {module.info.entry}" if module.info.entry else ""
    program = f" with a program of {module.program_size}" if module.program_size else ""
    short = "" if added.where.endswith(f"/{added.short_name}") else f" ({added.short_name})"
    echo(
        f"{verb} {added.where}{short}: {module.info.kind} module {module.info.name}{entry}{_call(module.info)}, "
        f"{len(module.data)} bytes{program}, from {module.origin} {module.source}"
    )


def _call(info: ModuleInfo) -> str:
    """What the table of a native module says of its calls."""
    from bfimg.formats.native_module import NativeModuleFlag

    table = info.table
    if table is None:
        return ""
    parts = []
    if table.flags & NativeModuleFlag.SIZE_KNOWN:
        parts.append(f"called with {table.size}")
    if table.flags & NativeModuleFlag.ANSWER_KNOWN:
        parts.append(f"answer {table.answer:#010x}")
    if table.flags & NativeModuleFlag.INSTRUMENTED:
        parts.append(f"{table.function_count} functions instrumented")
    return "".join(f", {part}" for part in parts)


def _print_json(image: str, modules: list[AddedModule], written: bool) -> None:
    rows = [
        {
            "where": added.where,
            "short_name": added.short_name,
            "replaced": added.replaced,
            "kind": str(added.module.info.kind),
            "name": added.module.info.name,
            "entry": added.module.info.entry,
            "functions": added.module.info.table.function_count if added.module.info.table else 0,
            "level": added.module.info.level,
            "module_version": added.module.info.version,
            "size": len(added.module.data),
            "program_size": added.module.program_size,
            "source": str(added.module.source),
            "origin": added.module.origin,
        }
        for added in modules
    ]
    print_json({"schema_version": 1, "image": image, "written": written, "added": rows})
