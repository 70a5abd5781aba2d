"""Undo journal: the old bytes of an image while new ones are written. Stands beside the image, on the host only."""

from __future__ import annotations

from bfimg.formats.crc import CRC32
from bfimg.formats.structure import Constant, Structure, u16, u32, u64

JOURNAL_MAGIC = Constant(0x4C4A4642, "'BFJL' as it stands on disk")
JOURNAL_VERSION = Constant(1, "Journal format version")

_SOURCE = "bfimg design: transactions"


class JournalHeader(Structure, c_name="journal_header", size=32, source=_SOURCE):
    """Begins a journal. The extents follow, each with its old bytes, then the trailer."""

    magic: int = u32("Marks a journal", const=JOURNAL_MAGIC)
    version: int = u16("Journal format version", const=JOURNAL_VERSION)
    reserved: int = u16("Zero", const=0)
    image_size: int = u64("Size of the image the journal belongs to", unit="bytes")
    extent_count: int = u32("Extents that follow")
    inode: int = u64("Inode number of the image's file: a file that replaced it is not rolled back")
    crc: int = u32("CRC of the 28 bytes before it", crc=CRC32)


class JournalExtent(Structure, c_name="journal_extent", size=24, source=_SOURCE):
    """Old contents of one run of bytes. `stored_size` bytes follow: all of them, or none when they were zero."""

    offset: int = u64("First byte of the run in the image", unit="bytes")
    size: int = u32("Length of the run", unit="bytes", low=1)
    stored_size: int = u32("Bytes that follow: size, or 0 for a run of zeros", unit="bytes")
    data_crc: int = u32("CRC-32/ISO-HDLC of the bytes that follow")
    crc: int = u32("CRC of the 20 bytes before it", crc=CRC32)


class JournalTrailer(Structure, c_name="journal_trailer", size=8, source=_SOURCE):
    """Ends a complete journal. Without it the image was not touched yet."""

    magic: int = u32("Marks the end", const=JOURNAL_MAGIC)
    extent_count: int = u32("As in the header")
