"""FAT directory entry and long-name entry, 32 bytes each."""

from __future__ import annotations

from enum import IntEnum

from bfimg.formats.structure import Constant, Structure, raw, text, u8, u16, u32

DIRECTORY_SOURCE = "Microsoft FAT Specification (2005), section 6"

FAT_ENTRY_FREE = Constant(0xE5, "First name byte of a deleted entry")
FAT_ENTRY_END = Constant(0x00, "First name byte of an entry behind which nothing stands")
FAT_ENTRY_KANJI_E5 = Constant(0x05, "First name byte that stands for a real 0xE5")
FAT_LONG_NAME_LAST = Constant(0x40, "Ordinal flag of the last part of a long name, which comes first")
FAT_LONG_NAME_UNITS = Constant(13, "UTF-16 units in one long-name entry")
FAT_LONG_NAME_MAX = Constant(255, "Most UTF-16 units in a long name")


class FatAttribute(IntEnum):
    """Bits of the attribute byte."""

    READ_ONLY = 0x01
    HIDDEN = 0x02
    SYSTEM = 0x04
    VOLUME_ID = 0x08
    DIRECTORY = 0x10
    ARCHIVE = 0x20
    LONG_NAME = 0x0F


class FatNameCase(IntEnum):
    """Bits of `case_flags`: parts of an 8.3 name that are shown in lower case."""

    BASE_LOWER = 0x08
    EXTENSION_LOWER = 0x10


class DirectoryEntry(Structure, c_name="fat_directory_entry", size=32, source=DIRECTORY_SOURCE):
    """A file, a directory or the volume label."""

    name: bytes = text(11, "8.3 name without the dot, each part space-padded", padding=b" ")
    attributes: int = u8("Bits of FatAttribute")
    case_flags: int = u8("Bits of FatNameCase")
    creation_tenths: int = u8("Creation time, finer part", unit="10 ms", high=199)
    creation_time: int = u16("Hours (bits 11-15), minutes (5-10), seconds / 2 (0-4)")
    creation_date: int = u16("Year - 1980 (bits 9-15), month (5-8), day (0-4)")
    access_date: int = u16("Date of the last access, as creation_date")
    first_cluster_high: int = u16("High half of the first cluster; FAT32 only")
    write_time: int = u16("Time of the last write, as creation_time")
    write_date: int = u16("Date of the last write, as creation_date")
    first_cluster_low: int = u16("Low half of the first cluster; 0 for an empty file")
    file_size: int = u32("Length of the file; 0 for a directory", unit="bytes")


class LongNameEntry(
    Structure, c_name="fat_long_name_entry", size=32, source=DIRECTORY_SOURCE + " (long names: section 7)"
):
    """Thirteen UTF-16 units of a long name. Parts stand in reverse order before the 8.3 entry."""

    ordinal: int = u8("Part number from 1; bit 6 marks the last part")
    name_1: bytes = raw(10, "Units 1 to 5")
    attributes: int = u8("Marks a long-name entry", const=FatAttribute.LONG_NAME)
    type: int = u8("Zero", const=0)
    checksum: int = u8("Checksum of the 8.3 name this belongs to")
    name_2: bytes = raw(12, "Units 6 to 11")
    first_cluster: int = u16("Zero", const=0)
    name_3: bytes = raw(4, "Units 12 and 13")
