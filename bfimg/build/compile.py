"""Compile and link boot code, kernel and modules, in parallel."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from bfimg.build.cache import Artifact, BuildCache
from bfimg.build.embedded import EMBEDDED_NAME, EmbeddedModule, embedded_source
from bfimg.build.native import RUNTIME, START, NativeBuilder
from bfimg.build.objects import ObjectBuilder, read_source
from bfimg.build.programs import Program, load_programs
from bfimg.errors import CompileError, FitError, InputError
from bfimg.formats.kernel_header import KernelHeader
from bfimg.formats.memory_map import memory_region
from bfimg.module.wrap import sealed_module
from bfimg.toolchain.compiler import (
    FLAT_BINARY,
    IN_SPITE_OF_ERRORS,
    LEAVE_OUT_UNUSED,
    Toolchain,
    bitcode_command,
    clang_version,
    compile_bitcode,
)

T = TypeVar("T")

# Folders of the kernel that are no part of the kernel binary.
_BOOT, _MODULES = "boot", "modules"
# What pattern programs call: compiled as modules are, with the files of the runtime that it uses.
_HELPERS = Path("jit", "helpers.c")
_MATHEMATICS = tuple(
    RUNTIME / name for name in ("angle.c", "conversions.c", "exp.c", "log.c", "rounding.c", "sin_cos.c")
)


@dataclass(frozen=True)
class BootBinaries:
    """Flat binaries as linked; descriptor, build id and CRCs are not filled in yet. objects: those of the kernel."""

    stage1: bytes
    stage2: bytes
    kernel: bytes
    objects: tuple[Artifact, ...]


class KernelBuild:
    """Builds from one kernel folder with one toolchain.

    on_part is called, in the caller's thread, for each of the parts that `part_count` counts once it is done.
    Raises InputError when the folder is no kernel, and CompileError when a source is wrong.
    """

    def __init__(
        self, sources: Path, toolchain: Toolchain, cache: BuildCache, on_part: Callable[[], None] = lambda: None
    ) -> None:
        self.cache = cache
        self._on_part = on_part
        self.programs = load_programs(sources)
        self._objects = ObjectBuilder(sources, toolchain, cache, self.programs)
        self._native = NativeBuilder(self._objects)
        self.sources = self._objects.sources
        self._kernel_sources = [*self._find_kernel_sources(), self._objects.generated / "bf_crc.c"]
        self._helper_sources = self._find_helper_sources()

    def part_count(self, modules: int) -> int:
        """How many parts the boot binaries and so many modules have."""
        return len(self._kernel_sources) + len(self._helper_sources) + 1 + modules

    def boot_binaries(self, embedded: Sequence[EmbeddedModule]) -> BootBinaries:
        """Stage 1, stage 2, and the kernel with these modules in it.

        Raises FitError, with numbers, for a kernel that memory has no room for.
        """
        table = self.cache.folder_of({EMBEDDED_NAME: embedded_source(embedded)}) / EMBEDDED_NAME
        sources = [*self._kernel_sources, table]
        compilations = [partial(self._objects.kernel_object, source) for source in sources]
        compilations += [partial(self._objects.module_object, source) for source in self._helper_sources]
        objects = tuple(self._in_parallel(compilations))
        return BootBinaries(
            self._boot_stage("stage1"), self._boot_stage("stage2"), self._link_kernel(objects, 0), objects
        )

    def padded(self, boot: BootBinaries, pad_to: int) -> BootBinaries:
        """`boot` with the kernel image made `pad_to` bytes long. Raises FitError, with numbers, when it cannot be."""
        header = KernelHeader.parse(boot.kernel)
        if pad_to < header.image_bytes:
            raise FitError(
                f"kernel of {header.image_bytes} bytes cannot be padded to {pad_to}",
                hint="raise pad_to or leave it out",
            )
        if pad_to > memory_region("kernel").size:
            _refuse_large_kernel(pad_to, header.bss_end - header.load_address - header.image_bytes)
        return replace(boot, kernel=self._link_kernel(boot.objects, pad_to))

    def _boot_stage(self, name: str) -> bytes:
        start = memory_region("mbr" if name == "stage1" else name).start
        source = self._objects.kernel_object(self.sources / _BOOT / f"{name}.S")
        return self._objects.link("boot/flat.ld", [source], {"bf_origin": hex(start)}, FLAT_BINARY)

    def _link_kernel(self, objects: tuple[Artifact, ...], pad_to: int) -> bytes:
        symbols = {"bf_pad_to": hex(pad_to)}
        options: tuple[str, ...] = (*FLAT_BINARY, *LEAVE_OUT_UNUSED)
        try:
            return self._objects.link("kernel.ld.S", objects, symbols, options)
        except CompileError as error:
            if "does not fit" not in error.message:
                raise
            # Link once more without the linker's own check, only to say by how much.
            options = (*options, *IN_SPITE_OF_ERRORS)
            header = KernelHeader.parse(self._objects.link("kernel.ld.S", objects, symbols, options))
            _refuse_large_kernel(header.image_bytes, header.bss_end - header.load_address - header.image_bytes)
            raise

    def _find_kernel_sources(self) -> list[Path]:
        sources = [
            source
            for pattern in ("*.c", "*.S")
            for source in sorted(self.sources.rglob(pattern))
            if source.relative_to(self.sources).parts[0] not in (_BOOT, _MODULES, str(RUNTIME))
            and source.name != str(START)
            and source.relative_to(self.sources) != _HELPERS
            and not source.name.endswith(".ld.S")
        ]
        if not sources:
            raise InputError("has no kernel sources", path=str(self.sources), hint="name a kernel folder")
        return sources

    def _find_helper_sources(self) -> list[Path]:
        """None in a kernel without compiler."""
        wanted = [self.sources / source for source in (_HELPERS, *_MATHEMATICS)]
        return wanted if wanted[0].exists() else []

    def native_modules(self, programs: Sequence[Program], instrumented: Collection[Program] = ()) -> list[bytes]:
        """The ``.mod`` file of each program; those `instrumented` report their calls to the profiler."""
        return self._in_parallel([partial(self._native_module, p, p in instrumented) for p in programs])

    def _native_module(self, program: Program, instrument: bool) -> bytes:
        linked = self._native.build(program.source, program.entry, instrument=instrument)
        return sealed_module(program.name, linked, size=program.size, answer=program.answer)

    def bitcode_modules(self, programs: Sequence[Program]) -> list[bytes]:
        """Raw LLVM bitcode of each program. Needs clang, whatever the toolchain."""
        if not programs:
            return []
        version = clang_version()
        return self._in_parallel([partial(self._bitcode_module, program, version) for program in programs])

    def _bitcode_module(self, program: Program, version: str) -> bytes:
        recipe = bitcode_command(program.source.name, "")
        parts = ("bitcode", version, *recipe, *self._objects.common, read_source(program.source))
        include = (program.source.parent,)
        return self.cache.obtain(parts, ".bc", lambda path: compile_bitcode(program.source, path, include)).data

    def _in_parallel(self, parts: Sequence[Callable[[], T]]) -> list[T]:
        results = []
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            for future in [pool.submit(part) for part in parts]:
                results.append(future.result())
                self._on_part()
        return results


def _refuse_large_kernel(image: int, bss: int) -> None:
    room = memory_region("kernel").size
    if image + bss > room:
        raise FitError(
            f"kernel of {image} bytes and {bss} bytes of bss need {image + bss} bytes, {room} fit: "
            f"{image + bss - room} too many",
            hint="make the kernel smaller",
        )
