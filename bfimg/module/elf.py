"""Read what a linker or compiler wrote for 32-bit x86: sections and symbols of an ELF file."""

from __future__ import annotations

from dataclasses import dataclass

from bfimg.errors import FormatError
from bfimg.formats.elf32 import (
    ELF_SECTION_ALLOC,
    Elf32Header,
    Elf32SectionHeader,
    Elf32Symbol,
    ElfSectionType,
    ElfSymbolBinding,
    ElfSymbolType,
)

_HINT = "see CC and LD"


@dataclass(frozen=True, slots=True)
class ElfSection:
    """A section. `contents` has `size` bytes, none where the file holds none (bss)."""

    name: str
    type: int
    is_allocated: bool
    address: int
    size: int
    contents: bytes


@dataclass(frozen=True, slots=True)
class ElfSymbol:
    """A symbol. section: index of the section that defines it, 0 for none."""

    name: str
    value: int
    size: int
    type: int
    binding: int
    section: int

    @property
    def is_function(self) -> bool:
        """True for a function that this file defines."""
        return self.type == ElfSymbolType.FUNC and self.section != 0

    @property
    def is_external(self) -> bool:
        """False for a static function, and for one that any file may define, as C++ does with inline functions."""
        return self.binding == ElfSymbolBinding.GLOBAL


@dataclass(frozen=True, slots=True)
class ElfFile:
    """Sections and symbols, in the order of the file, without the empty first ones."""

    sections: tuple[ElfSection, ...]
    symbols: tuple[ElfSymbol, ...]

    def section(self, name: str) -> ElfSection:
        """Raises FormatError when there is no section of this name."""
        for section in self.sections:
            if section.name == name:
                return section
        raise FormatError(f"has no section {name}", hint=_HINT)

    def address_of(self, name: str) -> int:
        """Value of a symbol. Raises FormatError when there is none of this name."""
        for symbol in self.symbols:
            if symbol.name == name:
                return symbol.value
        raise FormatError(f"has no symbol {name}", hint=_HINT)


def read_elf(data: bytes) -> ElfFile:
    """The sections and symbols of a file. Raises FormatError for what is no ELF file for x86, or is damaged."""
    header = Elf32Header.parse(data)
    for problem in header.problems("elf"):
        raise FormatError(problem.message, field=problem.field, offset=problem.offset, hint=_HINT)
    raw = _part(data, header.e_shoff, header.e_shnum * Elf32SectionHeader.SIZE, "section headers")
    headers = [Elf32SectionHeader.parse(raw, at) for at in range(0, len(raw), Elf32SectionHeader.SIZE)]
    contents = [_contents(data, section) for section in headers]
    names = _table(contents, header.e_shstrndx)
    sections = tuple(
        ElfSection(
            name=_text(names, section.sh_name),
            type=section.sh_type,
            is_allocated=bool(section.sh_flags & ELF_SECTION_ALLOC),
            address=section.sh_addr,
            size=section.sh_size,
            contents=part,
        )
        for section, part in zip(headers, contents, strict=True)
    )
    symbols: list[ElfSymbol] = []
    for section, part in zip(headers, contents, strict=True):
        if section.sh_type == ElfSectionType.SYMTAB:
            symbols += _symbols(part, _table(contents, section.sh_link))
    return ElfFile(sections[1:], tuple(symbols))


def _part(data: bytes, offset: int, size: int, what: str) -> bytes:
    part = data[offset : offset + size]
    if len(part) < size:
        raise FormatError(f"{what} are cut short: {size} bytes, {len(part)} are there", offset=offset, hint=_HINT)
    return part


def _contents(data: bytes, header: Elf32SectionHeader) -> bytes:
    if header.sh_type in (ElfSectionType.NULL, ElfSectionType.NOBITS):
        return b""
    return _part(data, header.sh_offset, header.sh_size, "contents of a section")


def _table(contents: list[bytes], index: int) -> bytes:
    if index >= len(contents):
        raise FormatError(f"names in section {index}, there are {len(contents)}", hint=_HINT)
    return contents[index]


def _text(table: bytes, offset: int) -> str:
    end = table.find(b"\0", offset)
    if end < 0:
        raise FormatError(f"name at {offset} of {len(table)} bytes of names has no end", hint=_HINT)
    return table[offset:end].decode("utf-8", "backslashreplace")


def _symbols(part: bytes, names: bytes) -> list[ElfSymbol]:
    unpacker = Elf32Symbol.unpacker()
    whole = len(part) - len(part) % Elf32Symbol.SIZE
    return [
        ElfSymbol(_text(names, name), value, size, info & 0xF, info >> 4, section)
        for name, value, size, info, _, section in unpacker.iter_unpack(part[Elf32Symbol.SIZE : whole])
    ]
