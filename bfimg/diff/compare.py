"""Bytes of two images side by side: where they differ, holes passed over, memory bounded."""

from __future__ import annotations

import heapq
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bfimg.diff.report import ByteChanges, ByteRun
from bfimg.image.journal import Extent
from bfimg.image.store import Store

# Larger reads come from fresh memory each time, which is three times as slow.
WINDOW = 65_536
# In a patch, a run of its own costs about as much as 64 equal bytes.
_GAP = re.compile(rb"\0{64,}")
_MOST_RUNS = 10_000


class Run(NamedTuple):
    """Bytes that differ, at most WINDOW of them: first and last do, and no 64 in a row are equal."""

    offset: int
    old: bytes
    new: bytes

    @property
    def end(self) -> int:
        return self.offset + len(self.old)


def runs(old: Store, new: Store) -> Iterator[Run]:
    """Every run of bytes that differ, as far as both images reach, in order."""
    return runs_within(old, new, heapq.merge(old.data_extents(), new.data_extents(), key=lambda e: e.offset))


def runs_within(old: Store, new: Store, extents: Iterable[Extent]) -> Iterator[Run]:
    """Every run of bytes that differ inside `extents`, which are sorted and may overlap.

    Runs do not depend on how the files are stored: outside the extents, both are equal for many bytes in a row.
    """
    common = min(old.size, new.size)
    for start, end in _joined(extents):
        while start < min(end, common):
            stop = min((start // WINDOW + 1) * WINDOW, end, common)
            before, after = old.read(start, stop - start), new.read(start, stop - start)
            yield from runs_in(start, before, after)
            start = stop


def _joined(extents: Iterable[Extent]) -> Iterator[tuple[int, int]]:
    """(start, end) of the extents, those that touch or overlap made one."""
    start = end = 0
    for extent in extents:
        if extent.offset > end:
            yield start, end
            start = extent.offset
        end = max(end, extent.offset + extent.size)
    yield start, end


def runs_in(offset: int, old: bytes, new: bytes) -> Iterator[Run]:
    """The runs in two strings of the same length, which begin at `offset`."""
    if old == new:
        return
    marks = _exclusive_or(old, new)
    start = len(marks) - len(marks.lstrip(b"\0"))
    end = len(marks.rstrip(b"\0"))
    for gap in _GAP.finditer(marks, start, end):
        yield Run(offset + start, old[start : gap.start()], new[start : gap.start()])
        start = gap.end()
    yield Run(offset + start, old[start:end], new[start:end])


def _exclusive_or(old: bytes, new: bytes) -> bytes:
    """Zero where two strings of the same length are equal. As one large number: no loop over bytes."""
    mixed = int.from_bytes(old, "little") ^ int.from_bytes(new, "little")
    return mixed.to_bytes(len(old), "little")


def difference(old: bytes, new: bytes) -> tuple[int, int | None]:
    """(how many bytes differ, where the first one is) as far as both reach."""
    common = min(len(old), len(new))
    old, new = old[:common], new[:common]
    if old == new:
        return 0, None
    marks = _exclusive_or(old, new)
    return common - marks.count(0), common - len(marks.lstrip(b"\0"))


def stream_difference(old: Iterator[bytes], new: Iterator[bytes]) -> tuple[int, int | None]:
    """`difference` of two streams of bytes, which may be cut differently."""
    count, first, position = 0, None, 0
    left = right = b""
    while True:
        left = left or next(old, b"")
        right = right or next(new, b"")
        common = min(len(left), len(right), WINDOW)
        if not common:
            return count, first
        differing, place = difference(left[:common], right[:common])
        count += differing
        if first is None and place is not None:
            first = position + place
        position += common
        left, right = left[common:], right[common:]


class Touched:
    """Which parts of two images differ, to 64 KiB: small however much differs."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Note a difference. They come in order."""
        if self._ends and start - self._ends[-1] < WINDOW:
            self._ends[-1] = end
        else:
            self._starts.append(start)
            self._ends.append(end)

    def hits(self, start: int, end: int) -> bool:
        """False only when nothing in this range differs."""
        index = bisect_right(self._ends, start)
        return index < len(self._starts) and self._starts[index] < end


class Tally:
    """Counts differing bytes, and keeps the first runs; runs that touch within a region become one."""

    def __init__(self) -> None:
        self._kept: list[ByteRun] = []
        self._last: ByteRun | None = None
        self._count = 0
        self._differing = 0

    def add(self, region: str, offset: int, old: bytes, new: bytes) -> None:
        """Note one run. They come in order."""
        differing = difference(old, new)[0]
        self._differing += differing
        last = self._last
        if last is not None and last.region == region and last.offset + last.size == offset:
            self._last = ByteRun(region, last.offset, last.size + len(old), last.differing + differing)
        else:
            self._keep()
            self._count += 1
            self._last = ByteRun(region, offset, len(old), differing)

    def _keep(self) -> None:
        if self._last is not None and len(self._kept) < _MOST_RUNS:
            self._kept.append(self._last)

    def result(self) -> ByteChanges:
        """What was noted. Call it once, at the end."""
        self._keep()
        return ByteChanges(tuple(self._kept), self._count, self._differing)
