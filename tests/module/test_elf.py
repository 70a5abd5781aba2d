"""The reader of ELF files sees what binutils see, and refuses what is damaged."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bfimg.errors import FormatError
from bfimg.formats.elf32 import Elf32Header, Elf32SectionHeader, ElfSectionType
from bfimg.module.elf import ElfFile, read_elf

SOURCE = """
int counter[100];
static int hidden(int n) { return n + counter[n]; }
__attribute__((weak)) int weak(int n) { return hidden(n) * 2; }
int (*const table[])(int) = {hidden, weak};
extern int elsewhere(int);
int shown(int n) { return elsewhere(n); }
"""


@pytest.fixture(scope="module", params=["clang", "gcc"])
def object_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elf")
    (folder / "x.c").write_text(SOURCE)
    command = [request.param, "-m32", "-O1", "-fno-pic", "-ffunction-sections", "-c", "x.c", "-o", "x.o"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "x.o"


def output(*command: object) -> str:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


def test_sections_of_readelf(object_file: Path) -> None:
    rows = re.findall(
        r"^ +\[ *\d+\] (\S+) +(\S+) +([0-9a-f]{8}) ([0-9a-f]{6}) ([0-9a-f]{6}) \d\d +([A-Z]*) ",
        output("readelf", "-SW", object_file),
        re.MULTILINE,
    )
    data = object_file.read_bytes()
    sections = read_elf(data).sections
    assert len(sections) == len(rows) > 8
    for section, (name, kind, address, offset, size, flags) in zip(sections, rows, strict=True):
        assert (section.name, section.address, section.size) == (name, int(address, 16), int(size, 16))
        assert section.is_allocated == ("A" in flags)
        start = int(offset, 16)
        assert section.contents == (b"" if kind == "NOBITS" else data[start : start + section.size])
        assert ElfSectionType.__members__.get(kind, section.type) == section.type


def test_symbols_of_nm(object_file: Path) -> None:
    def rows(elf: ElfFile) -> set[tuple[str, int, int]]:
        return {(s.name, s.value, s.size) for s in elf.symbols if s.is_function}

    elf = read_elf(object_file.read_bytes())
    listed = re.findall(r"^([0-9a-f]+) ([0-9a-f]+) [tTwW] (\S+)$", output("nm", "-S", object_file), re.MULTILINE)
    assert rows(elf) == {(name, int(value, 16), int(size, 16)) for value, size, name in listed}
    assert {s.name for s in elf.symbols if s.is_function and s.is_external} == {"shown"}
    assert "elsewhere" in {s.name for s in elf.symbols}
    assert elf.section(".text.shown").size > 0
    assert elf.address_of("shown") == 0


def test_what_is_not_there(object_file: Path) -> None:
    elf = read_elf(object_file.read_bytes())
    with pytest.raises(FormatError, match=r"has no section \.none"):
        elf.section(".none")
    with pytest.raises(FormatError, match="has no symbol none"):
        elf.address_of("none")


def test_other_files_are_refused(object_file: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="truncated"):
        read_elf(b"\x7fELF")
    with pytest.raises(FormatError, match=r"elf\.ei_mag: is 0x0, must be 0x464c457f"):
        read_elf(bytes(100))
    (tmp_path / "y.c").write_text(SOURCE)
    subprocess.run(["gcc", "-m64", "-c", "y.c", "-o", "y.o"], cwd=tmp_path, check=True)
    with pytest.raises(FormatError, match=r"elf\.ei_class: is 0x2, must be 0x1"):
        read_elf((tmp_path / "y.o").read_bytes())


def test_damaged_files_are_refused(object_file: Path) -> None:
    data = object_file.read_bytes()
    header = Elf32Header.parse(data)

    def with_header(**values: int) -> bytes:
        return header.replace(**values).to_bytes() + data[Elf32Header.SIZE :]

    def with_section(kind: int, **values: int) -> bytes:
        for index in range(header.e_shnum):
            at = header.e_shoff + index * Elf32SectionHeader.SIZE
            section = Elf32SectionHeader.parse(data, at)
            if section.sh_type == kind:
                return data[:at] + section.replace(**values).to_bytes() + data[at + Elf32SectionHeader.SIZE :]
        raise AssertionError(kind)

    for damaged, reason in [
        (with_header(e_shoff=len(data)), "section headers are cut short"),
        (with_header(e_shstrndx=header.e_shnum), r"names in section \d+, there are \d+"),
        (with_section(ElfSectionType.PROGBITS, sh_offset=0xFFFFFFFF, sh_size=4), "contents of a section are cut short"),
        (with_section(ElfSectionType.PROGBITS, sh_name=0xFFFFFF), r"name at 16777215 of \d+ bytes of names has no end"),
        (with_section(ElfSectionType.SYMTAB, sh_link=999), "names in section 999"),
    ]:
        with pytest.raises(FormatError, match=reason):
            read_elf(damaged)


def test_no_damage_ends_in_another_error(object_file: Path) -> None:
    data = object_file.read_bytes()
    for index in range(0, len(data), 3):
        damaged = bytearray(data)
        damaged[index] ^= 0xFF
        for hostile in (bytes(damaged), data[:index]):
            try:
                read_elf(hostile)
            except FormatError:
                continue
