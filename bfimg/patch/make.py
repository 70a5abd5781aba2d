"""Write a patch file from two images."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import BinaryIO

from bfimg.diff.compare import runs
from bfimg.diff.regions import RegionNames
from bfimg.errors import InputError, UsageError
from bfimg.fat.geometry import read_boot_sector
from bfimg.formats.mbr import SECTOR_SIZE, Mbr
from bfimg.formats.patch import PATCH_HUNK_MAGIC, PatchEnd, PatchHeader, PatchHunk
from bfimg.host_file import replaced_file
from bfimg.image.probe import probe
from bfimg.image.store import Store

_HUNK = PatchHunk.unpacker()
_CRC_PLACE = PatchHunk.offset_of("crc")


def write_patch(old: Store, new: Store, stream: BinaryIO) -> int:
    """Write to `stream` what turns `old` into `new`; returns the number of hunks. Pending changes of either count.

    Raises UsageError when the images are of different size.
    """
    if old.size != new.size:
        raise UsageError(
            f"images of {old.size} and {new.size} bytes: a patch keeps the size", hint="compare images of one size"
        )
    names = RegionNames(probe(old).regions, probe(new).regions)
    crc, count = 0, 0

    def write(data: bytes) -> None:
        nonlocal crc
        crc = zlib.crc32(data, crc)
        stream.write(data)

    write(identity(old).sealed().to_bytes())
    for run in runs(old, new):
        for region, part in names.split(run):
            write(_hunk(region, part.offset, part.old, part.new))
            count += 1
    stream.write(PatchEnd(hunk_count=count, file_crc=crc).sealed().to_bytes())
    return count


def save_patch(old: Store, new: Store, path: Path) -> int:
    """`write_patch` into a file, which is complete or as before.

    Raises InputError when it cannot be written, UsageError when the path is no regular file.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise UsageError("is no regular file", path=str(path), hint="choose a file to write, or - for standard output")
    try:
        with replaced_file(path) as stream:
            return write_patch(old, new, stream)
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"cannot be written: {error.strerror}", path=str(path), hint="free some room or choose another place"
        ) from None


def identity(store: Store) -> PatchHeader:
    """What tells an image from others, as a patch header."""
    signature, volume_id = 0, 0
    found = probe(store)
    if any(region.content == "mbr" for region in found.regions):
        signature = Mbr.parse(store.read(0, SECTOR_SIZE)).disk_signature
    for region in found.regions:
        if region.content == "fat":
            volume_id = read_boot_sector(store.read(region.offset, SECTOR_SIZE)).volume_id
            break
    return PatchHeader(image_size=store.size, disk_signature=signature, volume_id=volume_id)


def _hunk(region: str, offset: int, old: bytes, new: bytes) -> bytes:
    packed_old, packed_new = zlib.compress(old), zlib.compress(new)
    crcs, sizes = (zlib.crc32(old), zlib.crc32(new)), (len(packed_old), len(packed_new))
    # By the derived format: a patch can have hundreds of thousands of hunks.
    head = _HUNK.pack(PATCH_HUNK_MAGIC, len(old), offset, region.encode("ascii"), *crcs, *sizes, 0, 0)
    head = head[:_CRC_PLACE] + zlib.crc32(head[:_CRC_PLACE]).to_bytes(4, "little")
    return head + packed_old + packed_new
