"""Directories: the entries in a run of 32-byte slots, read and made.

Source: Microsoft FAT Specification (2005), sections 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from bfimg.clock import fat_timestamp, from_fat_timestamp
from bfimg.fat.names import (
    ShortNameBase,
    exact_short_name,
    fold,
    generate_short_name,
    short_name_checksum,
    short_name_text,
)
from bfimg.formats.fat_directory import (
    FAT_ENTRY_END,
    FAT_ENTRY_FREE,
    FAT_LONG_NAME_LAST,
    FAT_LONG_NAME_MAX,
    FAT_LONG_NAME_UNITS,
    DirectoryEntry,
    FatAttribute,
    LongNameEntry,
)

SLOT_SIZE = DirectoryEntry.SIZE
_UNPACKER = DirectoryEntry.unpacker()
_LONG_UNPACKER = LongNameEntry.unpacker()
_CASE_FLAGS = DirectoryEntry.offset_of("case_flags")
_LONG_NAME_SLOTS = -(-FAT_LONG_NAME_MAX // FAT_LONG_NAME_UNITS)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a directory as people see it. Sizes in bytes, `slot` counts 32-byte slots."""

    name: str
    short_name: str
    raw_short_name: bytes
    attributes: int
    size: int
    first_cluster: int
    modified: datetime | None
    slot: int  # the first slot, long-name entries included
    slots: int

    @property
    def is_directory(self) -> bool:
        return bool(self.attributes & FatAttribute.DIRECTORY)

    @property
    def is_label(self) -> bool:
        return bool(self.attributes & FatAttribute.VOLUME_ID)

    @property
    def entry_slot(self) -> int:
        """The slot of the 8.3 entry."""
        return self.slot + self.slots - 1


def parse_directory(data: bytes | bytearray, *, wide: bool) -> Iterator[Item]:
    """Every entry in use, the volume label included, up to the end mark.

    wide: FAT32, where the high half of the first cluster counts; elsewhere it may hold anything.
    Long-name entries that belong to no 8.3 entry (wrong order or checksum) are passed over: the 8.3 name counts.
    """
    parts: list[bytes] = []  # the long name's entries so far, last part first
    usable = len(data) - len(data) % SLOT_SIZE
    for slot, values in enumerate(_UNPACKER.iter_unpack(memoryview(data)[:usable])):
        raw, attributes, case_flags = values[0], values[1], values[2]
        if raw[0] == FAT_ENTRY_END:
            return
        if raw[0] == FAT_ENTRY_FREE:
            parts.clear()
            continue
        if attributes & 0x3F == FatAttribute.LONG_NAME:
            if raw[0] & FAT_LONG_NAME_LAST:
                parts.clear()
            parts.append(bytes(data[slot * SLOT_SIZE : (slot + 1) * SLOT_SIZE]))
            continue
        short_name = short_name_text(raw, case_flags)
        long_name = _join_long_name(parts, raw)
        count = len(parts) + 1 if long_name is not None else 1
        _, _, _, _, _, _, _, high, time, date, low, size = values
        yield Item(
            name=short_name if long_name is None else long_name,
            short_name=short_name_text(raw),
            raw_short_name=raw,
            attributes=attributes,
            size=size,
            first_cluster=high << 16 | low if wide else low,
            modified=from_fat_timestamp(date, time),
            slot=slot - count + 1,
            slots=count,
        )
        parts.clear()


def _join_long_name(parts: list[bytes], raw_short_name: bytes) -> str | None:
    """The long name from its entries in disk order, or None when they do not belong to the 8.3 name."""
    if not parts or len(parts) > _LONG_NAME_SLOTS:
        return None
    checksum = short_name_checksum(raw_short_name)
    units = b""
    for number, part in zip(range(len(parts), 0, -1), parts, strict=True):
        ordinal, name_1, _, _, part_checksum, name_2, _, name_3 = _LONG_UNPACKER.unpack(part)
        expected = number | (FAT_LONG_NAME_LAST if number == len(parts) else 0)
        if ordinal != expected or part_checksum != checksum:
            return None
        units = name_1 + name_2 + name_3 + units
    name = units.decode("utf-16-le", "replace").split("\0", 1)[0]
    return name or None


