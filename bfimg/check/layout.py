"""Check what stands where: MBR, partitions, regions, raw data in the reserved sectors of a volume."""

from __future__ import annotations

from bfimg.check import codes
from bfimg.check.report import Collector
from bfimg.fat.geometry import Geometry
from bfimg.formats.disk_layout import LEGACY_KERNEL_LBA, disk_region
from bfimg.formats.kernel_header import KERNEL_SIGNATURE, KernelHeader
from bfimg.formats.mbr import SECTOR_SIZE, Mbr, PartitionEntry, PartitionStatus, PartitionType
from bfimg.formats.stage2 import STAGE2_DESCRIPTOR_OFFSET, STAGE2_MAGIC, STAGE2_SIZE, Stage2Descriptor
from bfimg.image.gpt import region_problems
from bfimg.image.probe import Probe, Region
from bfimg.image.store import Store
from bfimg.image.structures import region_structures

_RESERVED_LEGAL = (0x0000, 0x5A5A)
_EVERYTHING = 0xFFFFFFFF  # sectors of a protective entry on a disk too large for the field


def check_mbr(store: Store, found: Probe, collector: Collector) -> None:
    """What boot code that grew too long leaves behind: the bytes from 440 on are not what they may be."""
    region = next((region for region in found.regions if region.content == "mbr"), None)
    if region is None:
        return
    mbr = Mbr.parse(store.read(region.offset, SECTOR_SIZE))
    if mbr.reserved not in _RESERVED_LEGAL:
        place = region.offset + Mbr.offset_of("reserved")
        message = f"is {mbr.reserved:#06x}, must be 0x0000 or 0x5a5a"
        collector.add(codes.MBR_RESERVED, f"{region.name}.reserved", place, message)
    for index, entry in enumerate(mbr.partitions):
        problem = _entry_problem(entry)
        if problem is not None:
            place = region.offset + Mbr.offset_of("partitions") + index * PartitionEntry.SIZE
            collector.add(codes.PARTITION_ENTRY, f"{region.name}.partitions[{index}]", place, problem)


def check_gpt(store: Store, region: Region, collector: Collector) -> None:
    """One copy of a GUID partition table."""
    if region.truncated:
        return
    for located in region_structures(store, region):
        for problem in located.value.problems(located.prefix, located.offset):
            collector.add(codes.GPT, problem.field, problem.offset, problem.message)
    for wrong in region_problems(store, region.name, region.offset, region.size):
        collector.add(codes.GPT, wrong.place, wrong.offset, wrong.message)


def _entry_problem(entry: PartitionEntry) -> str | None:
    if entry.status not in PartitionStatus._value2member_map_:
        return f"status is {entry.status:#04x}, must be 0x00 or 0x80"
    if entry.type == PartitionType.EMPTY and any(entry.packed()):
        return "type is 0, which is unused, but the entry is not empty"
    if entry.type != PartitionType.EMPTY and (entry.lba_start == 0 or entry.sectors == 0):
        return f"begins at sector {entry.lba_start} and has {entry.sectors} sectors"
    return None


def check_regions(store: Store, found: Probe, collector: Collector) -> None:
    """Regions that overlap or leave the disk. Logical partitions stand inside their extended one."""
    for region in found.regions:
        if region.truncated and not _is_protective(region):
            message = f"ends at {_end(region):#x}, the image at {store.size:#x}"
            collector.add(codes.CUT_SHORT, region.name, region.offset, message)
    extended = next((region for region in found.regions if region.content == "extended"), None)
    logical = [region for region in found.regions if extended is not None and _is_logical(region)]
    # A legacy kernel does not say how long it is; the region reaches to the end of the image.
    others = [r for r in found.regions if r not in logical and r.content != "legacy kernel"]
    _check_overlaps(others, collector)
    _check_overlaps(logical, collector)
    for region in logical:
        if extended is not None and not extended.offset <= region.offset < _end(region) <= _end(extended):
            message = f"is not inside {extended.name}"
            collector.add(codes.LOGICAL_OUTSIDE, region.name, region.offset, message)


def _check_overlaps(regions: list[Region], collector: Collector) -> None:
    """Regions in the order of their offsets, each against the one that reaches farthest so far."""
    last: Region | None = None
    for region in regions:
        if last is not None and region.offset < _end(last):
            collector.add(codes.OVERLAP, region.name, region.offset, f"overlaps {last.name}")
        if last is None or _end(region) > _end(last):
            last = region


def _end(region: Region) -> int:
    return region.offset + region.size


def _is_logical(region: Region) -> bool:
    """Logical partitions are numbered from 5 on."""
    number = region.name.removeprefix("part")
    return number != region.name and number.isdigit() and int(number) > 4


def _is_protective(region: Region) -> bool:
    """A GPT's protective entry, which may claim more than there is."""
    return (
        region.note.startswith(f"type {PartitionType.GPT_PROTECTIVE:#04x}") and region.size == _EVERYTHING * SECTOR_SIZE
    )


def check_reserved(store: Store, region: Region, geometry: Geometry, collector: Collector) -> None:
    """Stage 2 and kernel in the reserved sectors of a volume: the first FAT must begin behind them."""
    end = _raw_end(store, region.offset)
    reserved = geometry.reserved_sectors * geometry.bytes_per_sector
    if end > reserved:
        message = f"{reserved // SECTOR_SIZE} sectors are reserved, raw data takes {end // SECTOR_SIZE}"
        collector.add(codes.RESERVED_SECTORS, f"{region.name}.bpb.reserved_sectors", region.offset, message)


def _raw_end(store: Store, base: int) -> int:
    """Where stage 2 and kernel end that stand behind a boot sector at `base`; counted from there, 0 without any."""
    end = 0
    place = base + disk_region("stage2").first_lba * SECTOR_SIZE
    data = store.read(place + STAGE2_DESCRIPTOR_OFFSET, Stage2Descriptor.SIZE)
    if int.from_bytes(data[:4], "little") == STAGE2_MAGIC and len(data) == Stage2Descriptor.SIZE:
        end = SECTOR_SIZE + STAGE2_SIZE
        descriptor = Stage2Descriptor.parse(data)
        if not list(descriptor.problems()):
            end = max(end, (descriptor.kernel_lba + descriptor.kernel_sectors) * SECTOR_SIZE)
    place = base + LEGACY_KERNEL_LBA * SECTOR_SIZE
    data = store.read(place, KernelHeader.SIZE)
    if int.from_bytes(data[:4], "little") == KERNEL_SIGNATURE:
        end = max(end, (LEGACY_KERNEL_LBA + 1) * SECTOR_SIZE)
    return end
