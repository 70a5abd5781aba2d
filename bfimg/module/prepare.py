"""Turn whatever a user has (C, IR, bitcode, module) into a module file for the volume."""

from __future__ import annotations

import re
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bfimg.bitcode import BitcodeSummary, summarise
from bfimg.errors import FitError, FormatError, NotFoundError, TargetError, UsageError, located
from bfimg.formats.memory_map import memory_region
from bfimg.host_file import host_file_size, read_host_file
from bfimg.module.files import volume_name
from bfimg.module.identify import ModuleInfo, ModuleKind, identify, payload
from bfimg.module.wrap import wrap_bitcode
from bfimg.toolchain.compiler import CXX_SUFFIXES, assemble_bitcode, bitcode_command, compile_bitcode

C_SUFFIXES = (".c", *CXX_SUFFIXES)
_X86_32 = re.compile(r"i[3-6]86-")
_FOREIGN_ABI = ("windows", "darwin", "macos", "uefi")
_HINT = "name an existing module file"


@dataclass(frozen=True)
class ModuleRequest:
    """What the user says of a module beyond its file. None leaves the choice to the bitcode."""

    name: str | None = None
    entry: str | None = None
    level: int | None = None
    module_version: int | None = None


@dataclass(frozen=True)
class PreparedModule:
    """A module file ready for the volume. `origin` says what it was made from."""

    source: Path
    origin: str
    file_name: str
    data: bytes
    info: ModuleInfo


def prepare(path: Path, request: ModuleRequest) -> PreparedModule:
    """Read the host file `path` and make a module of it: bitcode gets a version-2 header, `.mod` stays.

    C and C++ are compiled, `.ll` is assembled, by clang. Raises InputError for an unreadable file, FormatError
    for contents that are no module or damaged, TargetError for bitcode of another machine (its hint is the clang
    command that makes the right one), NotFoundError when no entry function can be chosen, UsageError for a name that
    cannot name a file, FitError for a module larger than the kernel's buffer.
    """
    data, origin = _read(path)
    info = identify(data)
    if info.kind is ModuleKind.NATIVE:
        prepared = _native(path, data, info, request)
    elif info.kind in (
        ModuleKind.RAW_BITCODE,
        ModuleKind.WRAPPED_BITCODE,
        ModuleKind.BITCODE,
        ModuleKind.LEGACY_BITCODE,
    ):
        prepared = _bitcode(path, data, info, request, origin)
    else:
        raise FormatError(
            f"is no module: {info.problems[0]}",
            path=str(path),
            offset=0,
            hint="give LLVM bitcode (.bc, .ll), a native .mod, or a C or C++ file",
        )
    room = memory_region("file_buffer").size
    if len(prepared.data) > room:
        raise FitError(
            f"module of {len(prepared.data)} bytes, the kernel's file buffer has {room}",
            path=str(path),
            hint="make the module smaller",
        )
    return prepared


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
            return output.read_bytes(), "C++" if suffix in CXX_SUFFIXES else "C"
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
    if request != ModuleRequest():
        raise UsageError(
            "a native module carries its own name and entry",
            path=str(path),
            hint="leave out --name, --entry, --level and --module-version",
        )
    return PreparedModule(path, "native module", _file_name(path, info.name, "mod"), data, info)


def _bitcode(path: Path, data: bytes, info: ModuleInfo, request: ModuleRequest, origin: str) -> PreparedModule:
    damage = [] if info.kind is not ModuleKind.BITCODE else list(info.problems)
    if damage:
        raise FormatError(f"module {damage[0]}", path=str(path), hint="make the file again from its bitcode")
    bitcode = payload(data, info, str(path))
    summary = summarise(bitcode, path=str(path))
    bitcode = bitcode[summary.offset : summary.offset + summary.size]
    _check_target(path, summary.triple, Path(summary.source_filename).name)
    name = info.name or _name(path, summary) if request.name is None else request.name
    entry = _entry(path, summary, name, (info.entry or None) if request.entry is None else request.entry)
    file_name = _file_name(path, name, "bc")
    with located(str(path)):
        wrapped = wrap_bitcode(
            bitcode,
            name=name,
            entry=entry,
            level=info.level if request.level is None else request.level,
            module_version=(info.version or 1) if request.module_version is None else request.module_version,
        )
    return PreparedModule(path, origin or str(info.kind), file_name, wrapped, identify(wrapped))


def _file_name(path: Path, name: str, suffix: str) -> str:
    with located(str(path), "module.name"):
        return volume_name(name, suffix)


def _name(path: Path, summary: BitcodeSummary) -> str:
    """The stem of the source file the bitcode names, else of the file itself."""
    source = Path(summary.source_filename).stem
    return source if source and source.isascii() and source not in ("-", "<stdin>") else path.stem


def _entry(path: Path, summary: BitcodeSummary, name: str, wanted: str | None) -> str:
    """The function to call: as asked for, else NAME_main, NAME, module_main, main, else the only external one."""
    defined = [f.name for f in summary.functions if not f.is_declaration and f.linkage == "external"]
    if wanted is not None:
        if wanted not in defined:
            raise NotFoundError(
                f"no external function {wanted!r} is defined", path=str(path), field="entry", hint=_there_are(defined)
            )
        return wanted
    for candidate in (f"{name}_main", name, "module_main", "main"):
        if candidate in defined:
            return candidate
    if len(defined) == 1:
        return defined[0]
    raise NotFoundError(
        "which function is the entry cannot be told",
        path=str(path),
        field="entry",
        hint=f"choose one with --entry; {_there_are(defined)}",
    )


def _there_are(defined: list[str]) -> str:
    if not defined:
        return "the bitcode defines no external function"
    shown = ", ".join(defined[:8])
    return f"there are: {shown}" + (f" and {len(defined) - 8} more" if len(defined) > 8 else "")
