"""Compile and link boot code, kernel and modules. Every step goes through the build cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from bfimg.build.cache import Artifact, BuildCache
from bfimg.build.programs import Program, load_programs
from bfimg.codegen.asm_header import asm_header
from bfimg.codegen.c_header import c_crc_source, c_header
from bfimg.codegen.constants import defines
from bfimg.errors import CompileError, FitError, InputError
from bfimg.formats.kernel_header import KernelHeader
from bfimg.formats.memory_map import memory_region
from bfimg.host_file import read_host_file
from bfimg.toolchain.compiler import Toolchain, bitcode_command, clang_version, compile_bitcode
from bfimg.toolchain.run import run

T = TypeVar("T")

# Folders of the kernel that are no part of the kernel binary.
_BOOT, _MODULES, _RUNTIME = "boot", "modules", "runtime"
_MODULE_START = "module_start.S"

_SOURCE_HINT = "mend the source, or CC"


@dataclass(frozen=True)
class BootBinaries:
    """Flat binaries as linked; descriptor, build id and CRCs are not filled in yet."""

    stage1: bytes
    stage2: bytes
    kernel: bytes


class KernelBuild:
    """Builds from one kernel folder with one toolchain.

    on_part is called, in the caller's thread, for each of the parts that `part_count` counts once it is done.
    Raises InputError when the folder is no kernel, and CompileError when a source is wrong.
    """

    def __init__(
        self, sources: Path, toolchain: Toolchain, cache: BuildCache, on_part: Callable[[], None] = lambda: None
    ) -> None:
        self.sources = Path(os.path.realpath(sources))
        self.toolchain = toolchain
        self.cache = cache
        self._on_part = on_part
        self.programs = load_programs(self.sources)
        generated = _generated_texts(self.programs)
        self._generated = cache.folder_of(generated)
        self._kernel_sources = [*self._find_kernel_sources(), self._generated / "bf_crc.c"]
        headers = sorted([*self.sources.rglob("*.h"), *self.sources.rglob("*.inc")])
        # Any header may reach any file: a changed header recompiles all, which takes about a second.
        self._common: tuple[str | bytes, ...] = (
            toolchain.version,
            *generated.values(),
            *(_read(header) for header in headers),
        )

    def part_count(self, native: Sequence[Program], bitcode: Sequence[Program]) -> int:
        """How many parts the boot binaries and the modules of these programs have."""
        return len(self._kernel_sources) + len(native) + len(bitcode)

    def boot_binaries(self) -> BootBinaries:
        """Stage 1, stage 2 and the kernel. Raises FitError, with numbers, for a kernel that memory has no room for."""
        objects = self._in_parallel([partial(self._object, source) for source in self._kernel_sources])
        kernel = self._link_kernel(objects, 0)
        return BootBinaries(self._boot_stage("stage1"), self._boot_stage("stage2"), kernel)

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
        return replace(
            boot, kernel=self._link_kernel([self._object(source) for source in self._kernel_sources], pad_to)
        )

    def _boot_stage(self, name: str) -> bytes:
        start = memory_region("mbr" if name == "stage1" else name).start
        source = self._object(self.sources / _BOOT / f"{name}.S")
        return self._link("boot/flat.ld", [source], {"bf_origin": hex(start)})

    def _link_kernel(self, objects: list[Artifact], pad_to: int) -> bytes:
        symbols = {"bf_pad_to": hex(pad_to)}
        try:
            return self._link("kernel.ld.S", objects, symbols)
        except CompileError as error:
            if "does not fit" not in error.message:
                raise
            # Link once more without the linker's own check, only to say by how much.
            header = KernelHeader.parse(self._link("kernel.ld.S", objects, symbols, "--noinhibit-exec"))
            _refuse_large_kernel(header.image_bytes, header.bss_end - header.load_address - header.image_bytes)
            raise

    def _find_kernel_sources(self) -> list[Path]:
        sources = [
            source
            for pattern in ("*.c", "*.S")
            for source in sorted(self.sources.rglob(pattern))
            if source.relative_to(self.sources).parts[0] not in (_BOOT, _MODULES, _RUNTIME)
            and source.name != _MODULE_START
            and not source.name.endswith(".ld.S")
        ]
        if not sources:
            raise InputError("has no kernel sources", path=str(self.sources), hint="name a kernel folder")
        return sources

    def native_modules(self, programs: Sequence[Program]) -> list[bytes]:
        """Flat code of each program, linked for the module arena. Its entry is at offset 0."""
        return self._in_parallel([partial(self._native_module, program) for program in programs])

    def _native_module(self, program: Program) -> bytes:
        sources = [self.sources / _MODULE_START, program.source, *sorted((self.sources / "lib").glob("*.c"))]
        objects = [self._object(source, module=True) for source in sources]
        return self._link("module.ld.S", objects, {"bf_entry": program.entry}, "--gc-sections")

    def bitcode_modules(self, programs: Sequence[Program]) -> list[bytes]:
        """Raw LLVM bitcode of each program. Needs clang, whatever the toolchain."""
        if not programs:
            return []
        version = clang_version()
        return self._in_parallel([partial(self._bitcode_module, program, version) for program in programs])

    def _bitcode_module(self, program: Program, version: str) -> bytes:
        recipe = bitcode_command(program.source.name, "")
        parts = ("bitcode", version, *recipe, *self._common, _read(program.source))
        include = (program.source.parent,)
        return self.cache.obtain(parts, ".bc", lambda path: compile_bitcode(program.source, path, include)).data

    def _object(self, source: Path, *, module: bool = False) -> Artifact:
        """The object file of a C or assembler source."""
        inside = source.is_relative_to(self.sources)
        name = str(source.relative_to(self.sources)) if inside else str(source)
        include = (str(self._generated), str(self.sources))
        command = self.toolchain.module_command if module else self.toolchain.kernel_command
        # Relative names and a fixed recipe: neither the key nor the object knows the folder.
        recipe = command(name if inside else source.name, "", ())

        def make(output: Path) -> None:
            arguments = command(name, str(output), include)
            run(arguments, cwd=self.sources, output=output, subject=str(source), hint=_SOURCE_HINT)

        return self.cache.obtain(("object", *recipe[1:], *self._common, _read(source)), ".o", make)

    def _link(self, script: str, objects: list[Artifact], symbols: dict[str, str], *extra: str) -> bytes:
        """Link `objects` with a linker script of the kernel folder; the flat binary."""
        source = self.sources / script
        include = (str(self._generated), str(self.sources))

        def preprocess(output: Path) -> None:
            arguments = self.toolchain.preprocess_command(str(source), str(output), include)
            run(arguments, output=output, subject=str(source), hint=_SOURCE_HINT)

        processed = self.cache.obtain(("script", *self._common, _read(source)), ".ld", preprocess)

        def link(output: Path) -> None:
            names = tuple(str(self.cache.file(item)) for item in objects)
            arguments = self.toolchain.link_command(str(self.cache.file(processed)), str(output), names, symbols)
            run([*arguments, *extra], output=output, subject=script, hint="see LD and the objects named")

        recipe = self.toolchain.link_command("", "", (), symbols)
        keys = ("link", *recipe[1:], *extra, processed.name, *(item.name for item in objects))
        return self.cache.obtain(keys, ".bin", link).data

    def _in_parallel(self, parts: Sequence[Callable[[], T]]) -> list[T]:
        results = []
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            for future in [pool.submit(part) for part in parts]:
                results.append(future.result())
                self._on_part()
        return results


def _generated_texts(programs: tuple[Program, ...]) -> dict[str, str]:
    rows = "\n".join(f'    X("{p.name}", {p.size}u, {p.answer:#x}u) \\' for p in programs)
    return {
        "bf_constants.h": "#pragma once\n" + "".join(f"{define.line()}\n" for define in defines()),
        "bf_formats.h": c_header(),
        "bf_formats.inc": asm_header(),
        "bf_crc.c": c_crc_source(),
        "bf_modules.h": f"#pragma once\n/* X(name, size, answer) */\n#define BF_MODULES(X) \\\n{rows}\n\n",
    }


def _refuse_large_kernel(image: int, bss: int) -> None:
    room = memory_region("kernel").size
    if image + bss > room:
        raise FitError(
            f"kernel of {image} bytes and {bss} bytes of bss need {image + bss} bytes, {room} fit: "
            f"{image + bss - room} too many",
            hint="make the kernel smaller",
        )


def _read(path: Path) -> bytes:
    return read_host_file(path, hint="mend the kernel folder")
