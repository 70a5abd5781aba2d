"""Native modules: compile a program, link it with what it uses of the kernel's runtime, list its functions."""

from __future__ import annotations

from pathlib import Path

from bfimg.build.cache import Artifact
from bfimg.build.objects import ObjectBuilder
from bfimg.errors import CompileError, FitError, FormatError
from bfimg.formats.memory_map import memory_region
from bfimg.module.elf import ElfFile, ElfSymbol, read_elf
from bfimg.module.wrap import FunctionName, LinkedModule
from bfimg.toolchain.compiler import IN_SPITE_OF_ERRORS, LEAVE_OUT_UNUSED, MODULE_CPU_FEATURES, is_cxx

START = Path("module_start.S")
RUNTIME = Path("runtime")
_SCRIPT = "module.ld.S"
_IMAGE = ".image"

# What the table names when a module needs it; at the start of the code, offset 0, where the table says: nothing.
_NO_FUNCTION = "module_start"
_RUNTIME_FUNCTIONS = {"bf_init": "bf_module_init", "bf_fini": "bf_module_fini"}
_REGISTERS_DESTRUCTORS = frozenset({"atexit", "__cxa_atexit"})


class NativeBuilder:
    """Builds native modules from one kernel folder. Raises CompileError when a source is wrong."""

    def __init__(self, objects: ObjectBuilder) -> None:
        self._objects = objects

    def build(self, source: Path, entry: str, *, instrument: bool) -> LinkedModule:
        """The module of one of the kernel's own programs."""
        program = self._objects.module_object(source, instrument=instrument)
        return self.link(source, program, entry, instrument=instrument)

    def link(self, source: Path, program: Artifact, entry: str, *, instrument: bool) -> LinkedModule:
        """Link the object file that `source` was compiled to; its function `entry` is what the kernel calls.

        Raises FitError, with numbers, for a module larger than the module arena.
        """
        runtime = self._runtime(is_cxx(source.name))
        objects = [self._objects.module_object(self._objects.sources / START), program, *runtime]
        elf = self._link(source, objects, entry, ())
        used = tuple(name for name in _RUNTIME_FUNCTIONS if _needs(elf, name))
        if used:
            elf = self._link(source, objects, entry, used)
        image = elf.section(_IMAGE)
        for section in elf.sections:
            if section.is_allocated and section.size and section is not image:
                raise FormatError(
                    f"section {section.name} of {section.size} bytes is not part of the image",
                    hint="use only the sections that compilers choose",
                )
        functions = _functions(read_elf(program.data), elf, image.address) if instrument else ()
        return LinkedModule(image.contents, functions, MODULE_CPU_FEATURES)

    def _runtime(self, cxx: bool) -> list[Artifact]:
        sources = self._objects.sources
        patterns = ("*.c", "*.S", "*.cpp") if cxx else ("*.c", "*.S")
        found = [source for pattern in patterns for source in sorted((sources / RUNTIME).rglob(pattern))]
        found += [*sorted((sources / "lib").glob("*.c")), *(sources / "memory").glob("heap.c")]
        return [self._objects.module_object(source) for source in found]

    def _link(self, source: Path, objects: list[Artifact], entry: str, used: tuple[str, ...]) -> ElfFile:
        """Link with those functions of the runtime named in the table that are `used`."""
        symbols = {"bf_entry": entry}
        symbols |= {name: _RUNTIME_FUNCTIONS[name] if name in used else _NO_FUNCTION for name in _RUNTIME_FUNCTIONS}
        try:
            return read_elf(self._objects.link(_SCRIPT, objects, symbols, LEAVE_OUT_UNUSED, str(source)))
        except CompileError as error:
            if "does not fit" not in error.message:
                raise
            # Link once more without the linker's own check, only to say by how much.
            options = (*LEAVE_OUT_UNUSED, *IN_SPITE_OF_ERRORS)
            _refuse_large_module(read_elf(self._objects.link(_SCRIPT, objects, symbols, options)))
            raise


def _needs(elf: ElfFile, name: str) -> bool:
    """Whether a module registers something that has to run before its first (bf_init) or after its last call."""
    array = "init_array" if name == "bf_init" else "fini_array"
    if elf.address_of(f"__{array}_start") != elf.address_of(f"__{array}_end"):
        return True
    return name == "bf_fini" and any(symbol.name in _REGISTERS_DESTRUCTORS for symbol in elf.symbols)


def _functions(program: ElfFile, linked: ElfFile, start: int) -> tuple[FunctionName, ...]:
    """The functions of the module's own source, which are those with probes, where the linker put them.

    A function of the runtime that has name and size of one of them is listed as well, and has no calls.
    """
    own = {(symbol.name, symbol.size) for symbol in program.symbols if symbol.is_function}
    found: dict[int, ElfSymbol] = {}
    for symbol in linked.symbols:
        if symbol.is_function and (symbol.name, symbol.size) in own:
            found.setdefault(symbol.value - start, symbol)  # one of several names for one function
    return tuple(FunctionName(offset, found[offset].size, found[offset].name) for offset in sorted(found))


def _refuse_large_module(elf: ElfFile) -> None:
    arena = memory_region("module_arena")
    size = elf.address_of("module_end") - arena.start
    if size > arena.size:
        raise FitError(
            f"code and data of {size} bytes, {arena.size} fit: {size - arena.size} too many",
            hint="make the module smaller",
        )
