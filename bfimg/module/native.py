"""Make a native module of a C or C++ file, with the compiler and runtime that build the kernel's own."""

from __future__ import annotations

from pathlib import Path

from bfimg.build.cache import open_cache
from bfimg.build.layout import kernel_sources
from bfimg.build.native import NativeBuilder
from bfimg.build.objects import ObjectBuilder
from bfimg.build.programs import load_programs
from bfimg.errors import located
from bfimg.module.elf import read_elf
from bfimg.module.entry import choose_entry
from bfimg.module.wrap import LinkedModule
from bfimg.toolchain.compiler import select


def link_source(path: Path, name: str, entry: str | None, *, instrument: bool) -> tuple[LinkedModule, str]:
    """Compile the file and link it with what it uses of the bundled kernel's runtime; and its entry function.

    name, entry: as for `choose_entry`. instrument: its functions report their calls. Raises ToolError without a
    compiler, CompileError, with its first message, for a bad source, NotFoundError when no entry can be chosen,
    FitError, with numbers, for a module larger than the module arena.
    """
    toolchain, sources = select(), kernel_sources()
    with open_cache() as cache, located(str(path)):
        objects = ObjectBuilder(sources, toolchain, cache, load_programs(sources))
        program = objects.foreign_object(path, instrument=instrument)
        symbols = read_elf(program.data).symbols
        defined = [symbol.name for symbol in symbols if symbol.is_function and symbol.is_external]
        chosen = choose_entry(path, defined, name, entry)
        linked = NativeBuilder(objects).link(path, program, chosen, instrument=instrument)
    return linked, chosen
