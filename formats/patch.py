"""Patch file (`.bfpatch`): what to change in an image, with the bytes that must be there before. On the host only.

A header, then the hunks, sorted by offset, each with its old and its new bytes (two zlib streams), then the end.
"""

from __future__ import annotations

from bfimg.formats.crc import CRC32
from bfimg.formats.structure import Constant, Structure, text, u16, u32, u64

PATCH_MAGIC = Constant(0x50424642, "'BFBP' as it stands on disk")
PATCH_VERSION = Constant(1, "Patch format version")
PATCH_HUNK_MAGIC = Constant(0x48424642, "'BFBH' as it stands on disk")
PATCH_END_MAGIC = Constant(0x45424642, "'BFBE' as it stands on disk")
PATCH_HUNK_BYTES = Constant(65_536, "Most bytes one hunk replaces", "bytes")

_SOURCE = "bfimg design: patch file"


class PatchHeader(Structure, c_name="patch_header", size=32, source=_SOURCE):
    """Begins a patch file, and tells which image it is for. The identity explains a mismatch; it never decides."""

    magic: int = u32("Marks a patch file", const=PATCH_MAGIC)
    version: int = u16("Patch format version", const=PATCH_VERSION)
    flags: int = u16("None defined yet", const=0)
    image_size: int = u64("Size of the image, before and after", unit="bytes")
    disk_signature: int = u32("MBR disk signature of the old image; 0 without an MBR")
    volume_id: int = u32("Volume id of the old image's first FAT volume; 0 without one")
    reserved: int = u32("Zero", const=0)
    crc: int = u32("CRC of the 28 bytes before it", crc=CRC32)


class PatchHunk(Structure, c_name="patch_hunk", size=64, source=_SOURCE):
    """Replaces one run of bytes. The compressed old bytes follow, then the compressed new ones."""

    magic: int = u32("Marks a hunk", const=PATCH_HUNK_MAGIC)
    size: int = u32("Length of the run", unit="bytes", low=1, high=PATCH_HUNK_BYTES)
    offset: int = u64("First byte of the run in the image", unit="bytes")
    region: bytes = text(24, "Region the run is in, for messages; empty between regions")
    old_crc: int = u32("CRC-32/ISO-HDLC of the old bytes")
    new_crc: int = u32("CRC-32/ISO-HDLC of the new bytes")
    old_stored: int = u32("Length of the zlib stream with the old bytes", unit="bytes", low=1)
    new_stored: int = u32("Length of the zlib stream with the new bytes", unit="bytes", low=1)
    reserved: int = u32("Zero", const=0)
    crc: int = u32("CRC of the 60 bytes before it", crc=CRC32)


class PatchEnd(Structure, c_name="patch_end", size=16, source=_SOURCE):
    """Ends a complete patch file."""

    magic: int = u32("Marks the end", const=PATCH_END_MAGIC)
    hunk_count: int = u32("Hunks in the file")
    file_crc: int = u32("CRC-32/ISO-HDLC of everything before this structure")
    crc: int = u32("CRC of the 12 bytes before it", crc=CRC32)