class Directory:
    """The slots of one directory in memory, with an index of its names. Nothing is written here."""

    def __init__(self, data: bytes, *, wide: bool) -> None:
        self.data = bytearray(data)
        self._wide = wide
        items = list(parse_directory(data, wide=wide))
        self.items = {fold(item.name): item for item in items if not item.is_label}
        self.label = next((item for item in items if item.is_label), None)
        self._shorts = {item.raw_short_name: item for item in self.items.values()}
        self._tails: dict[ShortNameBase, int] = {}
        # Where to look for that many free slots; none stand before.
        self._room: dict[int, int] = {}
        self._end = self._find_end()
        self._tail_is_zero = False

    def _find_end(self) -> int:
        """The first slot with an end mark. What stands behind it may be anything."""
        marks = self.data[::SLOT_SIZE]
        found = marks.find(FAT_ENTRY_END)
        return found if found >= 0 else len(marks)

    def find(self, name: str) -> Item | None:
        """The entry with this long or 8.3 name, case ignored."""
        item = self.items.get(fold(name))
        if item is not None:
            return item
        raw = exact_short_name(fold(name))
        return None if raw is None else self._shorts.get(raw)

    def entry(self, item: Item) -> DirectoryEntry:
        """The 8.3 entry of `item`."""
        return DirectoryEntry.parse(self.data, item.entry_slot * SLOT_SIZE)

    def slots_needed(self, name: str) -> int:
        """Slots an entry of this name takes."""
        return 1 if exact_short_name(name) is not None else 1 + _long_slots(name)

    def find_room(self, count: int) -> int | None:
        """First of `count` free slots in a row, or None."""
        run = 0
        total = len(self.data) // SLOT_SIZE
        for slot in range(self._room.get(count, 0), self._end):
            run = run + 1 if self.data[slot * SLOT_SIZE] == FAT_ENTRY_FREE else 0
            if run == count:
                self._room[count] = slot - count + 1
                return slot - count + 1
        self._room[count] = self._end - run
        return self._end - run if total - (self._end - run) >= count else None

    def grow(self, size: int) -> None:
        """Add `size` zero bytes of slots."""
        self.data += bytes(size)

    def add(self, slot: int, name: str, entry: DirectoryEntry) -> Item:
        """Put an entry, with its long name where `name` is not an 8.3 name as it stands, at free slots."""
        raw = exact_short_name(name)
        parts: list[bytes] = []
        if raw is None:
            raw = generate_short_name(name, self._shorts, self._tails)
            parts = list(_long_entries(name, short_name_checksum(raw)))
        self._put(slot, b"".join([*parts, entry.replace(name=raw, case_flags=0).packed()]))
        return self._remember(slot, len(parts) + 1)

    def update(self, item: Item, entry: DirectoryEntry) -> Item:
        """Replace the 8.3 entry of `item`, keeping its names."""
        start = item.entry_slot * SLOT_SIZE
        kept = entry.replace(name=item.raw_short_name, case_flags=self.data[start + _CASE_FLAGS])
        self.data[start : start + SLOT_SIZE] = kept.packed()
        return self._remember(item.slot, item.slots)

    def remove(self, item: Item) -> None:
        """Mark the slots of `item` as free."""
        for slot in range(item.slot, item.slot + item.slots):
            self.data[slot * SLOT_SIZE] = FAT_ENTRY_FREE
        del self.items[fold(item.name)]
        del self._shorts[item.raw_short_name]
        # A run of free slots may now begin before this item, so only the hint for single slots stays.
        self._room = {1: min(self._room.get(1, 0), item.slot)}

    def set_label(self, slot: int, entry: DirectoryEntry) -> None:
        """Put the volume label at `slot`, free or the old label's."""
        self._put(slot, entry.to_bytes())
        self.label = replace(next(parse_directory(entry.to_bytes(), wide=self._wide)), slot=slot)

    def remove_label(self) -> None:
        """Mark the slot of the label as free."""
        if self.label is not None:
            self.data[self.label.slot * SLOT_SIZE] = FAT_ENTRY_FREE
            self._room = {}
            self.label = None

    def _put(self, slot: int, encoded: bytes) -> None:
        """Write slots; when they reach beyond the end mark, what stood behind it becomes zero.

        It may be anything, and not every reader stops at the end mark.
        """
        self.data[slot * SLOT_SIZE : slot * SLOT_SIZE + len(encoded)] = encoded
        last = slot + len(encoded) // SLOT_SIZE
        if last > self._end:
            self._end = last
            if not self._tail_is_zero:
                self.data[last * SLOT_SIZE :] = bytes(len(self.data) - last * SLOT_SIZE)
                self._tail_is_zero = True

    def _remember(self, slot: int, slots: int) -> Item:
        window = self.data[slot * SLOT_SIZE : (slot + slots) * SLOT_SIZE]
        item = replace(next(parse_directory(window, wide=self._wide)), slot=slot, slots=slots)
        self.items[fold(item.name)] = item
        self._shorts[item.raw_short_name] = item
        return item


def _long_slots(name: str) -> int:
    return -(-len(name.encode("utf-16-le")) // (2 * FAT_LONG_NAME_UNITS))


def _long_entries(name: str, checksum: int) -> Iterator[bytes]:
    """The long-name entries in disk order: last part first; NUL-terminated, then filled with 0xFFFF."""
    units = name.encode("utf-16-le")
    count = _long_slots(name)
    if len(units) < count * 2 * FAT_LONG_NAME_UNITS:
        units += b"\0\0"
    units = units.ljust(count * 2 * FAT_LONG_NAME_UNITS, b"\xff")
    for number in range(count, 0, -1):
        part = units[(number - 1) * 2 * FAT_LONG_NAME_UNITS : number * 2 * FAT_LONG_NAME_UNITS]
        yield LongNameEntry(
            ordinal=number | (FAT_LONG_NAME_LAST if number == count else 0),
            checksum=checksum,
            name_1=part[:10],
            name_2=part[10:22],
            name_3=part[22:],
        ).packed()


def make_entry(attributes: int, size: int, first_cluster: int, when: datetime) -> DirectoryEntry:
    """A nameless 8.3 entry; created, read and written at `when`."""
    date, time, tenths = fat_timestamp(when)
    return DirectoryEntry(
        attributes=attributes,
        creation_tenths=tenths,
        creation_time=time,
        creation_date=date,
        access_date=date,
        write_time=time,
        write_date=date,
        first_cluster_high=first_cluster >> 16,
        first_cluster_low=first_cluster & 0xFFFF,
        file_size=size,
    )
