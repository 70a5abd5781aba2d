"""The file allocation table: which cluster follows which.

Source: Microsoft FAT Specification (2005), section 4.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable

from bfimg.errors import FitError, FormatError
from bfimg.fat.geometry import Geometry
from bfimg.formats.fat_boot_sector import FAT_FIRST_CLUSTER

FREE = 0
_TYPECODES = {12: "H", 16: "H", 32: "I"}


class AllocationTable:
    """The whole FAT in memory as an array of integers, one for each cluster number.

    On FAT32 the top four bits of an entry are kept but do not count.
    """

    def __init__(self, geometry: Geometry, data: bytes) -> None:
        """data: one copy of the FAT, at least as long as the clusters need."""
        self.geometry = geometry
        self.bits = geometry.bits
        self.mask = 0x0FFFFFFF if self.bits == 32 else (1 << self.bits) - 1
        self.end_mark = self.mask
        self.end = geometry.cluster_end
        self._entries = _unpack(data, self.bits, self.end)
        self._changed: set[int] = set()
        self._next = int(FAT_FIRST_CLUSTER)
        self._free: int | None = None

    def __getitem__(self, cluster: int) -> int:
        return self._entries[cluster] & self.mask

    def is_end(self, value: int) -> bool:
        """True for a value that ends a chain."""
        return value >= self.mask - 7

    def _set(self, cluster: int, value: int) -> None:
        old = self._entries[cluster]
        if self._free is not None:
            self._free += (value == FREE) - (old & self.mask == FREE)
        kept = old & ~self.mask if self.bits == 32 else 0
        self._entries[cluster] = kept | value
        self._changed.add(cluster)

    def chain(self, first: int, *, path: str | None = None, field: str | None = None) -> list[int]:
        """All clusters from `first` on. Empty for cluster 0, which is how an empty file is marked.

        Raises FormatError when the chain leaves the volume, meets a free cluster or comes back to itself.
        """
        clusters: list[int] = []
        if first == 0:
            return clusters
        entries, mask, end_value, end = self._entries, self.mask, self.mask - 7, self.end
        limit = end - FAT_FIRST_CLUSTER
        cluster = first
        while cluster < end_value or not clusters:
            if not FAT_FIRST_CLUSTER <= cluster < end:
                what = "runs into a free cluster" if cluster == FREE and clusters else f"leaves the volume at {cluster}"
                raise FormatError(f"cluster chain {what}", path=path, field=field, hint="run fsck.fat on the volume")
            if len(clusters) >= limit:
                raise FormatError("cluster chain is a loop", path=path, field=field, hint="run fsck.fat on the volume")
            clusters.append(cluster)
            cluster = entries[cluster] & mask
        return clusters

    @property
    def free_count(self) -> int:
        """Free clusters in the volume; counted once, then kept up to date."""
        if self._free is None:
            self._free = self.count(FREE, FAT_FIRST_CLUSTER, self.end)
        return self._free

    def count(self, value: int, start: int, end: int) -> int:
        """How many of the clusters `start` to `end` have the entry `value`."""
        entries = self._entries[start:end]
        if self.bits == 32 and max(entries, default=0) > self.mask:
            return sum(1 for entry in entries if entry & self.mask == value)
        return entries.count(value)

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
        """The first free cluster from `start` on, `end` when there is none."""
        try:
            # On FAT32 an entry with only reserved bits set is free too; such volumes are rare and use what is plain.
            return self._entries.index(FREE, start, end)
        except ValueError:
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
        if not self._changed:
            return []
        blocks = sorted({cluster * self.bits // 8 // 512 for cluster in self._changed})
        if self.bits == 12:  # an entry can straddle two blocks
            blocks = sorted({*blocks, *((cluster * 12 // 8 + 1) // 512 for cluster in self._changed)})
        self._changed.clear()
        runs: list[list[int]] = []
        for block in blocks:
            if runs and runs[-1][1] == block:
                runs[-1][1] = block + 1
            else:
                runs.append([block, block + 1])
        return [(start * 512, self._pack(start * 512, end * 512)) for start, end in runs]

    def _pack(self, start: int, end: int) -> bytes:
        """Bytes `start`..`end` of the FAT as on disk; the tail behind the last cluster is zero."""
        if self.bits == 12:
            return _pack_12(self._entries)[start:end].ljust(end - start, b"\0")
        size = self.bits // 8
        part = self._entries[start // size : end // size]
        if sys.byteorder == "big":
            part.byteswap()
        return part.tobytes().ljust(end - start, b"\0")


def _unpack(data: bytes, bits: int, count: int) -> array[int]:
    if bits == 12:
        return array("H", _unpack_12(data, count))
    entries = array(_TYPECODES[bits])
    entries.frombytes(data[: count * (bits // 8)])
    if sys.byteorder == "big":
        entries.byteswap()
    return entries


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
