"""Check the boot sector of a FAT volume, its backup, FSInfo, labels, and the two FAT entries without a cluster.

Source: Microsoft FAT Specification (2005), sections 3 to 5.
"""

from __future__ import annotations

from collections.abc import Callable

from bfimg.check import codes
from bfimg.check.chains import Chains
from bfimg.check.folder import is_legal_name
from bfimg.check.report import Collector, Fix, Stage
from bfimg.errors import FormatError
from bfimg.fat.geometry import FatBootSector, Geometry, fat_bits, geometry_of
from bfimg.fat.mkfs import NO_LABEL
from bfimg.formats.fat_boot_sector import (
    FAT16_MAX_CLUSTERS,
    FatBootSector16,
    FatBootSector32,
    FsInfo,
)
from bfimg.formats.mbr import BOOT_SIGNATURE, SECTOR_SIZE
from bfimg.image.store import Store

_DIRTY = 0x01  # bits of reserved_1 in the boot sector
_IO_ERRORS = 0x02
_MIRRORING_OFF = 0x80
_JUMPS = (0xEB, 0xE9)
_UNKNOWN = 0xFFFFFFFF
_BACKUP_SECTOR = int(FatBootSector32.field_spec("backup_boot_sector").default)


def unusable(store: Store, region: str, offset: int, error: FormatError, found: Collector) -> None:
    """Report a boot sector that makes no volume. On FAT32 a sound backup is the remedy."""
    sector = store.read(offset, SECTOR_SIZE)
    place = (error.field or "fat.bpb").replace("fat.", f"{region}.", 1)
    clusters = _clusters_of_fat16(sector)
    if clusters > FAT16_MAX_CLUSTERS:
        message = f"{clusters} clusters with a FAT16 boot sector"
        found.add(codes.CLUSTER_COUNT, place, error.offset, message)
        return
    fix = None
    backup = store.read(offset + _BACKUP_SECTOR * SECTOR_SIZE, SECTOR_SIZE)
    if _is_sound_backup(backup, store.size - offset):
        fix = Fix(Stage.BOOT_SECTOR, "boot sector restored from its backup", ((offset, backup),))
    found.add(codes.NO_VOLUME, place, error.offset, error.message, fix)


def _clusters_of_fat16(sector: bytes) -> int:
    """Clusters of a boot sector that gives the FAT's size as FAT16 does, 0 when it describes nothing at all."""
    if len(sector) < SECTOR_SIZE:
        return 0
    boot = FatBootSector16.parse(sector)
    total = boot.total_sectors_16 or boot.total_sectors_32
    if not (boot.bytes_per_sector and boot.sectors_per_cluster and boot.sectors_per_fat_16 and total):
        return 0
    return Geometry(
        16,
        boot.bytes_per_sector,
        boot.sectors_per_cluster,
        boot.reserved_sectors,
        boot.fat_count,
        boot.sectors_per_fat_16,
        boot.root_entries,
        total,
        0,
    ).cluster_count


def _is_sound_backup(sector: bytes, room: int) -> bool:
    if len(sector) < SECTOR_SIZE:
        return False
    boot = FatBootSector32.parse(sector)
    try:
        geometry = geometry_of(boot)
    except FormatError:
        return False
    return (
        boot.signature == BOOT_SIGNATURE
        and boot.backup_boot_sector == _BACKUP_SECTOR
        and fat_bits(geometry.cluster_count) == 32
        and geometry.total_bytes <= room
    )


def check_fields(boot: FatBootSector, geometry: Geometry, region: str, offset: int, found: Collector) -> None:
    """Values of the boot sector that describe a volume, yet not a proper one."""
    for problem in boot.problems(f"{region}.bpb", offset):
        found.add(codes.BOOT_FIELD, problem.field, problem.offset, problem.message)
    if boot.jump[0] not in _JUMPS:
        message = f"begins with {boot.jump[0]:#04x}, a jump with 0xeb or 0xe9"
        found.add(codes.BOOT_FIELD, f"{region}.bpb.jump", offset, message)
    count = geometry.cluster_count
    if geometry.bits == 32 and fat_bits(count) != 32:
        message = f"{count} clusters are those of FAT{fat_bits(count)}, the boot sector is that of FAT32"
        found.add(codes.SMALL_FAT32, f"{region}.bpb", offset, message)
    name = boot.type_text.rstrip(b" \0")
    if geometry.bits != 32 and name in (b"FAT12", b"FAT16") and name != b"FAT%d" % geometry.bits:
        message = f"{count} clusters are those of FAT{geometry.bits}, type_text is {name.decode()}"
        found.add(codes.CLUSTER_COUNT, f"{region}.bpb.type_text", offset + boot.offset_of("type_text"), message)
    if isinstance(boot, FatBootSector32):
        if boot.extended_flags & _MIRRORING_OFF:
            place = offset + boot.offset_of("extended_flags")
            message = f"FAT {boot.extended_flags % 16 + 1} is current"
            found.add(codes.MIRRORING, f"{region}.bpb.extended_flags", place, message)
        for field in ("fsinfo_sector", "backup_boot_sector"):
            sector = getattr(boot, field)
            if sector not in (0, 0xFFFF) and sector >= boot.reserved_sectors:
                message = f"is {sector}, {boot.reserved_sectors} sectors are reserved"
                place = offset + boot.offset_of(field)
                found.add(codes.RESERVED_SECTORS, f"{region}.bpb.{field}", place, message)


