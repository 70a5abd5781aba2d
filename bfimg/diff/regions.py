"""Regions of two images: which changed, and in which one a byte is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from bfimg.diff.compare import Run, runs_in
from bfimg.diff.report import RegionChange
from bfimg.image.probe import Region

Pair = tuple[Region | None, Region | None]


def paired(old: Iterable[Region], new: Iterable[Region]) -> list[Pair]:
    """The regions of both images by name, those of the old image first."""
    before = {region.name: region for region in old}
    after = {region.name: region for region in new}
    return [(before.get(name), after.get(name)) for name in before | after]


def region_change(old: Region | None, new: Region | None) -> RegionChange | None:
    """How a region changed, None when it is the same. What is in it does not count, only what it is."""
    if old is None or new is None:
        region = new if old is None else old
        assert region is not None
        return RegionChange(region.name, "added" if old is None else "removed", old, new)
    if old.offset != new.offset:
        return RegionChange(old.name, "moved", old, new)
    if old.size != new.size:
        return RegionChange(old.name, "resized", old, new)
    if old != new:
        return RegionChange(old.name, "changed", old, new)
    return None


class RegionNames:
    """In which region a byte is: the innermost one of the old image, else of the new one, else ""."""

    def __init__(self, old: Iterable[Region], new: Iterable[Region]) -> None:
        before, after = list(old), list(new)
        edges = {edge for region in (*before, *after) for edge in (region.offset, region.offset + region.size)}
        self._starts = sorted({0, *edges})
        self._names = [_innermost(before, start) or _innermost(after, start) for start in self._starts]

    def split(self, run: Run) -> Iterator[tuple[str, Run]]:
        """The run, cut at the edges of regions, each part with its region's name."""
        start = run.offset
        while start < run.end:
            index = bisect_right(self._starts, start)
            stop = min(self._starts[index], run.end) if index < len(self._starts) else run.end
            name = self._names[index - 1]
            if stop - start == len(run.old):
                yield name, run
            else:
                part = slice(start - run.offset, stop - run.offset)
                # A part may begin or end with equal bytes.
                for piece in runs_in(start, run.old[part], run.new[part]):
                    yield name, piece
            start = stop


def _innermost(regions: list[Region], offset: int) -> str:
    holding = [region for region in regions if region.offset <= offset < region.offset + region.size]
    return min(holding, key=lambda region: region.size).name if holding else ""
