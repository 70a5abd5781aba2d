"""The allocation table as the check reads it: by cluster number, in bounded memory on volumes of any size.

Source: Microsoft FAT Specification (2005), section 4.
"""

from __future__ import annotations

import sys
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Protocol

from bfimg.fat.geometry import Geometry
from bfimg.fat.table import AllocationTable
from bfimg.image.store import Store

MASK_32 = 0x0FFFFFFF
_PAGE = 1 << 16  # entries
_MOST_PAGES = 64
_FREE_PAGE = bytes(_PAGE * 4)
_RESERVED_TOP = bytes(range(16))  # top bytes of FAT32 entries whose reserved bits are zero
_MOST_AT_ONCE = 1 << 22


class Entries(Protocol):
    """FAT entries, one for each cluster number from 0 on; the top four bits of FAT32 are zero."""

    def __len__(self) -> int: ...

    def __getitem__(self, cluster: int, /) -> int: ...


def read_entries(store: Store, offset: int, geometry: Geometry, copy: int) -> Entries:
    """The entries of one copy of the FAT. `offset`: byte offset of the volume in the image."""
    start = offset + geometry.fat_offset(copy)
    if geometry.bits == 12:
        table = AllocationTable(geometry, lambda place, size: store.read(start + place, size))
        return array("H", [table[cluster] for cluster in range(geometry.cluster_end)])
    paged = PagedEntries(store, start, geometry)
    return paged.page(0, geometry.cluster_end) if geometry.cluster_end <= _MOST_AT_ONCE else paged


def pages(entries: Entries) -> Iterator[tuple[int, array[int]]]:
    """(number of the first entry, entries) piece by piece, without pieces of a large table that are all free."""
    if isinstance(entries, array):
        yield 0, entries
    elif isinstance(entries, PagedEntries):
        for first in range(0, len(entries), _PAGE):
            page = entries.page(first, _PAGE)
            if page.tobytes() != _FREE_PAGE[: len(page) * page.itemsize]:
                yield first, page


class PagedEntries:
    """Entries of a large FAT16 or FAT32, of which the pages read last are kept in memory."""

    def __init__(self, store: Store, start: int, geometry: Geometry) -> None:
        self._store = store
        self._start = start
        self._size = geometry.bits // 8
        self._count = geometry.cluster_end
        self._pages: OrderedDict[int, array[int]] = OrderedDict()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, cluster: int) -> int:
        number, within = divmod(cluster, _PAGE)
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = self.page(number * _PAGE, _PAGE)
            if len(self._pages) > _MOST_PAGES:
                self._pages.popitem(last=False)
        return page[within]

    def page(self, first: int, count: int) -> array[int]:
        """Entries `first` up to `first + count`, fewer at the end; not kept."""
        count = min(count, self._count - first)
        data = self._store.read(self._start + first * self._size, count * self._size)
        entries = array("H" if self._size == 2 else "I", data.ljust(count * self._size, b"\0"))
        if sys.byteorder == "big":
            entries.byteswap()
        if self._size == 4 and data[3::4].translate(None, _RESERVED_TOP):
            entries = array("I", [entry & MASK_32 for entry in entries])
        return entries


def write_entries(store: Store, offset: int, geometry: Geometry, first: int, values: Sequence[int]) -> None:
    """Set the entries from cluster `first` on, in every copy. The top four bits of FAT32 entries stay as they are."""
    bits = geometry.bits
    start, end = first * bits // 8, -(-(first + len(values)) * bits // 8)
    shift = first * bits % 8
    mask = MASK_32 if bits == 32 else (1 << bits) - 1
    for copy in range(geometry.fat_count):
        place = offset + geometry.fat_offset(copy) + start
        # All of them as one number, as FAT12 entries share bytes.
        number = int.from_bytes(store.read(place, end - start), "little")
        for index, value in enumerate(values):
            position = shift + index * bits
            number = number & ~(mask << position) | value << position
        store.write(place, number.to_bytes(end - start, "little"))