def check_label(boot: FatBootSector, label: bytes | None, region: str, offset: int, found: Collector) -> None:
    """The boot sector's label against that of the root directory, which counts."""
    inside = boot.volume_label
    if inside == (NO_LABEL if label is None else label) or (label is None and not inside.strip(b" \0")):
        return
    place = offset + boot.offset_of("volume_label")
    if label is None:
        message = f"is {_text(inside)}, the root directory has no label"
        fix: Fix | None = Fix(Stage.HINTS, "removed", ((place, NO_LABEL),))
    else:
        message = f"is {_text(inside)}, the root directory's {_text(label)}"
        fix = None
        if label.isascii() and is_legal_name(label):
            fix = Fix(Stage.HINTS, "copied from the root directory", ((place, label),))
    found.add(codes.LABELS, f"{region}.bpb.volume_label", place, message, fix)


def _text(label: bytes) -> str:
    return repr(label.rstrip(b" \0").decode("cp437"))


def check_backup(
    store: Store, boot: FatBootSector, geometry: Geometry, region: str, offset: int, found: Collector
) -> None:
    """The copy of a FAT32 boot sector. The state byte may differ: systems change it in the first one only."""
    if not isinstance(boot, FatBootSector32) or not 0 < boot.backup_boot_sector < boot.reserved_sectors:
        return
    place = offset + boot.backup_boot_sector * geometry.bytes_per_sector
    first, backup = bytearray(store.read(offset, SECTOR_SIZE)), bytearray(store.read(place, SECTOR_SIZE))
    state = boot.offset_of("reserved_1")
    first[state] = backup[state] = 0
    if first != backup:
        byte = next(i for i, (a, b) in enumerate(zip(first, backup, strict=True)) if a != b)
        fix = Fix(Stage.HINTS, "copied from the boot sector", copy=(offset, place, SECTOR_SIZE))
        message = f"sector {boot.backup_boot_sector} differs from the boot sector from byte {byte} on"
        found.add(codes.BACKUP, f"{region}.bpb.backup_boot_sector", place + byte, message, fix)


def check_fsinfo(
    store: Store,
    boot: FatBootSector,
    geometry: Geometry,
    region: str,
    offset: int,
    free_count: Callable[[], int],
    found: Collector,
) -> None:
    """FSInfo: signatures, and its two hints."""
    if not isinstance(boot, FatBootSector32) or not 0 < boot.fsinfo_sector < boot.reserved_sectors:
        return
    sector = boot.fsinfo_sector
    place = offset + sector * geometry.bytes_per_sector
    info = FsInfo.parse(store.read(place, FsInfo.SIZE))
    problems = list(info.problems(f"{region}.fsinfo", place))
    if problems:
        # A sector with a signature left, or with nothing in it, is no one else's.
        fix = None
        if len(problems) < 3 or not any(info.packed()):
            fix = Fix(Stage.HINTS, "written anew", ((place, FsInfo(free_clusters=free_count()).packed()),))
        found.add(codes.FSINFO, problems[0].field, problems[0].offset, problems[0].message, fix)
        return
    free = free_count()
    if info.free_clusters not in (free, _UNKNOWN):
        at = place + info.offset_of("free_clusters")
        fix = Fix(Stage.HINTS, f"set to {free}", ((at, free.to_bytes(4, "little")),))
        message = f"is {info.free_clusters}, {free} are free"
        found.add(codes.FREE_COUNT, f"{region}.fsinfo.free_clusters", at, message, fix)
    if info.next_free != _UNKNOWN and not 2 <= info.next_free < geometry.cluster_end:
        at = place + info.offset_of("next_free")
        fix = Fix(Stage.HINTS, "set to unknown", ((at, b"\xff" * 4),))
        message = f"is {info.next_free}, the volume has 2 to {geometry.cluster_end - 1}"
        found.add(codes.NEXT_FREE, f"{region}.fsinfo.next_free", at, message, fix)


def check_state(
    boot: FatBootSector, geometry: Geometry, chains: Chains, region: str, offset: int, found: Collector
) -> None:
    """Entries 0 and 1 of the FAT, and the state bits: clean when everything else is, which is what they say."""
    sound = not found.has_errors()
    media, second = chains.entries[0], chains.entries[1]
    mask = chains.end_mark
    wanted = mask & ~0xFF | boot.media
    fat = offset + geometry.fat_offset()
    if media != wanted:
        fix = Fix(Stage.HINTS, f"entry 0 set to {wanted:#x}", entries=((0, wanted),))
        found.add(codes.MEDIA, region, fat, f"FAT entry 0 is {media:#x}, must be {wanted:#x}", fix)
    clean, healthy = _state_bits(geometry.bits)
    if second | clean | healthy < chains.lowest_end:
        fix = Fix(Stage.HINTS, f"entry 1 set to {mask:#x}", entries=((1, mask),))
        found.add(codes.END_MARK, region, fat, f"FAT entry 1 is {second:#x}, no end mark", fix)
        return
    state = boot.offset_of("reserved_1")
    if (clean and not second & clean) or boot.reserved_1 & _DIRTY:
        writes = ((offset + state, bytes([boot.reserved_1 & ~_DIRTY])),)
        marked = Fix(Stage.STATE, "marked clean", writes, entries=((1, second | clean),))
        message = "the volume's state is not clean"
        found.add(codes.DIRTY, region, offset + state, message, marked if sound else None)
    if (healthy and not second & healthy) or boot.reserved_1 & _IO_ERRORS:
        found.add(codes.IO_ERRORS, region, offset + state, "the volume's state says that reading or writing failed")


def _state_bits(bits: int) -> tuple[int, int]:
    """(clean, no errors) in FAT entry 1; FAT12 has none."""
    return {12: (0, 0), 16: (0x8000, 0x4000), 32: (0x0800_0000, 0x0400_0000)}[bits]
