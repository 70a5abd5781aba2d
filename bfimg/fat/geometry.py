"""Where things are on a FAT volume, computed from its BIOS parameter block."""

from __future__ import annotations

from dataclasses import dataclass

from bfimg.errors import FormatError
from bfimg.formats.fat_boot_sector import (
    FAT12_MAX_CLUSTERS,
    FAT16_MAX_CLUSTERS,
    FAT32_MAX_CLUSTERS,
    FAT_FIRST_CLUSTER,
    FatBootSector16,
    FatBootSector32,
)
from bfimg.formats.fat_directory import DirectoryEntry
from bfimg.formats.mbr import SECTOR_SIZE

FatBootSector = FatBootSector16 | FatBootSector32


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes and places of a volume. Offsets are in bytes from its first sector."""

    bits: int  # 12, 16 or 32: the width of a FAT entry
    bytes_per_sector: int
    sectors_per_cluster: int
    reserved_sectors: int
    fat_count: int
    sectors_per_fat: int
    root_entries: int
    total_sectors: int
    root_cluster: int  # 0 on FAT12 and FAT16, whose root directory stands outside the clusters

    @property
    def cluster_bytes(self) -> int:
        return self.bytes_per_sector * self.sectors_per_cluster

    @property
    def fat_bytes(self) -> int:
        return self.sectors_per_fat * self.bytes_per_sector

    def fat_offset(self, copy: int = 0) -> int:
        return self.reserved_sectors * self.bytes_per_sector + copy * self.fat_bytes

    @property
    def root_offset(self) -> int:
        """Start of the fixed root directory (FAT12, FAT16)."""
        return self.fat_offset(self.fat_count)

    @property
    def root_bytes(self) -> int:
        return self.root_entries * DirectoryEntry.SIZE

    @property
    def data_offset(self) -> int:
        """Start of cluster 2. The fixed root directory takes whole sectors."""
        return self.root_offset + -(-self.root_bytes // self.bytes_per_sector) * self.bytes_per_sector

    @property
    def cluster_count(self) -> int:
        data_sectors = self.total_sectors - self.data_offset // self.bytes_per_sector
        return data_sectors // self.sectors_per_cluster

    @property
    def cluster_end(self) -> int:
        """One past the highest cluster number."""
        return self.cluster_count + FAT_FIRST_CLUSTER

    @property
    def total_bytes(self) -> int:
        return self.total_sectors * self.bytes_per_sector

    def cluster_offset(self, cluster: int) -> int:
        return self.data_offset + (cluster - FAT_FIRST_CLUSTER) * self.cluster_bytes


def fat_bits(cluster_count: int) -> int:
    """12, 16 or 32: the cluster count alone decides (Microsoft FAT Specification, section 3.5)."""
    if cluster_count <= FAT12_MAX_CLUSTERS:
        return 12
    return 16 if cluster_count <= FAT16_MAX_CLUSTERS else 32


def read_boot_sector(data: bytes, *, path: str | None = None, offset: int = 0) -> FatBootSector:
    """The boot sector of a FAT volume: the FAT32 form when the 16-bit FAT size is 0, else the other.

    Raises FormatError when it is truncated.
    """
    head = FatBootSector16.parse(data, path=path, field="fat.bpb")
    if head.sectors_per_fat_16 == 0:
        return FatBootSector32.parse(data, path=path, field="fat.bpb")
    return head


def geometry_of(boot: FatBootSector, *, path: str | None = None, offset: int = 0) -> Geometry:
    """The geometry a boot sector describes.

    path, offset: the image and the byte offset of the volume in it, for messages.
    Raises FormatError, naming the field, when the values make no FAT volume.
    """

    def refuse(field: str, message: str) -> FormatError:
        place = offset + boot.offset_of(field)
        return FormatError(message, path=path, offset=place, field=f"fat.bpb.{field}", hint="this is no FAT volume")

    sector = boot.bytes_per_sector
    if sector not in (512, 1024, 2048, 4096):
        raise refuse("bytes_per_sector", f"is {sector}, must be 512, 1024, 2048 or 4096")
    cluster = boot.sectors_per_cluster
    if cluster == 0 or cluster & (cluster - 1):
        raise refuse("sectors_per_cluster", f"is {cluster}, must be a power of two up to 128")
    if boot.reserved_sectors == 0:
        raise refuse("reserved_sectors", "is 0, the boot sector itself takes one")
    if boot.fat_count not in (1, 2):
        raise refuse("fat_count", f"is {boot.fat_count}, must be 1 or 2")
    wide = isinstance(boot, FatBootSector32)
    total = boot.total_sectors_16 or boot.total_sectors_32
    if total == 0:
        raise refuse("total_sectors_32", "is 0, as is total_sectors_16")
    size = boot.sectors_per_fat_32 if isinstance(boot, FatBootSector32) else boot.sectors_per_fat_16
    if size == 0:
        raise refuse("sectors_per_fat_32", "is 0, as is sectors_per_fat_16")
    if not wide and boot.root_entries == 0:
        raise refuse("root_entries", "is 0, only FAT32 has no fixed root directory")
    if wide and boot.root_entries:
        raise refuse("root_entries", f"is {boot.root_entries}, FAT32 has no fixed root directory")
    geometry = Geometry(
        bits=32,
        bytes_per_sector=sector,
        sectors_per_cluster=cluster,
        reserved_sectors=boot.reserved_sectors,
        fat_count=boot.fat_count,
        sectors_per_fat=size,
        root_entries=boot.root_entries,
        total_sectors=total,
        root_cluster=boot.root_cluster if isinstance(boot, FatBootSector32) else 0,
    )
    if geometry.cluster_count < 1:
        raise refuse("total_sectors_16" if boot.total_sectors_16 else "total_sectors_32", "leaves no room for data")
    bits = 32 if wide else fat_bits(geometry.cluster_count)
    if bits == 32 and not wide:
        raise refuse("sectors_per_fat_16", f"stands for FAT16, but {geometry.cluster_count} clusters are FAT32")
    if geometry.cluster_count > FAT32_MAX_CLUSTERS:
        raise refuse("total_sectors_32", f"makes {geometry.cluster_count} clusters, FAT32 has room for fewer")
    if geometry.fat_bytes * 8 < geometry.cluster_end * bits:
        field = "sectors_per_fat_32" if wide else "sectors_per_fat_16"
        raise refuse(field, f"is {size}: too small for {geometry.cluster_count} clusters of FAT{bits}")
    return Geometry(bits, *(getattr(geometry, name) for name in Geometry.__dataclass_fields__ if name != "bits"))


def looks_like_fat(data: bytes) -> bool:
    """True when a sector is a plausible FAT boot sector (also decides MBR against bare volume)."""
    if len(data) < SECTOR_SIZE or data[510:512] != b"\x55\xaa" or data[0] not in (0xEB, 0xE9):
        return False
    try:
        geometry_of(read_boot_sector(data))
    except FormatError:
        return False
    return True
