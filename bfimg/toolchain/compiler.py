"""Which compiler and linker are used, and with which flags. The only place that holds a flag.

Debug information and paths stay out of objects, so that the folder of the sources does not change a byte.
"""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from bfimg.errors import ToolError, UsageError
from bfimg.toolchain.run import run
from bfimg.toolchain.tools import require

TARGET = "i686-unknown-none-elf"
FAMILIES = ("clang", "gcc")

_FREESTANDING = ("-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-ident", "-g0")
_WARNINGS = ("-Wall", "-Wextra")
_MACHINE = ("-march=i686",)
_KERNEL = (*_MACHINE, "-mgeneral-regs-only", "-Os", "-fno-pic", *_FREESTANDING, *_WARNINGS)
# Same results as a host build of the same source: SSE2 arithmetic, no fused multiply-add.
_FLOATING_POINT = ("-msse2", "-mfpmath=sse", "-ffp-contract=off", "-fno-math-errno")
# One section a function: the linker leaves out library functions that a module does not call.
_MODULE = (*_MACHINE, *_FLOATING_POINT, "-O2", "-fno-pic", "-ffunction-sections", *_FREESTANDING, *_WARNINGS)
_BITCODE = (*_MACHINE, *_FLOATING_POINT, "-O1", "-fno-vectorize", "-fno-slp-vectorize", "-fno-unroll-loops")
_BITCODE_COMMON = ("-ffreestanding", "-fno-pic", "-fno-stack-protector", "-g0")
_C_STANDARD = "-std=c11"
_CXX = ("-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
CXX_SUFFIXES = (".cpp", ".cc", ".cxx")


@dataclass(frozen=True)
class Toolchain:
    """A compiler that also assembles, and a linker. `version` tells one release from another."""

    family: str
    compiler: tuple[str, ...]
    linker: tuple[str, ...]
    version: str

    def _target(self) -> tuple[str, ...]:
        return (f"--target={TARGET}",) if self.family == "clang" else ("-m32", "-fno-pie", "-fcf-protection=none")

    def kernel_command(self, source: str, output: str, include: tuple[str, ...]) -> tuple[str, ...]:
        """Compile or assemble a file of the kernel or boot code."""
        return self._compile(_KERNEL, source, output, include)

    def module_command(self, source: str, output: str, include: tuple[str, ...]) -> tuple[str, ...]:
        """Compile or assemble a file of a native module, with SSE2 arithmetic."""
        return self._compile(_MODULE, source, output, include)

    def _compile(self, flags: tuple[str, ...], source: str, output: str, include: tuple[str, ...]) -> tuple[str, ...]:
        standard = () if source.endswith(".S") else (_C_STANDARD,)
        folders = [f"-I{folder}" for folder in include]
        return (*self.compiler, *self._target(), *standard, *flags, *folders, "-c", source, "-o", output)

    def preprocess_command(self, source: str, output: str, include: tuple[str, ...]) -> tuple[str, ...]:
        """Run the C preprocessor over a linker script."""
        folders = [f"-I{folder}" for folder in include]
        mode = ("-E", "-P", "-x", "assembler-with-cpp")
        return (*self.compiler, *self._target(), *mode, *folders, source, "-o", output)

    def link_command(
        self, script: str, output: str, objects: tuple[str, ...], symbols: dict[str, str]
    ) -> tuple[str, ...]:
        """Link to a flat binary. `symbols` are set with --defsym."""
        defined = [f"--defsym={name}={value}" for name, value in symbols.items()]
        fixed = ("-m", "elf_i386", "-nostdlib", "--build-id=none", "-z", "noexecstack", "--oformat", "binary")
        return (*self.linker, *fixed, "-T", script, *defined, "-o", output, *objects)


def select(name: str | None = None) -> Toolchain:
    """The toolchain called `name` ("clang" or "gcc"), else the one CC and LD name, else clang with lld.

    CC and LD override the programs. Raises ToolError, with the command that installs it, for a missing program.
    """
    if name is not None and name not in FAMILIES:
        raise UsageError(f"no toolchain {name!r}", hint=f"choose one of {', '.join(FAMILIES)}")
    compiler = _words("CC") or (name or "clang",)
    compiler = (_find(compiler[0]), *compiler[1:])
    version = run([*compiler, "--version"], subject=compiler[0]).splitlines()[0]
    family = name or ("clang" if "clang" in version else "gcc")
    linker = _words("LD") or ("ld.lld" if family == "clang" else "ld",)
    linker = (_find(linker[0]), *linker[1:])
    linker_version = run([*linker, "--version"], subject=linker[0]).splitlines()[0]
    return Toolchain(family, compiler, linker, f"{version}; {linker_version}")


def _words(variable: str) -> tuple[str, ...]:
    return tuple(shlex.split(os.environ.get(variable, "")))


def _find(command: str) -> str:
    if "/" in command:
        if shutil.which(command) is None:
            raise ToolError(f"{command} cannot be run", hint="mend CC or LD")
        return command
    return require(command)


def bitcode_command(source: str, output: str, clang: str = "clang") -> tuple[str, ...]:
    """The clang command that makes bitcode for BareFlow from C or C++."""
    language = _CXX if source.endswith(CXX_SUFFIXES) else (_C_STANDARD,)
    flags = (*language, *_BITCODE, *_BITCODE_COMMON)
    return (clang, f"--target={TARGET}", *flags, "-emit-llvm", "-c", source, "-o", output)


def compile_bitcode(source: Path, output: Path, include: tuple[Path, ...] = ()) -> None:
    """Compile a C or C++ file to raw bitcode. Raises ToolError without clang, CompileError on bad source."""
    # By its bare name: bitcode holds the name of its source, and no folder should end up in it.
    command = bitcode_command(source.name, str(output.resolve()), require("clang"))
    run([*command, *(f"-I{folder.resolve()}" for folder in include)], cwd=source.resolve().parent, subject=str(source))


def assemble_bitcode(source: Path, triple: str, output: Path) -> None:
    """Turn textual LLVM IR (`.ll`) into raw bitcode, its own target kept. Raises as `compile_bitcode`."""
    clang = require("clang")
    command = (clang, f"--target={triple}", "-x", "ir", "-O0", "-emit-llvm", "-c", str(source.resolve()))
    run([*command, "-o", str(output)], subject=str(source))
