"""Make a FAT volume: choose its geometry, write boot sector, FATs and root directory.

Source: Microsoft FAT Specification (2005), section 3.5 (FAT type), and its tables of cluster sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bfimg.errors import FitError, UsageError
from bfimg.fat.directory import make_entry
from bfimg.fat.geometry import Geometry
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
_LIMITS = {
    12: (1, FAT12_MAX_CLUSTERS),
    16: (FAT16_MIN_CLUSTERS, FAT16_MAX_CLUSTERS),
    32: (FAT16_MAX_CLUSTERS + 1, FAT32_MAX_CLUSTERS),
}
_CLUSTER_SECTORS = (1, 2, 4, 8, 16, 32, 64, 128)
_PREFERRED_CLUSTER = {12: 512, 16: 2048, 32: 4096}
_ENTRIES_PER_SECTOR = SECTOR_SIZE // DirectoryEntry.SIZE
_RESERVED = {12: 1, 16: 1, 32: 32}
_FAT32_LEAST_RESERVED = 8  # boot sector and FSInfo, and their copies from sector 6 on
_HALT_CODE = b"\xfa\xf4\xeb\xfd"  # cli; hlt; jmp back: the volume itself does not boot
NO_LABEL = b"NO NAME    "  # in the boot sector of a volume without a label
_LABEL_CHARACTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#$%&'()-@^_`{}~")


@dataclass(frozen=True, slots=True)
class FatOptions:
    """What a new volume is to be. 0 leaves the choice to us, except for hidden_sectors and volume_id.

    Sizes in sectors of 512 bytes. bits: 12, 16 or 32. sectors_per_track, heads: the geometry that INT 13h is told.
    """

    total_sectors: int
    bits: int = 0
    sectors_per_cluster: int = 0
    root_entries: int = 0
    reserved_sectors: int = 0
    fat_count: int = 2
    sectors_per_track: int = 0
    heads: int = 0
    hidden_sectors: int = 0
    volume_id: int = 0
    label: str = ""
    oem_name: str = "BFIMG"


@dataclass(frozen=True, slots=True)
class _Medium:
    """What is usual for volumes of one size."""

    media: int
    drive: int
    sectors_per_track: int
    heads: int
    sectors_per_cluster: int
    root_entries: int


_DISK = _Medium(FAT_MEDIA_FIXED, 0x80, 32, 64, 0, 512)
# Floppy disks by their sectors: BIOSes and mtools know them by exactly these values.
_FLOPPIES = {
    720: _Medium(0xFD, 0, 9, 2, 2, 112),
    1440: _Medium(0xF9, 0, 9, 2, 2, 112),
    2400: _Medium(0xF9, 0, 15, 2, 1, 224),
    2880: _Medium(0xF0, 0, 18, 2, 1, 224),
    5760: _Medium(0xF0, 0, 36, 2, 2, 240),
}


def _medium(options: FatOptions) -> _Medium:
    return _FLOPPIES.get(options.total_sectors, _DISK) if options.bits in (0, 12) else _DISK


def plan(options: FatOptions) -> Geometry:
    """The geometry that `format_volume` will use.

    Without `bits`: FAT12 below 4 MiB, FAT16 to 512 MiB, else FAT32; another type where only that one goes with the
    cluster size. Raises FitError when no cluster size gives a legal cluster count, UsageError for a value that no FAT
    volume can have.
    """
    _check(options)
    sectors = options.total_sectors
    preferred = 12 if sectors < 8_400 else 16 if sectors <= 1_048_576 else 32
    types = (options.bits,) if options.bits else (preferred, *(bits for bits in _LIMITS if bits != preferred))
    for bits in types:
        geometry = _best_geometry(options, bits)
        if geometry is not None:
            return geometry
    bits = types[0]
    low, high = _LIMITS[bits]
    raise FitError(
        f"{sectors} sectors make no FAT{bits} volume: it needs {low} to {int(high)} clusters",
        hint="change the size, the cluster size or the FAT type",
    )


def _check(options: FatOptions) -> None:
    """Raises UsageError for values that no FAT volume can have."""
    if options.bits not in (0, *_LIMITS):
        raise UsageError(f"FAT{options.bits}", hint="use 12, 16 or 32")
    if options.sectors_per_cluster not in (0, *_CLUSTER_SECTORS):
        raise UsageError(f"{options.sectors_per_cluster} sectors per cluster", hint="use a power of two from 1 to 128")
    if options.fat_count not in (1, 2):
        raise UsageError(f"{options.fat_count} FATs", hint="use 1 or 2")
    if options.root_entries % _ENTRIES_PER_SECTOR or not 0 <= options.root_entries <= 65_520:
        raise UsageError(f"{options.root_entries} root entries", hint="use a multiple of 16 up to 65520")
    for name in ("reserved_sectors", "sectors_per_track", "heads"):
        value = getattr(options, name)
        if not 0 <= value <= 0xFFFF:
            raise UsageError(f"{name} is {value}", hint="use 1 to 65535")
    for name in ("total_sectors", "hidden_sectors", "volume_id"):
        value = getattr(options, name)
        if not 0 <= value <= 0xFFFFFFFF:
            raise UsageError(f"{name} is {value}", hint="the field has 32 bits")
    name = options.oem_name
    if len(name) > 8 or not name.isascii() or not name.isprintable():
        raise UsageError(f"{name!r} is no OEM name", hint="use at most 8 ASCII characters")


def _best_geometry(options: FatOptions, bits: int) -> Geometry | None:
    """The first cluster size with a legal count away from the borders of the type; else one at a border; else None."""
    if bits == 32 and 0 < options.reserved_sectors < _FAT32_LEAST_RESERVED:
        if options.bits == 32:
            raise UsageError(
                f"{options.reserved_sectors} reserved sectors", hint=f"FAT32 needs {_FAT32_LEAST_RESERVED} or more"
            )
        return None
    chosen = options.sectors_per_cluster or _medium(options).sectors_per_cluster
    if chosen:
        sizes: tuple[int, ...] = (chosen,)
    else:
        preferred = _PREFERRED_CLUSTER[bits] // SECTOR_SIZE
        larger = [size for size in _CLUSTER_SECTORS if size >= preferred]
        smaller = [size for size in reversed(_CLUSTER_SECTORS) if size < preferred]
        sizes = (*larger, *smaller)
    low, high = _LIMITS[bits]
    margin = 0 if chosen else _MARGIN
    fallback = None
    for size in sizes:
        geometry = _geometry(options, bits, size)
        count = geometry.cluster_count if geometry is not None else 0
        if geometry is not None and low <= count <= high:
            if (low == 1 or low + margin <= count) and count <= high - margin:
                return geometry
            fallback = fallback or geometry
    return fallback


def _geometry(options: FatOptions, bits: int, cluster_sectors: int) -> Geometry | None:
    """Geometry with the smallest FAT that covers the clusters, or None when nothing is left for data."""
    reserved = options.reserved_sectors or _RESERVED[bits]
    root_entries = 0 if bits == 32 else options.root_entries or _medium(options).root_entries
    root_sectors = root_entries // _ENTRIES_PER_SECTOR
    data_sectors = options.total_sectors - reserved - root_sectors  # FATs included
    if data_sectors <= 0:
        return None

    def clusters(fat_sectors: int) -> int:
        return (data_sectors - options.fat_count * fat_sectors) // cluster_sectors

    def covers(fat_sectors: int) -> bool:
        return (clusters(fat_sectors) + 2) * bits <= fat_sectors * 8 * SECTOR_SIZE

    # Each FAT sector takes its own room, too: begin a little above the solution of that equation, then go down.
    per_sector = 8 * SECTOR_SIZE * cluster_sectors + bits * options.fat_count
    fat_sectors = -(-(data_sectors + 2 * cluster_sectors) * bits // per_sector) + 2
    while fat_sectors > 1 and covers(fat_sectors - 1):
        fat_sectors -= 1
    if clusters(fat_sectors) < 1 or (bits != 32 and fat_sectors > 0xFFFF):
        return None
    return Geometry(
        bits=bits,
        bytes_per_sector=SECTOR_SIZE,
        sectors_per_cluster=cluster_sectors,
        reserved_sectors=reserved,
        fat_count=options.fat_count,
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

    What stood in the reserved sectors, the FATs and the root directory is cleared; clusters keep their bytes, which
    no file has any more. Raises as `plan` and `encode_label` do.
    """
    geometry = plan(options)
    label = encode_label(options.label) if options.label else b""
    if offset + geometry.total_bytes > store.size:
        raise FitError(
            f"volume of {geometry.total_bytes} bytes, {store.size - offset} are there", hint="make the image larger"
        )
    root_end = geometry.data_offset + (geometry.cluster_bytes if geometry.bits == 32 else 0)
    store.clear(offset, root_end)
    medium = _medium(options)
    boot = _boot_sector(options, geometry, label or NO_LABEL, medium)
    encoded = boot.to_bytes()
    store.write(offset, encoded)
    if isinstance(boot, FatBootSector32):
        # The root directory's first cluster is in use.
        info = FsInfo(free_clusters=geometry.cluster_count - 1, next_free=3).to_bytes()
        store.write(offset + boot.backup_boot_sector * SECTOR_SIZE, encoded)
        for copy in (0, boot.backup_boot_sector):
            store.write(offset + (copy + boot.fsinfo_sector) * SECTOR_SIZE, info)
    for copy in range(geometry.fat_count):
        store.write(offset + geometry.fat_offset(copy), _first_entries(geometry.bits, medium.media))
    if label:
        entry = make_entry(FatAttribute.VOLUME_ID, 0, 0, when).replace(name=label)
        root = geometry.cluster_offset(2) if geometry.bits == 32 else geometry.root_offset
        store.write(offset + root, entry.to_bytes())
    return geometry


def _first_entries(bits: int, media: int) -> bytes:
    """Entries 0 (media) and 1 (end mark), and on FAT32 entry 2: the root directory."""
    if bits == 32:
        return bytes([media, 0xFF, 0xFF, 0x0F, 0xFF, 0xFF, 0xFF, 0x0F, 0xFF, 0xFF, 0xFF, 0x0F])
    return bytes([media]).ljust(bits // 4, b"\xff")


def _boot_sector(
    options: FatOptions, geometry: Geometry, label: bytes, medium: _Medium
) -> FatBootSector16 | FatBootSector32:
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
        "media": medium.media,
        "sectors_per_track": options.sectors_per_track or medium.sectors_per_track,
        "heads": options.heads or medium.heads,
        "hidden_sectors": options.hidden_sectors,
        "drive_number": medium.drive,
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
