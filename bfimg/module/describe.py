"""What a module file says of itself: headers, bitcode, pattern program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bfimg.bitcode import BitcodeSummary, summarise
from bfimg.errors import FormatError
from bfimg.formats.bitcode_module import BitcodeHeader
from bfimg.formats.pattern import PatternDescriptor
from bfimg.formats.pattern_program import ProgramHeader
from bfimg.host_file import read_host_file
from bfimg.module.identify import ModuleInfo, ModuleKind, identify, payload
from bfimg.module.program import read_section

_HINT = "name an existing module file"


@dataclass(frozen=True, slots=True)
class ModuleDescription:
    """A module file. summary: None for a native module. descriptor and program: None without a pattern section.

    problems: what is wrong with headers, section and program, empty when nothing is.
    """

    path: Path
    info: ModuleInfo
    summary: BitcodeSummary | None
    descriptor: PatternDescriptor | None
    program: ProgramHeader | None
    problems: tuple[str, ...]


def describe(path: Path) -> ModuleDescription:
    """Read a module file of any kind. Raises InputError, and FormatError for a file that is no module."""
    data = read_host_file(path, hint=_HINT)
    info = identify(data)
    if info.kind is ModuleKind.UNKNOWN:
        raise FormatError(f"is no module: {info.problems[0]}", path=str(path), hint=_HINT)
    summary = None
    if info.kind is not ModuleKind.NATIVE:
        summary = summarise(payload(data, info, str(path)), path=str(path))
    section = read_section(data, info.header) if isinstance(info.header, BitcodeHeader) else None
    if section is None:
        return ModuleDescription(path, info, summary, None, None, info.problems)
    program = ProgramHeader.parse(section.program) if len(section.program) >= ProgramHeader.SIZE else None
    problems = list(info.problems)
    if section.program and not section.problems:
        from bfimg.pattern.verify import verify

        try:
            verify(section.program)
        except FormatError as error:
            problems.append(f"program is refused: {error}")
    return ModuleDescription(path, info, summary, section.descriptor, program, tuple(problems))
