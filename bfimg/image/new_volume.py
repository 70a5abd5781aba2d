"""Make a FAT volume in a new file, an existing one, or one region of a disk image."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bfimg.clock import now
from bfimg.errors import NotFoundError, UsageError
from bfimg.fat.geometry import FatBootSector, Geometry, read_boot_sector
from bfimg.fat.mkfs import FatOptions, format_volume
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.image.probe import probe
from bfimg.image.store import Store

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where a volume is to be: a file, and in it an offset in bytes or a region by name."""

    path: Path
    offset: int = 0
    region: str | None = None


@dataclass(frozen=True, slots=True)
class NewVolume:
    """What was made. `offset`: of the volume in its file, in bytes. `written` is False after a dry run."""

    image: Path
    offset: int
    geometry: Geometry
    boot: FatBootSector
    label: str
    written: bool


def make_volume(
    place: Place,
    options: FatOptions,
    *,
    size: int | None = None,
    volume_id: int | None = None,
    hidden_sectors: int | None = None,
    force: bool = False,
    dry_run: bool = False,
    output: Path | None = None,
) -> NewVolume:
    """Make an empty volume.

    size: bytes. With it a new file is made, of that size, and an existing one replaced only by `force`; together with
    an offset or region it limits the volume. Without it an existing place is formatted, in place or with `output` into
    a changed copy; one that holds anything but zeros only by `force`.
    volume_id: by default it comes from the options and the clock, so SOURCE_DATE_EPOCH makes it repeat.
    hidden_sectors: by default the sectors before the volume in its file.
    `total_sectors`, `volume_id` and `hidden_sectors` of `options` are replaced by these.
    Raises UsageError, FitError and InputError, and then writes nothing.
    """
    if size is not None and (size % SECTOR_SIZE or size <= 0):
        raise UsageError(f"{size} bytes are no whole sectors", path=str(place.path), hint="use a multiple of 512")
    when = now()
    if size is not None and place.region is None and place.offset == 0:
        if place.path.exists() and not force:
            raise UsageError("exists", path=str(place.path), hint="--force replaces it; without --size it is formatted")
        if output is not None:
            raise UsageError("is made anew", path=str(place.path), hint="leave out --output or --size")
        with Store.blank(size) as store:
            made = _format(store, place.path, 0, size, options, volume_id, hidden_sectors, when)
            if not dry_run:
                store.commit(place.path)
        return replace(made, written=not dry_run)
    if not place.path.exists():
        raise UsageError("does not exist", path=str(place.path), hint="--size makes it")
    in_place = not dry_run and output is None
    with Store.open(place.path, write=in_place, base=place.offset) as store:
        start, room = (0, store.size) if place.region is None else _region(store, place.region)
        if size is None:
            size = room - room % SECTOR_SIZE
        elif size > room:
            raise UsageError(f"{size} bytes, {room} are there", path=store.name, hint="use a smaller --size")
        if not force and not _is_zero(store, start, size):
            raise UsageError("holds data", path=store.name, offset=start, hint="--force overwrites it")
        made = _format(store, place.path, start, size, options, volume_id, hidden_sectors, when)
        if not dry_run:
            store.commit(output)
    return replace(made, image=output or place.path, written=not dry_run)


def _region(store: Store, name: str) -> tuple[int, int]:
    """(offset, bytes) of a region that may hold a volume."""
    regions = {region.name: region for region in probe(store).regions if region.content in ("data", "fat")}
    if name not in regions:
        known = ", ".join(regions) or "none"
        raise NotFoundError(f"no region {name} for a volume", path=store.name, hint=f"there are: {known}")
    return regions[name].offset, regions[name].size


def _is_zero(store: Store, start: int, size: int) -> bool:
    """True when a place holds only zeros. Holes are not read."""
    end = start + size
    for extent in store.data_extents():
        last = min(extent.offset + extent.size, end)
        for position in range(max(extent.offset, start), last, _CHUNK):
            data = store.read(position, min(_CHUNK, last - position))
            if data.count(0) < len(data):
                return False
    return True


def _format(
    store: Store,
    path: Path,
    start: int,
    size: int,
    options: FatOptions,
    volume_id: int | None,
    hidden_sectors: int | None,
    when: datetime,
) -> NewVolume:
    offset = store.base + start
    chosen = replace(
        options,
        total_sectors=size // SECTOR_SIZE,
        hidden_sectors=offset // SECTOR_SIZE if hidden_sectors is None else hidden_sectors,
    )
    if volume_id is None:
        volume_id = zlib.crc32(f"{chosen} {when.isoformat()}".encode())
    geometry = format_volume(store, start, replace(chosen, volume_id=volume_id), when)
    boot = read_boot_sector(store.read(start, SECTOR_SIZE), path=store.name, offset=start)
    return NewVolume(path, offset, geometry, boot, options.label.upper(), written=False)
