"""Which compiler and linker are used, and with which flags. The only place that holds a flag.

Debug information and paths stay out of objects, so that the folder of the sources does not change a byte.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bfimg.errors import CompileError, ToolError, UsageError
from bfimg.formats.cpu_features import CpuFeature
from bfimg.toolchain.run import run
from bfimg.toolchain.tools import require

TARGET = "i686-unknown-none-elf"
FAMILIES = ("clang", "gcc")

_FREESTANDING = ("-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-ident", "-g0")
_WARNINGS = ("-Wall", "-Wextra")
_MACHINE = ("-march=i686",)
# One section a function and a variable: the linker leaves out what nobody uses.
_SECTIONS = ("-ffunction-sections", "-fdata-sections")
# The kernel is to be small: arguments and small structures travel in registers.
_SMALL = ("-Oz", "-fomit-frame-pointer", "-mregparm=3", "-freg-struct-return", "-fno-jump-tables")
_KERNEL = (*_MACHINE, "-mgeneral-regs-only", *_SMALL, "-fno-pic", *_SECTIONS, *_FREESTANDING, *_WARNINGS)
# Same results as a host build of the same source: SSE2 arithmetic, no fused multiply-add.
_FLOATING_POINT = ("-msse2", "-mfpmath=sse", "-ffp-contract=off", "-fno-math-errno")
_MODULE = (*_MACHINE, *_FLOATING_POINT, "-O2", "-fno-pic", *_SECTIONS, *_FREESTANDING, *_WARNINGS)
# What code made with these flags asks of the CPU: i686 has CMOV, a `double` is returned by way of the FPU.
MODULE_CPU_FEATURES = CpuFeature.FPU | CpuFeature.CMOV | CpuFeature.SSE | CpuFeature.SSE2
_INSTRUMENT = ("-finstrument-functions",)
_BITCODE = (*_MACHINE, *_FLOATING_POINT, "-O1", "-fno-vectorize", "-fno-slp-vectorize", "-fno-unroll-loops")
_BITCODE_COMMON = ("-ffreestanding", "-fno-pic", "-fno-stack-protector", "-g0")
_C_STANDARD = "-std=c11"
# C alone knows calls of functions that are not declared.
_C = ("-x", "c", _C_STANDARD, "-Werror=implicit-function-declaration")
_CXX = ("-x", "c++", "-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
CXX_SUFFIXES = (".cpp", ".cc", ".cxx")

# Options of the linker.
FLAT_BINARY = ("--oformat", "binary")
LEAVE_OUT_UNUSED = ("--gc-sections", "-O2")  # -O2: a text that ends like another stands once
IN_SPITE_OF_ERRORS = ("--noinhibit-exec",)


@dataclass(frozen=True)
class Toolchain:
    """A compiler that also assembles, and a linker. `version` tells one release from another."""

    family: str
    compiler: tuple[str, ...]
    linker: tuple[str, ...]
    version: str

    def _target(self) -> tuple[str, ...]:
        if self.family == "clang":
            return (f"--target={TARGET}", "-nostdlibinc")  # headers of the host are none of ours
        return ("-m32", "-fno-pie", "-fcf-protection=none")

    def kernel_command(self, source: str, output: str, include: tuple[str, ...]) -> tuple[str, ...]:
        """Compile or assemble a file of the kernel or boot code."""
        return self._compile(_KERNEL, source, output, include)

    def module_command(self, source: str, output: str, include: tuple[str, ...]) -> tuple[str, ...]:
        """Compile or assemble a file of a native module, with SSE2 arithmetic."""
        return self._compile(_MODULE, source, output, include)

    def instrumented_command(self, source: str, output: str, include: tuple[str, ...]) -> tuple[str, ...]:
        """As `module_command`, with calls to __cyg_profile_func_enter and _exit in each function."""
        return self._compile((*_MODULE, *_INSTRUMENT), source, output, include)

    def _compile(self, flags: tuple[str, ...], source: str, output: str, include: tuple[str, ...]) -> tuple[str, ...]:
        language = () if source.endswith(".S") else _language(source)
        folders = [f"-I{folder}" for folder in include]
        return (*self.compiler, *self._target(), *language, *flags, *folders, "-c", _operand(source), "-o", output)

    def preprocess_command(self, source: str, output: str, include: tuple[str, ...]) -> tuple[str, ...]:
        """Run the C preprocessor over a linker script."""
        folders = [f"-I{folder}" for folder in include]
        mode = ("-E", "-P", "-x", "assembler-with-cpp")
        return (*self.compiler, *self._target(), *mode, *folders, source, "-o", output)

    def link_command(
        self, script: str, output: str, objects: tuple[str, ...], symbols: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Link to an ELF file, to a flat binary with FLAT_BINARY behind it. `symbols` are set with --defsym."""
        defined = [f"--defsym={name}={value}" for name, value in symbols.items()]
        fixed = ("-m", "elf_i386", "-nostdlib", "--build-id=none", "-z", "noexecstack")
        return (*self.linker, *fixed, "-T", script, *defined, "-o", output, *objects)


