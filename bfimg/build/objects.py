"""Objects and links from one kernel folder with one toolchain. Every step goes through the build cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bfimg.build.cache import Artifact, BuildCache
from bfimg.build.programs import Program
from bfimg.codegen.asm_header import asm_header
from bfimg.codegen.c_header import c_crc_source, c_header
from bfimg.codegen.constants import defines
from bfimg.codegen.fixed_patterns import fixed_patterns_header
from bfimg.host_file import read_host_file
from bfimg.toolchain.compiler import Toolchain
from bfimg.toolchain.run import run

Command = Callable[[str, str, tuple[str, ...]], tuple[str, ...]]

_RUNTIME_HEADERS = Path("runtime", "include")
_SOURCE_HINT = "mend the source, or CC"


class ObjectBuilder:
    """Compiles and links. Relative names and fixed recipes: no object and no key knows the folder.

    common: what every result depends on, part of each key.
    """

    def __init__(self, sources: Path, toolchain: Toolchain, cache: BuildCache, programs: tuple[Program, ...]) -> None:
        self.sources = Path(os.path.realpath(sources))
        self.toolchain = toolchain
        self.cache = cache
        texts = _generated_texts(programs)
        self.generated = cache.folder_of(texts)
        # Any header may reach any file: a changed header recompiles all, which takes about a second.
        headers = sorted(set(self._headers()))
        self.common: tuple[str | bytes, ...] = (
            toolchain.version,
            *texts.values(),
            *(read_source(header) for header in headers),
        )

    def _headers(self) -> Iterator[Path]:
        for pattern in ("*.h", "*.inc"):
            yield from self.sources.rglob(pattern)
        # Headers of C++ have no suffix.
        yield from (path for path in (self.sources / _RUNTIME_HEADERS).rglob("*") if path.is_file())

    def kernel_object(self, source: Path) -> Artifact:
        """The object file of a C or assembler source of the kernel, or of the boot code."""
        return self._object(source, self.toolchain.kernel_command, ())

    def module_object(self, source: Path, *, instrument: bool = False) -> Artifact:
        """The object file of a source that becomes part of native modules, with calls of the probes if `instrument`."""
        return self._object(source, self._module_command(instrument), (str(self.sources / _RUNTIME_HEADERS),))

    def foreign_object(self, source: Path, *, instrument: bool = False) -> Artifact:
        """As `module_object` for a source anywhere. It may include any file, so it is compiled each time."""
        output = self.cache.folder_of({}) / "module.o"
        include = (str(self.sources / _RUNTIME_HEADERS), str(self.generated), str(self.sources))
        # By its bare name: objects hold the name of their source, and no folder should end up in one.
        arguments = self._module_command(instrument)(source.name, str(output), include)
        run(arguments, cwd=source.parent.absolute(), output=output, subject=str(source))
        data = output.read_bytes()
        return Artifact(f"{hashlib.sha256(data).hexdigest()}.o", data)

    def _module_command(self, instrument: bool) -> Command:
        return self.toolchain.instrumented_command if instrument else self.toolchain.module_command

    def _object(self, source: Path, command: Command, include: tuple[str, ...]) -> Artifact:
        inside = source.is_relative_to(self.sources)
        name = str(source.relative_to(self.sources)) if inside else str(source)
        include = (*include, str(self.generated), str(self.sources))
        recipe = command(name if inside else source.name, "", ())

        def make(output: Path) -> None:
            arguments = command(name, str(output), include)
            run(arguments, cwd=self.sources, output=output, subject=str(source), hint=_SOURCE_HINT)

        return self.cache.obtain(("object", *recipe[1:], *self.common, read_source(source)), ".o", make)

    def link(
        self,
        script: str,
        objects: Sequence[Artifact],
        symbols: Mapping[str, str],
        options: tuple[str, ...],
        subject: str | None = None,
    ) -> bytes:
        """What the linker makes of `objects` with a linker script of the kernel folder.

        symbols: set with --defsym. options: of the linker. subject: the file that errors name, the script if None.
        """
        source = self.sources / script
        include = (str(self.generated), str(self.sources))

        def preprocess(output: Path) -> None:
            arguments = self.toolchain.preprocess_command(str(source), str(output), include)
            run(arguments, output=output, subject=str(source), hint=_SOURCE_HINT)

        processed = self.cache.obtain(("script", *self.common, read_source(source)), ".ld", preprocess)

        def link(output: Path) -> None:
            names = tuple(str(self.cache.file(item)) for item in objects)
            arguments = self.toolchain.link_command(str(self.cache.file(processed)), str(output), names, symbols)
            run([*arguments, *options], output=output, subject=subject or script, hint="see LD and the objects named")

        recipe = self.toolchain.link_command("", "", (), symbols)
        keys = ("link", *recipe[1:], *options, processed.name, *(item.name for item in objects))
        return self.cache.obtain(keys, ".bin", link).data


def _generated_texts(programs: tuple[Program, ...]) -> dict[str, str]:
    rows = "\n".join(f'    X("{p.name}", {p.size}u, {p.answer:#x}u) \\' for p in programs)
    return {
        "bf_constants.h": "#pragma once\n" + "".join(f"{define.line()}\n" for define in defines()),
        "bf_formats.h": c_header(),
        "bf_formats.inc": asm_header(),
        "bf_crc.c": c_crc_source(),
        "bf_patterns.h": fixed_patterns_header(),
        "bf_modules.h": f"#pragma once\n/* X(name, size, answer) */\n#define BF_MODULES(X) \\\n{rows}\n\n",
    }


def read_source(path: Path) -> bytes:
    """A file of the kernel folder. Raises InputError when it cannot be read."""
    return read_host_file(path, hint="mend the kernel folder")
