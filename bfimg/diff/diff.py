"""Compare two images, bytes first: only what stands where bytes differ is then understood and compared."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from bfimg.diff.compare import Run, Tally, Touched, runs, runs_within
from bfimg.diff.report import ByteChanges, DiffReport, FieldChange, RegionChange
from bfimg.errors import BfimgError
from bfimg.image.store import Store

if TYPE_CHECKING:
    from bfimg.diff.files import VolumeComparison
    from bfimg.diff.regions import Pair
    from bfimg.fat.volume import FatVolume
    from bfimg.image.probe import Region


def diff(old: Store, new: Store) -> DiffReport:
    """What differs between two images; pending changes of either count. Damage ends up in the notes.

    Raises InputError when an image cannot be read.
    """
    return _report(old, new, runs(old, new))


def pending_diff(store: Store) -> DiffReport:
    """What the pending changes of an image would change."""
    old = store.old_view()
    return _report(old, store, runs_within(old, store, store.changes()))


def _report(old: Store, new: Store, found: Iterator[Run]) -> DiffReport:
    first = next(found, None)
    if first is None and old.size == new.size:
        nothing = ByteChanges((), 0, 0)
        return DiffReport(old.name, new.name, old.size, new.size, (), (), (), nothing, ())
    return _Comparison(old, new).report(first, found)


class _Comparison:
    """Two images that are not the same."""

    def __init__(self, old: Store, new: Store) -> None:
        from bfimg.image.probe import probe

        self._old = old
        self._new = new
        self._old_regions = probe(old).regions
        self._new_regions = probe(new).regions
        self._touched = Touched()
        self._notes: list[str] = []

    def report(self, first: Run | None, rest: Iterator[Run]) -> DiffReport:
        from bfimg.diff.regions import paired

        contents = self._bytes(first, rest)
        regions: list[RegionChange] = []
        fields: list[FieldChange] = []
        volumes: VolumeComparison | None = None
        for pair in paired(self._old_regions, self._new_regions):
            if self._same(pair):
                continue
            regions += self._region(pair)
            fields += self._fields(pair)
            if any(region is not None and region.content == "fat" for region in pair):
                if volumes is None:
                    from bfimg.diff.files import VolumeComparison

                    volumes = VolumeComparison(self._touched)
                self._compare_volumes(pair, volumes)
        changes = volumes.changes() if volumes else ()
        return DiffReport(
            old=self._old.name,
            new=self._new.name,
            old_size=self._old.size,
            new_size=self._new.size,
            regions=tuple(regions),
            fields=(*fields, *(volumes.fields if volumes else ())),
            files=changes,
            contents=contents,
            notes=(*self._notes, *(volumes.notes if volumes else ())),
        )

    def _bytes(self, first: Run | None, rest: Iterator[Run]) -> ByteChanges:
        from bfimg.diff.regions import RegionNames

        names = RegionNames(self._old_regions, self._new_regions)
        tally = Tally()
        for run in chain(() if first is None else (first,), rest):
            self._touched.add(run.offset, run.end)
            for region, part in names.split(run):
                tally.add(region, part.offset, part.old, part.new)
        if self._old.size != self._new.size:
            self._touched.add(*sorted((self._old.size, self._new.size)))
        return tally.result()

    def _same(self, pair: Pair) -> bool:
        """True for a region that is the same in both images, contents included."""
        old, new = pair
        return old is not None and old == new and not self._touched.hits(old.offset, old.offset + old.size)

    def _region(self, pair: Pair) -> Iterator[RegionChange]:
        from bfimg.diff.regions import region_change

        change = region_change(*pair)
        if change is not None:
            yield change

    def _fields(self, pair: Pair) -> Iterator[FieldChange]:
        from bfimg.diff.fields import region_fields

        try:
            yield from region_fields(self._old, self._new, pair)
        except BfimgError as error:
            self._notes.append(f"{_name(pair)}: fields could not be compared: {error.message}")

    def _compare_volumes(self, pair: Pair, volumes: VolumeComparison) -> None:
        try:
            old, new = self._volume(self._old, pair[0]), self._volume(self._new, pair[1])
        except BfimgError as error:
            self._notes.append(f"{_name(pair)}: files could not be compared: {error.message}")
            return
        volumes.add(_name(pair), old, new)

    def _volume(self, store: Store, region: Region | None) -> FatVolume | None:
        from bfimg.fat.volume import FatVolume

        return FatVolume(store, region.offset) if region is not None and region.content == "fat" else None


def _name(pair: Pair) -> str:
    region = pair[0] or pair[1]
    assert region is not None
    return region.name
