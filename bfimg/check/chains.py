"""Cluster chains: who has which cluster, what is wrong with a chain, what nobody has.

One pass over all chains, linear in the clusters in use: each cluster is taken once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from bfimg.check import codes
from bfimg.check.codes import Code
from bfimg.check.entries import Entries, pages
from bfimg.fat.table import FREE
from bfimg.formats.fat_boot_sector import FAT_FIRST_CLUSTER

_FIRST = int(FAT_FIRST_CLUSTER)
_MOST_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Chain:
    """What came of following a chain: `length` clusters up to its end, or up to where it goes wrong.

    problem: None for a sound chain. at: the number it goes on with there.
    """

    length: int
    problem: Code | None = None
    at: int = 0


class Chains:
    """Takes the clusters of one file or directory after the other."""

    def __init__(self, entries: Entries, bits: int) -> None:
        self.entries = entries
        self.end = len(entries)
        mask = 0x0FFFFFFF if bits == 32 else (1 << bits) - 1
        self.end_mark = mask
        self.lowest_end = mask - 7
        self.bad_mark = mask - 8
        # One byte a cluster. The system provides its memory where it is written to, which is where clusters are used.
        self._taken = bytearray(self.end)
        for cluster in range(_FIRST):  # the two entries without a cluster are nobody's, and not lost
            self._taken[cluster] = entries[cluster] != FREE
        self._typecode = entries.typecode if isinstance(entries, array) else ""

    def in_volume(self, cluster: int) -> bool:
        return _FIRST <= cluster < self.end

    def is_taken(self, cluster: int) -> bool:
        return self._taken[cluster] == 1

    def take(self, first: int, expected: int) -> Chain:
        """Follow the chain from `first`, a cluster of the volume, and take its clusters. expected: by the size."""
        if self._take_run(first, expected):
            return Chain(expected)
        entries, taken, end, lowest_end = self.entries, self._taken, self.end, self.lowest_end
        length = 0
        cluster = first
        while _FIRST <= cluster < end and not taken[cluster]:
            taken[cluster] = 1
            length += 1
            cluster = entries[cluster]
        if cluster >= lowest_end:
            return Chain(length)
        if cluster in (FREE, self.bad_mark):
            # The last cluster is free, or marked bad, itself: it does not belong to the chain.
            last = self.nth(first, length)
            taken[last] = 0
            return Chain(length - 1, codes.INTO_FREE if cluster == FREE else codes.INTO_BAD, last)
        if not self.in_volume(cluster):
            return Chain(length, codes.OUT_OF_RANGE, cluster)
        own = cluster in self.follow(first, length)
        return Chain(length, codes.LOOP if own else codes.CROSS_LINK, cluster)

    def _take_run(self, first: int, expected: int) -> bool:
        """Take neighbouring clusters at once, when that is what the whole chain is."""
        last = first + expected - 1
        if not (self._typecode and 0 < expected <= _MOST_AT_ONCE and last < self.end):
            return False
        entries = self.entries
        assert isinstance(entries, array)
        if entries[last] < self.lowest_end or self._taken.find(1, first, last + 1) >= 0:
            return False
        if entries[first:last] != array(self._typecode, range(first + 1, last + 1)):
            return False
        self._taken[first : last + 1] = b"\1" * expected
        return True

    def follow(self, first: int, length: int) -> Iterator[int]:
        """The first `length` clusters of a chain, all of which must be in the volume."""
        cluster = first
        for _ in range(length):
            yield cluster
            cluster = self.entries[cluster]

    def nth(self, first: int, length: int) -> int:
        """The last of the first `length` clusters of a chain; `length` is at least 1."""
        cluster = first
        for _ in range(length - 1):
            cluster = self.entries[cluster]
        return cluster

    def lost(self) -> Iterator[int]:
        """Clusters in use that nobody took."""
        for first, page in pages(self.entries):
            for cluster in _unclaimed(self._taken, first, page):
                if page[cluster - first] != self.bad_mark:
                    yield cluster

    def free_count(self) -> int:
        """Free clusters."""
        used = sum(len(page) - page.count(FREE) for _, page in pages(self.entries))
        # The two entries without a cluster are not free, whatever they hold.
        used += sum(1 for cluster in range(_FIRST) if self.entries[cluster] == FREE)
        return self.end - used


def _unclaimed(taken: bytearray, first: int, page: array[int]) -> Iterator[int]:
    """Clusters of a page that are in use but not taken."""
    mine = taken[first : first + len(page)]
    if len(page) - page.count(FREE) > mine.count(1):
        for number, entry in enumerate(page):
            if entry and not mine[number]:
                yield first + number