def select(name: str | None = None) -> Toolchain:
    """The toolchain called `name` ("clang" or "gcc"), else the one CC and LD name, else clang with lld.

    CC and LD override the programs. Raises ToolError, with the command that installs it, for a missing program.
    """
    if name is not None and name not in FAMILIES:
        raise UsageError(f"no toolchain {name!r}", hint=f"choose one of {', '.join(FAMILIES)}")
    compiler = _command("CC", name or "clang")
    version = _version(compiler, "CC")
    family = name or ("clang" if "clang" in version else "gcc")
    linker = _command("LD", "ld.lld" if family == "clang" else "ld")
    return Toolchain(family, compiler, linker, f"{version}; {_version(linker, 'LD')}")


def _command(variable: str, default: str) -> tuple[str, ...]:
    """Program, as an absolute path, and arguments that an environment variable names."""
    value = os.environ.get(variable, "")
    try:
        program, *arguments = shlex.split(value) or [default]
    except ValueError as error:
        raise UsageError(f"{variable} is {value!r}: {error}", hint=f"mend {variable}") from None
    if "/" not in program:
        return (require(program), *arguments)
    if shutil.which(program) is None:
        raise ToolError(f"{program} cannot be run", hint=f"mend {variable}")
    return (str(Path(program).absolute()), *arguments)


def _version(command: tuple[str, ...], variable: str) -> str:
    """The line by which a tool tells its release."""
    try:
        lines = run([*command, "--version"], subject=command[0]).splitlines()
    except CompileError as error:
        raise ToolError(error.message, path=error.path, hint=f"mend {variable}") from None
    if not lines:
        raise ToolError("says nothing of its version", path=command[0], hint=f"mend {variable}")
    return lines[0]


def clang_version() -> str:
    """The release of the clang that makes bitcode. Raises ToolError without clang."""
    return _version((require("clang"),), "PATH")


def bitcode_command(source: str, output: str, clang: str = "clang") -> tuple[str, ...]:
    """The clang command that makes bitcode for BareFlow from C, or from C++ by its suffix; case is ignored."""
    flags = (*_language(source), *_BITCODE, *_BITCODE_COMMON)
    return (clang, f"--target={TARGET}", *flags, "-emit-llvm", "-c", _operand(source), "-o", _operand(output))


def _language(source: str) -> tuple[str, ...]:
    """C++ by the suffix, whatever its case, else C."""
    return _CXX if is_cxx(source) else _C


def is_cxx(source: str) -> bool:
    """True when a source is C++ by its name."""
    return source.lower().endswith(CXX_SUFFIXES)


def _operand(name: str) -> str:
    """A file name that no compiler takes for an option (-) or a file of options (@)."""
    return f"./{name}" if name.startswith(("-", "@")) else name


def compile_bitcode(source: Path, output: Path, include: tuple[Path, ...] = ()) -> None:
    """Compile a C or C++ file to raw bitcode. Raises ToolError without clang, CompileError on bad source."""
    # By its bare name: bitcode holds the name of its source, and no folder should end up in it.
    command = bitcode_command(source.name, str(output.resolve()), require("clang"))
    folders = [f"-I{folder.resolve()}" for folder in include]
    run([*command, *folders], cwd=source.parent.absolute(), output=output.resolve(), subject=str(source))


def assemble_bitcode(source: Path, triple: str, output: Path) -> None:
    """Turn textual LLVM IR (`.ll`) into raw bitcode, its own target kept. Raises as `compile_bitcode`."""
    clang = require("clang")
    command = (clang, f"--target={triple}", "-x", "ir", "-O0", "-emit-llvm", "-c", str(source.resolve()))
    run([*command, "-o", str(output)], output=output, subject=str(source))
