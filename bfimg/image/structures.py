"""Where the structures of an image are: the one list behind `inspect`, `get` and `set`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bfimg.fat.geometry import geometry_of, read_boot_sector
from bfimg.formats.disk_layout import disk_region
from bfimg.formats.fat_boot_sector import FatBootSector32, FsInfo
from bfimg.formats.gpt import GptHeader
from bfimg.formats.jit_cache import (
    JIT_CACHE_MAGIC,
    JIT_CACHE_SUPERBLOCK_A,
    JIT_CACHE_SUPERBLOCK_B,
    JitCacheSuperblock,
)
from bfimg.formats.kernel_header import KernelHeader
from bfimg.formats.mbr import SECTOR_SIZE, Mbr
from bfimg.formats.stage2 import STAGE2_DESCRIPTOR_OFFSET, Stage2Descriptor
from bfimg.formats.structure import Structure
from bfimg.image.gpt import header_offset, read_table
from bfimg.image.probe import Region
from bfimg.image.store import Store


@dataclass(frozen=True)
class Located:
    """A structure in an image: the field path in front of its fields, its byte offset, its contents."""

    prefix: str
    offset: int
    value: Structure


def region_structures(store: Store, region: Region) -> Iterator[Located]:
    """The structures in a region. Raises FormatError where one is cut short or describes no FAT volume."""
    if region.content == "mbr":
        yield _at(store, region.name, region.offset, Mbr)
    elif region.content == "gpt":
        yield from _gpt(store, region)
    elif region.content == "stage2":
        yield _at(store, region.name, region.offset + STAGE2_DESCRIPTOR_OFFSET, Stage2Descriptor)
    elif region.content == "kernel":
        yield _at(store, region.name, kernel_offset(store, region), KernelHeader)
    elif region.content == "jit cache":
        for letter, sector in (("a", JIT_CACHE_SUPERBLOCK_A), ("b", JIT_CACHE_SUPERBLOCK_B)):
            offset = region.offset + sector * SECTOR_SIZE
            # A cache that was never written has no superblocks.
            if int.from_bytes(store.read(offset, 4), "little") == JIT_CACHE_MAGIC:
                yield _at(store, f"{region.name}.{letter}", offset, JitCacheSuperblock)
    elif region.content == "fat":
        boot = read_boot_sector(store.read(region.offset, SECTOR_SIZE), path=store.name, offset=region.offset)
        yield Located(f"{region.name}.bpb", region.offset, boot)
        geometry = geometry_of(boot, path=store.name, offset=region.offset)
        if isinstance(boot, FatBootSector32):
            offset = region.offset + boot.fsinfo_sector * geometry.bytes_per_sector
            yield _at(store, f"{region.name}.fsinfo", offset, FsInfo)


def _gpt(store: Store, region: Region) -> Iterator[Located]:
    """The header, even a damaged one, and the entries in use."""
    offset = header_offset(region.name, region.offset, region.size)
    yield _at(store, region.name, offset, GptHeader)
    table = read_table(store, offset)
    for partition in table.partitions if table is not None else ():
        yield Located(f"{region.name}.entries[{partition.index}]", partition.offset, partition.entry)


def kernel_offset(store: Store, region: Region) -> int:
    """Where the kernel begins: where a sound stage-2 descriptor says, else at the start of its region."""
    place = disk_region("stage2").first_lba * SECTOR_SIZE + STAGE2_DESCRIPTOR_OFFSET
    data = store.read(place, Stage2Descriptor.SIZE)
    if len(data) == Stage2Descriptor.SIZE:
        descriptor = Stage2Descriptor.parse(data)
        if not list(descriptor.problems()):
            return descriptor.kernel_lba * SECTOR_SIZE
    return region.offset


def _at(store: Store, prefix: str, offset: int, structure: type[Structure]) -> Located:
    data = store.read(offset, structure.SIZE)
    return Located(prefix, offset, structure.parse(data, path=store.name, field=prefix))
