"""Turn whatever a user has (C, IR, bitcode, module) into a module file for the volume."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bfimg.bitcode import BitcodeSummary, summarise
from bfimg.errors import FitError, FormatError, LoweringError, TargetError, ToolError, UsageError, located
from bfimg.formats.memory_map import memory_region
from bfimg.formats.native_module import NATIVE_MODULE_VERSION
from bfimg.host_file import host_file_size, read_host_file
from bfimg.module.entry import choose_entry
from bfimg.module.files import volume_name
from bfimg.module.identify import ModuleInfo, ModuleKind, identify, payload
from bfimg.module.wrap import sealed_module, wrap_bitcode
from bfimg.toolchain.compiler import CXX_SUFFIXES, assemble_bitcode, bitcode_command, compile_bitcode, is_cxx

C_SUFFIXES = (".c", *CXX_SUFFIXES)
_X86_32 = re.compile(r"i[3-6]86-")
_FOREIGN_ABI = ("windows", "darwin", "macos", "uefi")
Dump = Callable[[str, str], None]
_HINT = "name an existing module file"


@dataclass(frozen=True)
class NativeRequest:
    """How to make machine code of a source.

    size: what the kernel calls the entry with. answer: what it then has to return. instrument: its functions report
    their calls to the kernel's profiler.
    """

    size: int | None = None
    answer: int | None = None
    instrument: bool = False


@dataclass(frozen=True)
class ModuleRequest:
    """What the user says of a module beyond its file. None leaves the choice to the bitcode or the source.

    native: make a native module of the source; without it a source becomes bitcode. lower: make the pattern program
    that the kernel compiles of bitcode. keep: functions besides the entry that stay callable.
    """

    name: str | None = None
    entry: str | None = None
    level: int | None = None
    module_version: int | None = None
    native: NativeRequest | None = None
    lower: bool = True
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreparedModule:
    """A module file ready for the volume. `origin` says what it was made from.

    program_size: bytes of its pattern program, 0 without one.
    """

    source: Path
    origin: str
    file_name: str
    data: bytes
    info: ModuleInfo
    program_size: int = 0


def prepare(path: Path, request: ModuleRequest, dump: Dump | None = None) -> PreparedModule:
    """Read the host file `path` and make a module of it: bitcode gets a version-2 header and a pattern program,
    `.mod` stays.

    C and C++ are compiled, `.ll` is assembled, by clang; to a native module by the compiler that builds the kernel.
    dump: gets what each stage of the lowering made, see `bfimg.bitcode.lower`.
    Raises InputError for an unreadable file, FormatError for contents that are no module or damaged, TargetError for
    bitcode of another machine (its hint is the clang command that makes the right one), CompileError for a source
    with mistakes, NotFoundError when no entry function can be chosen, UsageError for a name that cannot name a file,
    FitError for a module larger than the kernel's buffer, LoweringError for bitcode that cannot become a program,
    ToolError without clang or, for lowering, llvmlite.
    """
    prepared = _prepare(path, request, dump) if request.native is None else _compiled(path, request, request.native)
    room = memory_region("file_buffer").size
    if len(prepared.data) > room:
        raise FitError(
            f"module of {len(prepared.data)} bytes, the kernel's file buffer has {room}",
            path=str(path),
            hint="make the module smaller",
        )
    return prepared


def _prepare(path: Path, request: ModuleRequest, dump: Dump | None) -> PreparedModule:
    data, origin = _read(path)
    info = identify(data)
    if info.kind is ModuleKind.NATIVE:
        return _native(path, data, info, request)
    if info.kind is ModuleKind.UNKNOWN:
        raise FormatError(
            f"is no module: {info.problems[0]}",
            path=str(path),
            offset=0,
            hint="give LLVM bitcode (.bc, .ll), a native .mod, or a C or C++ file",
        )
    return _bitcode(path, data, info, request, origin, dump)


def _compiled(path: Path, request: ModuleRequest, native: NativeRequest) -> PreparedModule:
    """A native module made of a C or C++ file."""
    from bfimg.module.native import link_source

    if path.suffix.lower() not in C_SUFFIXES:
        raise UsageError("is no source of a native module", path=str(path), hint="name a C or C++ file")
    if request.level is not None:
        raise UsageError("a native module has no level", path=str(path), hint="leave out --level")
    host_file_size(path, hint=_HINT)
    name = path.stem if request.name is None else request.name
    file_name = _file_name(path, name, "mod")
    linked, entry = link_source(path, name, request.entry, instrument=native.instrument)
    version = NATIVE_MODULE_VERSION if request.module_version is None else request.module_version
    with located(str(path)):
        data = sealed_module(name, linked, size=native.size, answer=native.answer, version=version)
    return PreparedModule(path, _language(path), file_name, data, replace(identify(data), entry=entry))


def _language(path: Path) -> str:
    return "C++" if is_cxx(path.name) else "C"


def _read(path: Path) -> tuple[bytes, str]:
    """Contents of a module file, compiled or assembled first where it is source; and what it was."""
    suffix = path.suffix.lower()
    size = host_file_size(path, hint=_HINT)
    if suffix in C_SUFFIXES or suffix == ".ll":
        with tempfile.TemporaryDirectory(prefix="bfimg-") as folder:
            output = Path(folder) / "module.bc"
            if suffix == ".ll":
                assemble_bitcode(path, _triple_of_ir(path), output)
                return output.read_bytes(), "LLVM IR"
            compile_bitcode(path, output)
            return output.read_bytes(), _language(path)
    if size > memory_region("file_buffer").size:
        raise FitError(
            f"{size} bytes, the kernel's file buffer has {memory_region('file_buffer').size}",
            path=str(path),
            hint="is this the right file?",
        )
    return read_host_file(path, hint=_HINT), ""


def _triple_of_ir(path: Path) -> str:
    """The target triple an IR file names. Raises TargetError when it names none, or one that is not ours."""
    text = read_host_file(path, hint=_HINT).decode("utf-8", "replace")
    match = re.search(r'^\s*target\s+triple\s*=\s*"([^"]*)"', text, re.MULTILINE)
    triple = match[1] if match else ""
    _check_target(path, triple, f"{path.stem}.c")
    return triple


def _check_target(path: Path, triple: str, source: str) -> None:
    if _X86_32.match(triple) and not any(word in triple for word in _FOREIGN_ABI):
        return
    language = source if Path(source).suffix.lower() in C_SUFFIXES else f"{path.stem}.c"
    command = shlex.join(bitcode_command(language, f"{path.stem}.bc"))
    named = f"bitcode for {triple!r}" if triple else "bitcode that names no target"
    raise TargetError(f"{named}, BareFlow runs 32-bit x86 ELF", path=str(path), hint=f"make it with: {command}")


def _native(path: Path, data: bytes, info: ModuleInfo, request: ModuleRequest) -> PreparedModule:
    if info.problems:
        raise FormatError(f"native module {info.problems[0]}", path=str(path), hint="build it again")
    if replace(request, lower=True, keep=()) != ModuleRequest():
        raise UsageError(
            "a native module carries its own name and entry",
            path=str(path),
            hint="leave out --name, --entry, --level and --module-version",
        )
    return PreparedModule(path, "native module", _file_name(path, info.name, "mod"), data, info)


def _bitcode(
    path: Path, data: bytes, info: ModuleInfo, request: ModuleRequest, origin: str, dump: Dump | None
) -> PreparedModule:
    # A pattern section is made again, or left out: its problems are none of ours.
    damage = [problem for problem in info.problems if not problem.startswith("pattern")]
    if info.kind is ModuleKind.BITCODE and damage:
        raise FormatError(f"module {damage[0]}", path=str(path), hint="make the file again from its bitcode")
    bitcode = payload(data, info, str(path))
    summary = summarise(bitcode, path=str(path))
    bitcode = bitcode[summary.offset : summary.offset + summary.size]
    _check_target(path, summary.triple, Path(summary.source_filename).name)
    name = info.name or _name(path, summary) if request.name is None else request.name
    defined = [f.name for f in summary.functions if not f.is_declaration and f.linkage == "external"]
    entry = choose_entry(path, defined, name, (info.entry or None) if request.entry is None else request.entry)
    file_name = _file_name(path, name, "bc")
    program = _lowered(path, bitcode, entry, request.keep, dump) if request.lower else b""
    with located(str(path)):
        wrapped = wrap_bitcode(
            bitcode,
            name=name,
            entry=entry,
            level=info.level if request.level is None else request.level,
            module_version=(info.version or 1) if request.module_version is None else request.module_version,
            program=program,
        )
    return PreparedModule(path, origin or str(info.kind), file_name, wrapped, identify(wrapped), len(program))


def _lowered(path: Path, bitcode: bytes, entry: str, keep: tuple[str, ...], dump: Dump | None) -> bytes:
    from bfimg.bitcode.lower import lower

    try:
        with located(str(path)):
            return lower(bitcode, entry, keep=keep, dump=dump).data
    except (LoweringError, ToolError) as error:
        error.hint = f"{error.hint}, or leave its program out: --no-lower"
        raise


def _file_name(path: Path, name: str, suffix: str) -> str:
    with located(str(path), "module.name"):
        return volume_name(name, suffix)


def _name(path: Path, summary: BitcodeSummary) -> str:
    """The stem of the source file the bitcode names, else of the file itself."""
    source = Path(summary.source_filename).stem
    return source if source and source.isascii() and source not in ("-", "<stdin>") else path.stem
