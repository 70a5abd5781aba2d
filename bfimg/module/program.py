"""The pattern section of a module: the program that the kernel compiles."""

from __future__ import annotations

from dataclasses import dataclass

from bfimg.errors import FormatError, NotFoundError, located
from bfimg.formats.bitcode_module import BitcodeHeader
from bfimg.formats.crc import CRC32
from bfimg.formats.pattern import PatternDescriptor, PatternType

_HINT = "lower the module again: bfimg module lower"


@dataclass(frozen=True, slots=True)
class PatternSection:
    """A module's pattern section. program: its bytes, none for a fixed pattern. problems: what is wrong with it."""

    descriptor: PatternDescriptor
    program: bytes
    problems: tuple[str, ...]


def pattern_section(level: int, program: bytes) -> bytes:
    """A section with a program. level: where the kernel starts, 0 to 3."""
    descriptor = PatternDescriptor(
        type=PatternType.CUSTOM,
        level=level,
        program_size=len(program),
        program_crc=CRC32.compute(program),
    ).sealed()
    return descriptor.to_bytes() + program


def read_section(data: bytes, header: BitcodeHeader) -> PatternSection | None:
    """The pattern section of the module file `data`, None when it has none. Never raises on bad contents."""
    if not header.pattern_size:
        return None
    section = data[header.pattern_offset : header.pattern_offset + header.pattern_size]
    if len(section) < PatternDescriptor.SIZE or len(section) < header.pattern_size:
        reason = f"pattern section of {header.pattern_size} bytes is cut short"
        return PatternSection(PatternDescriptor(), b"", (reason,))
    descriptor = PatternDescriptor.parse(section)
    program = section[PatternDescriptor.SIZE :]
    problems = [f"pattern.{problem.field} {problem.message}" for problem in descriptor.problems()]
    if len(program) != descriptor.program_size:
        problems.append(f"pattern program_size is {descriptor.program_size}, {len(program)} bytes follow")
    crc = CRC32.compute(program) if program else 0
    if crc != descriptor.program_crc:
        problems.append(f"pattern program_crc is {descriptor.program_crc:#x}, computed {crc:#x}")
    return PatternSection(descriptor, program, tuple(problems))


def program_of(data: bytes, header: BitcodeHeader, path: str) -> bytes:
    """The bytes of a module's program, not verified.

    Raises NotFoundError for a module without one, FormatError for a damaged section.
    """
    section = read_section(data, header)
    if section is None:
        raise NotFoundError("has no pattern program", path=path, hint="make one: bfimg module lower")
    if section.problems:
        raise FormatError(f"module {section.problems[0]}", path=path, hint=_HINT)
    if not section.program:
        raise NotFoundError("has a fixed pattern, no program", path=path, hint=_HINT)
    return section.program


def verify_program(program: bytes, path: str) -> None:
    """Raises FormatError, naming function, block and word, for a program that the kernel would refuse."""
    from bfimg.pattern.verify import verify

    with located(path):
        verify(program)
