"""Make a FAT volume: choose its geometry, write boot sector, FATs and root directory.

Source: Microsoft FAT Specification (2005), section 3.5 (FAT type), and its tables of cluster sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bfimg.errors import FitError, UsageError
from bfimg.fat.directory import make_entry
from bfimg.fat.geometry import Geometry, fat_bits
from bfimg.fat.names import check_name
from bfimg.formats.fat_boot_sector import (
    FAT12_MAX_CLUSTERS,
    FAT16_MAX_CLUSTERS,
    FAT16_MIN_CLUSTERS,
    FAT32_MAX_CLUSTERS,
    FAT_MEDIA_FIXED,
    FatBootSector16,
    FatBootSector32,
    FsInfo,
)
from bfimg.formats.fat_directory import DirectoryEntry, FatAttribute
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.image.store import Store

# Other tools differ by one at the borders of the types; when the choice is ours, keep away from them.
_MARGIN = 100
_LIMITS = {12: (1, FAT12_MAX_CLUSTERS), 16: (FAT16_MIN_CLUSTERS, FAT16_MAX_CLUSTERS), 32: (65_525, FAT32_MAX_CLUSTERS)}
_CLUSTER_SECTORS = (1, 2, 4, 8, 16, 32, 64, 128)
_PREFERRED_CLUSTER = {12: 512, 16: 2048, 32: 4096}
_SECTORS_PER_TRACK = 32
_HEADS = 64
_HALT_CODE = b"\xfa\xf4\xeb\xfd"  # cli; hlt; jmp back: the volume itself does not boot
NO_LABEL = b"NO NAME    "  # in the boot sector of a volume without a label
_LABEL_CHARACTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#$%&'()-@^_`{}~")


@dataclass(frozen=True, slots=True)
class FatOptions:
    """What a new volume is to be. 0 or None leaves the choice to us. Sizes in sectors of 512 bytes."""

    total_sectors: int
    bits: int = 0
    sectors_per_cluster: int = 0
    root_entries: int = 512
    hidden_sectors: int = 0
    volume_id: int = 0
    label: str = ""
    oem_name: str = "BFIMG"


def plan(options: FatOptions) -> Geometry:
    """The geometry that `format_volume` will use.

    Without `bits`: FAT12 below 4 MiB, FAT16 to 512 MiB, else FAT32. Raises FitError when no cluster size gives
    a legal cluster count, UsageError for a cluster size that is no power of two up to 128 sectors.
    """
    sectors = options.total_sectors
    bits = options.bits or (12 if sectors < 8_400 else 16 if sectors <= 1_048_576 else 32)
    if options.sectors_per_cluster not in (0, *_CLUSTER_SECTORS):
        raise UsageError(f"{options.sectors_per_cluster} sectors per cluster", hint="use a power of two from 1 to 128")
    low, high = _LIMITS[bits]
    if options.sectors_per_cluster:
        sizes: tuple[int, ...] = (options.sectors_per_cluster,)
    else:
        preferred = _PREFERRED_CLUSTER[bits] // SECTOR_SIZE
        larger = [size for size in _CLUSTER_SECTORS if size >= preferred]
        smaller = [size for size in reversed(_CLUSTER_SECTORS) if size < preferred]
        sizes = (*larger, *smaller)
    margin = 0 if options.sectors_per_cluster else _MARGIN
    fallback = None
    for size in sizes:
        geometry = _geometry(options, bits, size)
        count = geometry.cluster_count if geometry is not None else 0
        if geometry is not None and low <= count <= high and fat_bits(count) == bits:
            if low + margin <= count <= high - margin or low == 1:
                return geometry
            fallback = fallback or geometry
    if fallback is not None:
        return fallback
    raise FitError(
        f"{sectors} sectors make no FAT{bits} volume: it needs {low} to {high} clusters",
        hint="change the size, the cluster size or the FAT type",
    )


def _geometry(options: FatOptions, bits: int, cluster_sectors: int) -> Geometry | None:
    """Geometry with the smallest FAT that covers the clusters, or None when nothing is left for data."""
    reserved = 32 if bits == 32 else 1
    root_entries = 0 if bits == 32 else options.root_entries
    root_sectors = -(-root_entries * DirectoryEntry.SIZE // SECTOR_SIZE)

    def covers(fat_sectors: int) -> bool:
        clusters = (options.total_sectors - reserved - 2 * fat_sectors - root_sectors) // cluster_sectors
        return (clusters + 2) * bits <= fat_sectors * 8 * SECTOR_SIZE

    # Begin with the FAT for more clusters than there can be, then take away what is not needed.
    fat_sectors = -(-(options.total_sectors // cluster_sectors + 2) * bits // (8 * SECTOR_SIZE))
    if options.total_sectors - reserved - 2 * fat_sectors - root_sectors < cluster_sectors:
        return None
    while fat_sectors > 1 and covers(fat_sectors - 1):
        fat_sectors -= 1
    return Geometry(
        bits=bits,
        bytes_per_sector=SECTOR_SIZE,
        sectors_per_cluster=cluster_sectors,
        reserved_sectors=reserved,
        fat_count=2,
        sectors_per_fat=fat_sectors,
        root_entries=root_entries,
        total_sectors=options.total_sectors,
        root_cluster=2 if bits == 32 else 0,
    )


def encode_label(label: str) -> bytes:
    """The 11 bytes of a volume label, upper case. Raises UsageError for one FAT does not allow."""
    text = label.upper()
    if len(text) > 11 or not set(text) <= _LABEL_CHARACTERS or text.startswith(" "):
        raise UsageError(
            f"{label!r} is no volume label", hint="use at most 11 letters, digits, spaces or !#$%&'()-@^_`{}~"
        )
    if text.strip():
        check_name(text.rstrip(" "))
    return text.ljust(11).encode("ascii")


def format_volume(store: Store, offset: int, options: FatOptions, when: datetime) -> Geometry:
    """Write an empty volume `offset` bytes into the image. `when` stamps the label.

    The place is taken to be zero, as in a blank image. Raises as `plan` and `encode_label` do.
    """
    geometry = plan(options)
    label = encode_label(options.label) if options.label else b""
    if offset + geometry.total_bytes > store.size:
        raise FitError(
            f"volume of {geometry.total_bytes} bytes, {store.size - offset} are there", hint="make the image larger"
        )
    boot = _boot_sector(options, geometry, label or NO_LABEL)
    store.write(offset, boot.to_bytes())
    if isinstance(boot, FatBootSector32):
        # The root directory's first cluster is in use.
        info = FsInfo(free_clusters=geometry.cluster_count - 1, next_free=3)
        for copy in (0, boot.backup_boot_sector):
            store.write(offset + copy * SECTOR_SIZE, boot.to_bytes())
            store.write(offset + (copy + boot.fsinfo_sector) * SECTOR_SIZE, info.to_bytes())
    for copy in range(geometry.fat_count):
        store.write(offset + geometry.fat_offset(copy), _first_entries(geometry.bits))
    if label:
        entry = make_entry(FatAttribute.VOLUME_ID, 0, 0, when).replace(name=label)
        root = geometry.cluster_offset(2) if geometry.bits == 32 else geometry.root_offset
        store.write(offset + root, entry.to_bytes())
    return geometry


def _first_entries(bits: int) -> bytes:
    """Entries 0 (media) and 1 (end mark), and on FAT32 entry 2: the root directory."""
    if bits == 12:
        return bytes([FAT_MEDIA_FIXED, 0xFF, 0xFF])
    if bits == 16:
        return bytes([FAT_MEDIA_FIXED, 0xFF, 0xFF, 0xFF])
    return bytes([FAT_MEDIA_FIXED, 0xFF, 0xFF, 0x0F, 0xFF, 0xFF, 0xFF, 0x0F, 0xFF, 0xFF, 0xFF, 0x0F])


def _boot_sector(options: FatOptions, geometry: Geometry, label: bytes) -> FatBootSector16 | FatBootSector32:
    small = geometry.total_sectors < 0x10000 and geometry.bits != 32
    common: dict[str, Any] = {
        "oem_name": options.oem_name.encode("ascii").ljust(8),
        "bytes_per_sector": SECTOR_SIZE,
        "sectors_per_cluster": geometry.sectors_per_cluster,
        "reserved_sectors": geometry.reserved_sectors,
        "fat_count": geometry.fat_count,
        "root_entries": geometry.root_entries,
        "total_sectors_16": geometry.total_sectors if small else 0,
        "total_sectors_32": 0 if small else geometry.total_sectors,
        "sectors_per_track": _SECTORS_PER_TRACK,
        "heads": _HEADS,
        "hidden_sectors": options.hidden_sectors,
        "volume_id": options.volume_id,
        "volume_label": label,
        "type_text": f"FAT{geometry.bits}".ljust(8).encode("ascii"),
    }
    if geometry.bits == 32:
        return FatBootSector32(
            jump=b"\xeb\x58\x90",
            sectors_per_fat_32=geometry.sectors_per_fat,
            boot_code=_HALT_CODE.ljust(420, b"\0"),
            **common,
        )
    return FatBootSector16(
        sectors_per_fat_16=geometry.sectors_per_fat, boot_code=_HALT_CODE.ljust(448, b"\0"), **common
    )
