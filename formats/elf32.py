"""ELF for 32-bit x86: what the reader of linked modules needs of header, section headers and symbols."""

from __future__ import annotations

from enum import IntEnum

from bfimg.formats.structure import Constant, Structure, raw, u8, u16, u32

ELF_MAGIC = Constant(0x464C457F, "First four bytes of an ELF file: 0x7F, 'ELF'")
ELF_CLASS_32 = Constant(1, "ELFCLASS32: 32-bit objects")
ELF_DATA_LSB = Constant(1, "ELFDATA2LSB: little-endian")
ELF_VERSION_CURRENT = Constant(1, "EV_CURRENT")
ELF_MACHINE_386 = Constant(3, "EM_386: 32-bit x86")
ELF_SECTION_ALLOC = Constant(2, "SHF_ALLOC: bit of sh_flags, the section is part of the image in memory")

_SOURCE = "System V Application Binary Interface, Intel386 Architecture Processor Supplement"


class ElfSectionType(IntEnum):
    """Values of Elf32SectionHeader.sh_type that a reader has to know."""

    NULL = 0
    PROGBITS = 1
    SYMTAB = 2
    STRTAB = 3
    NOBITS = 8


class ElfSymbolType(IntEnum):
    """The low four bits of Elf32Symbol.st_info."""

    NOTYPE = 0
    OBJECT = 1
    FUNC = 2
    SECTION = 3
    FILE = 4


class ElfSymbolBinding(IntEnum):
    """The high four bits of Elf32Symbol.st_info."""

    LOCAL = 0
    GLOBAL = 1
    WEAK = 2


class Elf32Header(Structure, c_name="elf32_header", size=52, source=_SOURCE):
    """Start of an ELF file."""

    ei_mag: int = u32("Marks an ELF file", const=ELF_MAGIC)
    ei_class: int = u8("Size of addresses", const=ELF_CLASS_32)
    ei_data: int = u8("Byte order", const=ELF_DATA_LSB)
    ei_version: int = u8("Version of the identification", const=ELF_VERSION_CURRENT)
    ei_osabi: int = u8("Operating system or ABI")
    ei_abiversion: int = u8("Version of the ABI")
    ei_pad: bytes = raw(7, "Reserved")
    e_type: int = u16("1 relocatable, 2 executable, 3 shared")
    e_machine: int = u16("Machine", const=ELF_MACHINE_386)
    e_version: int = u32("Version of the file format", const=ELF_VERSION_CURRENT)
    e_entry: int = u32("Entry point, a virtual address")
    e_phoff: int = u32("Program headers, from the start of the file", unit="bytes")
    e_shoff: int = u32("Section headers, from the start of the file", unit="bytes")
    e_flags: int = u32("Flags of the machine")
    e_ehsize: int = u16("Bytes in this header", unit="bytes", const=52)
    e_phentsize: int = u16("Bytes in a program header", unit="bytes")
    e_phnum: int = u16("Program headers")
    e_shentsize: int = u16("Bytes in a section header", unit="bytes", const=40)
    e_shnum: int = u16("Section headers")
    e_shstrndx: int = u16("Section that holds the names of sections")


class Elf32SectionHeader(Structure, c_name="elf32_section_header", size=40, source=_SOURCE):
    """One section: a run of bytes with one purpose."""

    sh_name: int = u32("Name, from the start of the section names", unit="bytes")
    sh_type: int = u32("What the section holds", names=ElfSectionType)
    sh_flags: int = u32("Bit 0 writable, bit 1 part of the image in memory, bit 2 code")
    sh_addr: int = u32("Virtual address")
    sh_offset: int = u32("Contents, from the start of the file", unit="bytes")
    sh_size: int = u32("Length of the contents", unit="bytes")
    sh_link: int = u32("For symbols: the section that holds their names")
    sh_info: int = u32("For symbols: the first one that is not local")
    sh_addralign: int = u32("Alignment of sh_addr", unit="bytes")
    sh_entsize: int = u32("Bytes in one entry of a table", unit="bytes")


class Elf32Symbol(Structure, c_name="elf32_symbol", size=16, source=_SOURCE):
    """One symbol."""

    st_name: int = u32("Name, from the start of the symbol names", unit="bytes")
    st_value: int = u32("Address; in relocatable files from the start of the section")
    st_size: int = u32("Length, 0 when unknown", unit="bytes")
    st_info: int = u8("Binding in the high, type in the low four bits")
    st_other: int = u8("Visibility")
    st_shndx: int = u16("Section it is defined in, 0 for none")
