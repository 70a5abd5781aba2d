"""Disk layout "bareflow": which sectors belong to which region."""

from __future__ import annotations

from dataclasses import dataclass

from bfimg.formats.structure import Constant


@dataclass(frozen=True)
class DiskRegion:
    """Sectors `first_lba` up to, not including, `end_lba`. The partition's end is the layout's choice."""

    name: str
    first_lba: int
    end_lba: int | None
    meaning: str

    @property
    def sectors(self) -> int:
        """Length in sectors; 0 when the layout chooses."""
        return 0 if self.end_lba is None else self.end_lba - self.first_lba


DISK_REGIONS = (
    DiskRegion("mbr", 0, 1, "Stage 1 (at most 440 bytes of code), disk signature, partition table"),
    DiskRegion("stage2", 1, 9, "Stage 2, exactly 4,096 bytes, with its descriptor"),
    DiskRegion("kernel", 9, 1024, "Kernel header and image; 896 sectors at most are loaded"),
    DiskRegion("jit_cache", 1024, 2048, "Compiled code, written by the running kernel"),
    DiskRegion("part1", 2048, None, "FAT16 volume with modules and everything else"),
)

_BY_NAME = {region.name: region for region in DISK_REGIONS}


def disk_region(name: str) -> DiskRegion:
    """The region called `name`. Raises KeyError when the layout has none."""
    return _BY_NAME[name]


KERNEL_MAX_SECTORS = Constant(896, "Most sectors of a kernel, header included", "sectors")

LEGACY_IMAGE_SIZE = Constant(1_474_560, "Size of a legacy BareFlow image, a 1.44 MB floppy", "bytes")
LEGACY_KERNEL_LBA = Constant(9, "Where a legacy image has its kernel signature", "LBA")
LEGACY_LOADER_SECTORS = Constant(128, "Sectors the legacy loader reads, whatever the kernel's size", "sectors")
