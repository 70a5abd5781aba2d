"""Draw up the map of an image: its regions in disk order, each as a row of equal cells."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from bfimg.errors import FormatError
from bfimg.fat.volume import FatVolume
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.image.probe import Region, probe
from bfimg.image.store import Store
from bfimg.map.report import Cell, ImageMap, RegionMap, Use, VolumeUse
from bfimg.map.volume import VolumeSurvey

_MOST_ROWS = 32
_CHUNK = 1 << 20
_ORDER = {use: rank for rank, use in enumerate(Use)}
_CONTENTS = {
    "mbr": Use.TABLE,
    "gpt": Use.TABLE,
    "extended": Use.TABLE,
    "stage2": Use.BOOT,
    "kernel": Use.KERNEL,
    "legacy kernel": Use.KERNEL,
    "jit cache": Use.CACHE,
}


@dataclass(frozen=True, slots=True)
class _Span:
    """Bytes `start` to `end` of the image that belong to `region`, None for a gap."""

    start: int
    end: int
    region: Region | None


def survey(store: Store, width: int = 64) -> ImageMap:
    """The map of an image.

    width: cells in a row. Cells are as small as about 32 rows allow; a cell is a power of two of sectors and belongs
    to one region. Damaged volumes are mapped as far as they can be followed.
    """
    found = probe(store)
    spans = list(_spans(found.regions, store.size))
    cell_bytes = _cell_bytes(spans, width)
    volumes: dict[str, VolumeSurvey] = {}
    summaries: list[VolumeUse] = []
    for region in found.regions:
        if region.content == "fat":
            try:
                volumes[region.name] = VolumeSurvey(FatVolume(store, region.offset), region.name)
                summaries.append(volumes[region.name].summary())
            except FormatError as error:
                summaries.append(VolumeUse(region.name, 0, 0, 0, 0, (), error.message))
    written = _Written(store)
    regions = []
    for span in spans:
        name = span.region.name if span.region is not None else ""
        cells = tuple(_cells(span, cell_bytes, volumes.get(name), written))
        note = (span.region.note or span.region.content) if span.region is not None else "outside any region"
        regions.append(RegionMap(name, span.start, span.end - span.start, note, cells))
    return ImageMap(store.name, store.size, found.kind, cell_bytes, tuple(regions), tuple(summaries))


def _spans(regions: tuple[Region, ...], size: int) -> Iterator[_Span]:
    """The image cut where regions begin and end. Where they overlap the one that begins last counts."""
    ends = (min(region.offset + region.size, size) for region in regions)
    cuts = sorted({0, size, *ends, *(min(region.offset, size) for region in regions)})
    current: _Span | None = None
    for start, end in itertools.pairwise(cuts):
        owner = None
        for region in regions:
            if region.offset <= start and end <= region.offset + region.size:
                owner = region
        if current is not None and current.region is owner:
            current = _Span(current.start, end, owner)
        else:
            if current is not None:
                yield current
            current = _Span(start, end, owner)
    if current is not None:
        yield current


def _cell_bytes(spans: list[_Span], width: int) -> int:
    size = int(SECTOR_SIZE)
    while sum(-(-(span.end - span.start) // (size * width)) for span in spans) > _MOST_ROWS + len(spans):
        size *= 2
    return size


def _cells(span: _Span, cell_bytes: int, volume: VolumeSurvey | None, written: _Written) -> Iterator[Cell]:
    content = span.region.content if span.region is not None else ""
    use = _CONTENTS.get(content, Use.DATA)
    for start in range(span.start, span.end, cell_bytes):
        end = min(start + cell_bytes, span.end)
        uses: dict[Use, int] = {}
        plain = start
        if volume is not None and start < volume.end:
            plain = min(end, volume.end)
            uses = volume.uses(start, plain)
        if plain < end and written.any(plain, end):
            uses[use] = end - plain
        shown = min(uses, key=_ORDER.__getitem__, default=Use.FREE)
        yield Cell(start, end - start, shown, sum(uses.values()) - uses.get(Use.FREE, 0))


class _Written:
    """Where an image holds anything but zeros. Holes are not read. Asked in ascending order."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._extents = store.data_extents()
        self._extent = next(self._extents, None)

    def any(self, start: int, end: int) -> bool:
        """True when one of the bytes `start` to `end` is not zero."""
        while self._extent is not None and self._extent.offset + self._extent.size <= start:
            self._extent = next(self._extents, None)
        if self._extent is None or self._extent.offset >= end:
            return False
        for position in range(max(start, self._extent.offset), end, _CHUNK):
            data = self._store.read(position, min(_CHUNK, end - position))
            if data.count(0) < len(data):
                return True
        return False
