"""What an image is, and which regions it has, found from its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bfimg.fat.geometry import looks_like_fat
from bfimg.formats.disk_layout import DISK_REGIONS, LEGACY_KERNEL_LBA, disk_region
from bfimg.formats.kernel_header import KERNEL_SIGNATURE, KernelHeader
from bfimg.formats.mbr import BOOT_SIGNATURE, FAT_PARTITION_TYPES, SECTOR_SIZE, Mbr, PartitionEntry, PartitionType
from bfimg.formats.stage2 import STAGE2_DESCRIPTOR_OFFSET, STAGE2_MAGIC
from bfimg.image.gpt import BACKUP, PRIMARY, GptTable, best_copy, describe, read_copies
from bfimg.image.store import Store

_EXTENDED = (PartitionType.EXTENDED_CHS, PartitionType.EXTENDED_LBA, PartitionType.EXTENDED_LINUX)
_MOST_LOGICAL = 128


class ImageKind(StrEnum):
    """The kinds of image bfimg tells apart."""

    BAREFLOW = "bareflow"
    LEGACY = "legacy bareflow"
    PARTITIONED = "partitioned disk"
    VOLUME = "fat volume"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Region:
    """A named part of an image. `offset` and `size` in bytes.

    content: "mbr", "gpt", "stage2", "kernel", "jit cache", "fat", "extended" or "data".
    truncated: the image ends first.
    """

    name: str
    offset: int
    size: int
    content: str
    note: str = ""
    truncated: bool = False
    expects_fat: bool = False  # the partition's type says FAT

    @property
    def first_lba(self) -> int:
        return self.offset // SECTOR_SIZE


@dataclass(frozen=True)
class Probe:
    """What was found. Regions are in the order of their offsets."""

    kind: ImageKind
    regions: tuple[Region, ...]


def probe(store: Store) -> Probe:
    """Recognise an image by its contents. Never fails on odd contents: at worst the kind is unknown."""
    sector = store.read(0, SECTOR_SIZE)
    if looks_like_fat(sector):
        return Probe(ImageKind.VOLUME, (Region("fat", 0, store.size, "fat"),))
    if len(sector) < SECTOR_SIZE or sector[-2:] != int(BOOT_SIGNATURE).to_bytes(2, "little"):
        return Probe(ImageKind.UNKNOWN, (Region("data", 0, store.size, "data"),))
    mbr = Mbr.parse(sector)
    partitions = _gpt_regions(store, mbr) or _partitions(store, mbr)
    if _word(store, disk_region("stage2").first_lba * SECTOR_SIZE + STAGE2_DESCRIPTOR_OFFSET) == STAGE2_MAGIC:
        return Probe(ImageKind.BAREFLOW, _with_partitions(store, _bareflow_regions(store), partitions))
    if _has_kernel(store):  # with a damaged stage 2, which the report will say
        return Probe(ImageKind.BAREFLOW, _with_partitions(store, _bareflow_regions(store), partitions))
    if _word(store, LEGACY_KERNEL_LBA * SECTOR_SIZE) == KERNEL_SIGNATURE:
        return Probe(ImageKind.LEGACY, _with_partitions(store, _legacy_regions(store), partitions))
    if partitions:
        mbr_region = Region("mbr", 0, SECTOR_SIZE, "mbr", "boot code and partition table")
        return Probe(ImageKind.PARTITIONED, _with_partitions(store, [mbr_region], partitions))
    boot = Region("boot_sector", 0, SECTOR_SIZE, "mbr", "boot sector without partitions")
    rest = Region("data", SECTOR_SIZE, store.size - SECTOR_SIZE, "data")
    return Probe(ImageKind.UNKNOWN, (boot, rest) if rest.size else (boot,))


def _word(store: Store, offset: int) -> int:
    return int.from_bytes(store.read(offset, 4), "little")


def _has_kernel(store: Store) -> bool:
    """True for a sound kernel header in its place. A legacy kernel has the signature and nothing more."""
    data = store.read(disk_region("kernel").first_lba * SECTOR_SIZE, KernelHeader.SIZE)
    return len(data) == KernelHeader.SIZE and not list(KernelHeader.parse(data).problems())


def _bareflow_regions(store: Store) -> list[Region]:
    regions = []
    for region in DISK_REGIONS:
        if region.end_lba is not None:
            offset, size = region.first_lba * SECTOR_SIZE, region.sectors * SECTOR_SIZE
            content = region.name.replace("_", " ")
            truncated = offset + size > store.size
            regions.append(Region(region.name, offset, size, content, region.meaning, truncated))
    return regions


def _legacy_regions(store: Store) -> list[Region]:
    kernel = LEGACY_KERNEL_LBA * SECTOR_SIZE
    return [
        Region("mbr", 0, SECTOR_SIZE, "mbr", "stage 1"),
        Region("stage2", SECTOR_SIZE, kernel - SECTOR_SIZE, "data", "stage 2 without a descriptor"),
        Region("kernel", kernel, store.size - kernel, "legacy kernel", "kernel without a header behind its signature"),
    ]


def _partitions(store: Store, mbr: Mbr) -> list[Region]:
    """Primary partitions, then logical ones; an unusable table entry still makes a region, marked truncated."""
    regions = []
    for index, entry in enumerate(mbr.partitions, 1):
        if entry.type == PartitionType.EMPTY or entry.sectors == 0 or entry.status not in (0x00, 0x80):
            continue
        regions.append(_partition(store, f"part{index}", entry, 0))
        if entry.type in _EXTENDED:
            regions += _logical_partitions(store, entry.lba_start)
    return regions


def _partition(store: Store, name: str, entry: PartitionEntry, base: int) -> Region:
    known = entry.type in PartitionType._value2member_map_
    type_name = PartitionType(entry.type).name.lower().replace("_", " ") if known else "unknown type"
    note = f"type {entry.type:#04x} {type_name}"
    content = "extended" if entry.type in _EXTENDED else "data"
    expects_fat = entry.type in FAT_PARTITION_TYPES
    return _region(store, name, base + entry.lba_start, entry.sectors, content, note, expects_fat=expects_fat)


def _region(
    store: Store, name: str, first_lba: int, sectors: int, content: str, note: str, *, expects_fat: bool = False
) -> Region:
    """A partition; "data" that begins with a FAT boot sector is "fat".

    So is what should begin with one and does not, unless it was never formatted: reading it then says what is wrong.
    """
    offset, size = first_lba * SECTOR_SIZE, sectors * SECTOR_SIZE
    sector = store.read(offset, SECTOR_SIZE) if content == "data" else b""
    if looks_like_fat(sector) or (expects_fat and any(sector)):
        content = "fat"
    return Region(name, offset, size, content, note, offset + size > store.size, expects_fat)


def _gpt_regions(store: Store, mbr: Mbr) -> list[Region]:
    """Both copies of a GUID partition table, and its partitions. Empty without a protective MBR.

    A first copy that cannot be read still is a region, so that the report can say so.
    """
    if all(entry.type != PartitionType.GPT_PROTECTIVE for entry in mbr.partitions):
        return []
    primary, backup = read_copies(store)
    table = best_copy(primary, backup)
    regions = [_gpt_copy(store, PRIMARY, primary)]
    if backup is not None:
        regions.append(_gpt_copy(store, BACKUP, backup))
    for partition in table.partitions if table is not None else ():
        entry = partition.entry
        if entry.first_lba <= entry.last_lba:
            sectors = entry.last_lba - entry.first_lba + 1
            name = f"part{partition.index + 1}"
            regions.append(_region(store, name, entry.first_lba, sectors, "data", describe(entry)))
    return regions


def _gpt_copy(store: Store, name: str, table: GptTable | None) -> Region:
    start, end = (SECTOR_SIZE, 2 * SECTOR_SIZE) if table is None else table.extent(name)
    note = "GUID partition table" if name == PRIMARY else "second copy of the GUID partition table"
    return Region(name, start, end - start, "gpt", note, end > store.size)


def _logical_partitions(store: Store, extended_lba: int) -> list[Region]:
    """The chain of extended boot records: each names one partition and the next record.

    Ends at a record met before, at one that is none, or after 128.
    """
    regions: list[Region] = []
    seen: set[int] = set()
    lba = extended_lba
    while lba not in seen and len(seen) < _MOST_LOGICAL:
        seen.add(lba)
        sector = store.read(lba * SECTOR_SIZE, SECTOR_SIZE)
        if len(sector) < SECTOR_SIZE or sector[-2:] != int(BOOT_SIGNATURE).to_bytes(2, "little"):
            break
        first, following, *_ = Mbr.parse(sector).partitions
        if first.type != PartitionType.EMPTY and first.sectors:
            regions.append(_partition(store, f"part{5 + len(regions)}", first, lba))
        if following.type not in _EXTENDED or following.lba_start == 0:
            break
        lba = extended_lba + following.lba_start
    return regions


def _with_partitions(store: Store, regions: list[Region], partitions: list[Region]) -> tuple[Region, ...]:
    return tuple(sorted([*regions, *partitions], key=lambda region: (region.offset, -region.size)))
