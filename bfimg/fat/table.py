"""The file allocation table: which cluster follows which.

Source: Microsoft FAT Specification (2005), section 4.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Iterator

from bfimg.errors import FitError, FormatError
from bfimg.fat.geometry import Geometry
from bfimg.formats.fat_boot_sector import FAT_FIRST_CLUSTER

FREE = 0
_TYPECODES = {12: "H", 16: "H", 32: "I"}
_BLOCK_BYTES = 512
# Entries in one page: a FAT12 has one page, a FAT16 at most four, a FAT32 up to 16,384 of 64 KiB.
_PAGE_SHIFT = 14
_PAGE_ENTRIES = 1 << _PAGE_SHIFT
_MOST_CLEAN_PAGES = 64


class AllocationTable:
    """The FAT as integers, one for each cluster number, read in pages when they are needed.

    Changed pages and the last 64 others are held, so memory stays bounded on volumes of any size. On FAT32 the top
    four bits of an entry are kept but do not count.
    """

    def __init__(self, geometry: Geometry, read: Callable[[int, int], bytes]) -> None:
        """read: (byte offset in the FAT, bytes) to the bytes of one copy."""
        self.geometry = geometry
        self.bits = geometry.bits
        self.mask = 0x0FFFFFFF if self.bits == 32 else (1 << self.bits) - 1
        self.end_mark = self.mask
        self.end = geometry.cluster_end
        self._read = read
        self._pages: dict[int, array[int]] = {}
        self._changed_pages: set[int] = set()
        self._changed_blocks: set[int] = set()
        self._next = int(FAT_FIRST_CLUSTER)
        self._free: int | None = None

    def __getitem__(self, cluster: int) -> int:
        return self._page(cluster >> _PAGE_SHIFT)[cluster & _PAGE_ENTRIES - 1] & self.mask

    def is_end(self, value: int) -> bool:
        """True for a value that ends a chain."""
        return value >= self.mask - 7

    def _page(self, number: int) -> array[int]:
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = self._load(number)
            if len(self._pages) - len(self._changed_pages) > _MOST_CLEAN_PAGES:
                oldest = next(held for held in self._pages if held not in self._changed_pages and held != number)
                del self._pages[oldest]
        return page

    def _load(self, number: int) -> array[int]:
        first = number << _PAGE_SHIFT
        count = min(_PAGE_ENTRIES, self.end - first)
        if self.bits == 12:
            return array("H", _unpack_12(self._read(0, self.geometry.fat_bytes), count))
        size = self.bits // 8
        page = array(_TYPECODES[self.bits])
        page.frombytes(self._read(first * size, count * size))
        if sys.byteorder == "big":
            page.byteswap()
        return page

    def _spans(self, start: int, end: int) -> Iterator[tuple[int, array[int], int, int]]:
        """(cluster of entry 0, page, first entry, end entry) of each page between two clusters.

        Pages that are not held are read for this once: going through a large FAT does not fill the memory.
        """
        while start < end:
            number = start >> _PAGE_SHIFT
            base = number << _PAGE_SHIFT
            page = self._pages.get(number)
            last = min(end, base + _PAGE_ENTRIES)
            yield base, self._load(number) if page is None else page, start - base, last - base
            start = last

    def _set(self, cluster: int, value: int) -> None:
        number, index = cluster >> _PAGE_SHIFT, cluster & _PAGE_ENTRIES - 1
        page = self._page(number)
        old = page[index]
        if self._free is not None:
            self._free += (value == FREE) - (old & self.mask == FREE)
        page[index] = value | (old & ~self.mask if self.bits == 32 else 0)
        self._changed_pages.add(number)
        self._changed_blocks.add(cluster * self.bits // 8 // _BLOCK_BYTES)
        if self.bits == 12:  # an entry can straddle two blocks
            self._changed_blocks.add((cluster * 12 // 8 + 1) // _BLOCK_BYTES)

    def chain(self, first: int, *, path: str | None = None, field: str | None = None) -> list[int]:
        """All clusters from `first` on. Empty for cluster 0, which is how an empty file is marked.

        Raises FormatError when the chain leaves the volume, meets a free cluster or comes back to itself.
        """
        clusters: list[int] = []
        if first == 0:
            return clusters
        mask, end = self.mask, self.end
        limit = end - FAT_FIRST_CLUSTER
        cluster = first
        while not (clusters and self.is_end(cluster)):
            if not FAT_FIRST_CLUSTER <= cluster < end:
                what = "runs into a free cluster" if cluster == FREE and clusters else f"leaves the volume at {cluster}"
                raise FormatError(f"cluster chain {what}", path=path, field=field, hint="run fsck.fat on the volume")
            if len(clusters) >= limit:
                raise FormatError("cluster chain is a loop", path=path, field=field, hint="run fsck.fat on the volume")
            clusters.append(cluster)
            cluster = self._page(cluster >> _PAGE_SHIFT)[cluster & _PAGE_ENTRIES - 1] & mask
        return clusters

    @property
    def free_count(self) -> int:
        """Free clusters in the volume; counted once, then kept up to date."""
        if self._free is None:
            self._free = self.count(FREE, FAT_FIRST_CLUSTER, self.end)
        return self._free

    def count(self, value: int, start: int, end: int) -> int:
        """How many of the clusters `start` to `end` have the entry `value`."""
        total = 0
        for _, page, first, last in self._spans(start, end):
            entries = page[first:last]
            if self.bits == 32 and max(entries) > self.mask:
                total += sum(1 for entry in entries if entry & self.mask == value)
            else:
                total += entries.count(value)
        return total

    def require(self, count: int) -> None:
        """Raises FitError, with both numbers, when fewer than `count` clusters are free."""
        free, size = self.free_count, self.geometry.cluster_bytes
        if free < count:
            raise FitError(
                f"volume is full: {count * size} bytes needed, {free * size} free",
                hint="remove files or make the volume larger",
            )

    def allocate(self, count: int) -> list[int]:
        """Take `count` free clusters, link them in order and end the chain. No clusters for 0.

        Search goes on from the last cluster taken, so a series of allocations is linear in the volume's size.
        Raises FitError, with both numbers, when fewer are free; then nothing is taken.
        """
        found: list[int] = []
        for start, end in ((self._next, self.end), (int(FAT_FIRST_CLUSTER), self._next)):
            cluster = start
            while len(found) < count and (cluster := self._find_free(cluster, end)) < end:
                found.append(cluster)
                cluster += 1
        if len(found) < count:
            self.require(count)
        if found:
            self.link(found)
            self._next = found[-1] + 1
        return found

    def _find_free(self, start: int, end: int) -> int:
        """The first free cluster from `start` on, `end` when there is none.

        On FAT32 an entry with only reserved bits set is free too; such entries are rare, and others are taken.
        """
        for base, page, first, last in self._spans(start, end):
            try:
                return base + page.index(FREE, first, last)
            except ValueError:
                continue
        return end

    def link(self, clusters: list[int]) -> None:
        """Make one chain of `clusters`, at least one, in order, with an end mark."""
        for cluster, following in zip(clusters, [*clusters[1:], self.end_mark], strict=True):
            self._set(cluster, following)

    def extend(self, last: int, count: int) -> list[int]:
        """Add `count` clusters behind `last`, the end of a chain. Raises FitError as `allocate`."""
        added = self.allocate(count)
        if added:
            self._set(last, added[0])
        return added

    def release(self, clusters: Iterable[int]) -> None:
        """Free the clusters of a chain."""
        for cluster in clusters:
            self._set(cluster, FREE)
            self._next = min(self._next, cluster)

    def changes(self) -> list[tuple[int, bytes]]:
        """(byte offset in the FAT, bytes) of what changed, in runs of 512-byte blocks; forgets them."""
        runs: list[list[int]] = []
        for block in sorted(self._changed_blocks):
            if runs and runs[-1][1] == block:
                runs[-1][1] = block + 1
            else:
                runs.append([block, block + 1])
        packed = [(start * _BLOCK_BYTES, self._pack(start * _BLOCK_BYTES, end * _BLOCK_BYTES)) for start, end in runs]
        self._changed_blocks.clear()
        self._changed_pages.clear()
        return packed

    def _pack(self, start: int, end: int) -> bytes:
        """Bytes `start`..`end` of the FAT as on disk; the tail behind the last cluster is zero."""
        if self.bits == 12:
            return _pack_12(self._page(0))[start:end].ljust(end - start, b"\0")
        size = self.bits // 8
        parts = []
        for _, page, first, last in self._spans(start // size, min(end // size, self.end)):
            part = page[first:last]
            if sys.byteorder == "big":
                part.byteswap()
            parts.append(part.tobytes())
        return b"".join(parts).ljust(end - start, b"\0")


def _unpack_12(data: bytes, count: int) -> list[int]:
    """Two entries in three bytes, low bits first."""
    entries = []
    for index in range(count):
        pair = int.from_bytes(data[index * 3 // 2 : index * 3 // 2 + 2], "little")
        entries.append(pair >> 4 if index & 1 else pair & 0xFFF)
    return entries


def _pack_12(entries: array[int]) -> bytes:
    data = bytearray()
    for index in range(0, len(entries), 2):
        high = entries[index + 1] if index + 1 < len(entries) else 0
        data += (entries[index] | high << 12).to_bytes(3, "little")
    return bytes(data)
