"""The GUID partition table of a disk: read from either of its two copies, and what is wrong with them.

Source: UEFI Specification 2.10, section 5.3. Sectors of 512 bytes only.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from bfimg.formats.crc import CRC32
from bfimg.formats.gpt import GPT_HEADER_LBA, GPT_MOST_ENTRIES, GPT_SIGNATURE, GPT_TYPE_NAMES, GptEntry, GptHeader
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.image.store import Store

PRIMARY, BACKUP = "gpt", "gpt_backup"  # the names of their regions
_UNUSED = bytes(16)
_SHARED_FIELDS = ("disk_guid", "first_usable_lba", "last_usable_lba")  # the same in both headers


@dataclass(frozen=True)
class GptPartition:
    """A used entry: its index in the table, its byte offset in the image, its contents."""

    index: int
    offset: int
    entry: GptEntry


@dataclass(frozen=True)
class GptTable:
    """One copy of the table. `header_offset`: byte offset of its header in the image."""

    header_offset: int
    header: GptHeader
    partitions: tuple[GptPartition, ...]
    header_crc: int  # as computed
    entries_crc: int  # as computed

    @property
    def is_sound(self) -> bool:
        return self.header_crc == self.header.header_crc and self.entries_crc == self.header.entries_crc

    @property
    def entries_offset(self) -> int:
        return self.header.entries_lba * SECTOR_SIZE

    def extent(self, name: str) -> tuple[int, int]:
        """(start, end) of the copy called `name`: the first has its entries behind the header, the backup before it.

        The header alone when the entries stand elsewhere, which the specification allows and hardly anyone does.
        """
        start, end = self.header_offset, self.header_offset + SECTOR_SIZE
        size = self.header.entry_count * self.header.entry_size
        entries_end = self.entries_offset + -(-size // SECTOR_SIZE) * SECTOR_SIZE
        if name == PRIMARY:
            return start, entries_end if self.entries_offset == end else end
        return self.entries_offset if entries_end == start else start, end


@dataclass(frozen=True)
class GptProblem:
    """Something wrong that no single field's range shows. `offset`: byte offset in the image."""

    place: str
    offset: int
    message: str


def read_table(store: Store, offset: int) -> GptTable | None:
    """The copy whose header stands at byte `offset`; None when there is none, or none that can be read."""
    sector = store.read(offset, SECTOR_SIZE)
    if len(sector) < SECTOR_SIZE or int.from_bytes(sector[:8], "little") != GPT_SIGNATURE:
        return None
    header = GptHeader.parse(sector)
    size, count = header.entry_size, header.entry_count
    if size < GptEntry.SIZE or size % GptEntry.SIZE or size > 4096 or not 0 < count <= GPT_MOST_ENTRIES:
        return None
    start = header.entries_lba * SECTOR_SIZE
    data = store.read(start, size * count)
    partitions = tuple(
        GptPartition(index, start + place, GptEntry.parse(data, place))
        for index, place in enumerate(range(0, len(data) - GptEntry.SIZE + 1, size))
        if data[place : place + len(_UNUSED)] != _UNUSED
    )
    return GptTable(offset, header, partitions, _header_crc(header, sector), CRC32.compute(data))


def _header_crc(header: GptHeader, sector: bytes) -> int:
    """The CRC of a header. sector: what it stands in, whose rest counts when the header says that it is longer."""
    covered = header.replace(header_crc=0).packed() + sector[GptHeader.SIZE :]
    return CRC32.compute(covered[: max(header.header_size, GptHeader.SIZE)])


def read_copies(store: Store) -> tuple[GptTable | None, GptTable | None]:
    """The first copy and the one at the end of the disk, where the first says it is, else in the last sector."""
    primary = read_table(store, GPT_HEADER_LBA * SECTOR_SIZE)
    end = store.size // SECTOR_SIZE - 1
    backup = None
    if primary is not None and primary.header.alternate_lba > GPT_HEADER_LBA:
        backup = read_table(store, primary.header.alternate_lba * SECTOR_SIZE)
    if backup is None and end > GPT_HEADER_LBA:
        backup = read_table(store, end * SECTOR_SIZE)
    return primary, backup


def best_copy(primary: GptTable | None, backup: GptTable | None) -> GptTable | None:
    """The copy to believe: the first when its CRCs are right or the other's are not."""
    if primary is not None and (primary.is_sound or backup is None or not backup.is_sound):
        return primary
    return backup


def follow_change(store: Store, offset: int, kept: frozenset[str]) -> None:
    """After a change to the copy whose header stands at `offset`: its CRCs, and the backup where it was the same.

    kept: header fields to leave as they are. A backup that differed before the change is not touched: it may be the
    only good copy.
    """
    before = read_copies(store.old_view())
    _put_crcs_right(store, offset, kept)
    primary, backup = read_copies(store)
    if primary is None or backup is None or offset != primary.header_offset or not _agree(*before):
        return
    size = primary.header.entry_count * primary.header.entry_size
    entries = store.read(primary.entries_offset, size)
    if _layout(primary.header) != _layout(backup.header) or backup.entries_offset + len(entries) > store.size:
        return
    store.write(backup.entries_offset, entries)
    shared = {name: getattr(primary.header, name) for name in _SHARED_FIELDS}
    store.write(backup.header_offset, backup.header.replace(**shared).to_bytes())
    _put_crcs_right(store, backup.header_offset, frozenset())


def _put_crcs_right(store: Store, offset: int, kept: frozenset[str]) -> None:
    table = read_table(store, offset)
    if table is None:
        return
    header = table.header
    if "entries_crc" not in kept:
        header = header.replace(entries_crc=table.entries_crc)
    if "header_crc" not in kept:
        header = header.replace(header_crc=_header_crc(header, store.read(offset, SECTOR_SIZE)))
    store.write(offset, header.to_bytes())


def _agree(primary: GptTable | None, backup: GptTable | None) -> bool:
    """True for two sound copies that say the same."""
    if primary is None or backup is None or not (primary.is_sound and backup.is_sound):
        return False
    mine, other = (
        ([p.entry for p in copy.partitions], [getattr(copy.header, name) for name in _SHARED_FIELDS])
        for copy in (primary, backup)
    )
    return mine == other


def _layout(header: GptHeader) -> tuple[int, int]:
    return header.entry_count, header.entry_size


def guid_text(data: bytes) -> str:
    """A GUID as people write it."""
    return str(uuid.UUID(bytes_le=data))


def describe(entry: GptEntry) -> str:
    """Type and name of a partition, for people."""
    guid = guid_text(entry.type_guid)
    text = f"GPT {GPT_TYPE_NAMES.get(guid, guid)}"
    name = entry.name.decode("utf-16-le", "replace").split("\0", 1)[0]
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return f"{text}, {shown!r}" if shown else text


def header_offset(name: str, start: int, size: int) -> int:
    """Where the header stands in the region called `name`: first in the first copy, last in the backup."""
    return start if name == PRIMARY else start + size - SECTOR_SIZE


def region_problems(store: Store, name: str, start: int, size: int) -> Iterator[GptProblem]:
    """What is wrong with the copy in a region: its name, byte offset and size. The first also tells of the pair."""
    table = read_table(store, header_offset(name, start, size))
    if table is not None:
        yield from _table_problems(store, table, name)
    if name == PRIMARY:
        yield from _pair_problems(*read_copies(store))


def _table_problems(store: Store, table: GptTable, name: str) -> Iterator[GptProblem]:
    header, base = table.header, table.header_offset

    def problem(field: str, message: str) -> GptProblem:
        return GptProblem(f"{name}.{field}", base + GptHeader.offset_of(field), message)

    if header.header_crc != table.header_crc:
        yield problem("header_crc", f"is {header.header_crc:#x}, computed {table.header_crc:#x}")
    if header.entries_crc != table.entries_crc:
        yield problem("entries_crc", f"is {header.entries_crc:#x}, computed {table.entries_crc:#x}")
    if header.my_lba * SECTOR_SIZE != base:
        yield problem("my_lba", f"is {header.my_lba}, the header stands in sector {base // SECTOR_SIZE}")
    last = store.size // SECTOR_SIZE - 1
    if name == PRIMARY and header.alternate_lba != last:
        yield problem("alternate_lba", f"is {header.alternate_lba}, the last sector of the image is {last}")
    if name == BACKUP and header.alternate_lba != GPT_HEADER_LBA:
        yield problem("alternate_lba", f"is {header.alternate_lba}, the first header stands in sector {GPT_HEADER_LBA}")
    for partition in table.partitions:
        entry = partition.entry
        if not header.first_usable_lba <= entry.first_lba <= entry.last_lba <= header.last_usable_lba:
            yield GptProblem(
                f"{name}.entries[{partition.index}]",
                partition.offset,
                f"sectors {entry.first_lba} to {entry.last_lba}, "
                f"usable are {header.first_usable_lba} to {header.last_usable_lba}",
            )


def _pair_problems(primary: GptTable | None, backup: GptTable | None) -> Iterator[GptProblem]:
    first = GPT_HEADER_LBA * SECTOR_SIZE
    if primary is None and backup is None:
        yield GptProblem(PRIMARY, first, "no readable header, and no readable backup: the partitions cannot be found")
    elif primary is None:
        yield GptProblem(PRIMARY, first, "no readable header: only the backup is left")
    elif backup is None:
        yield GptProblem(PRIMARY, primary.header_offset, "the backup at the end of the disk is missing")
    else:
        for name in _SHARED_FIELDS:
            if getattr(primary.header, name) != getattr(backup.header, name):
                offset = backup.header_offset + GptHeader.offset_of(name)
                yield GptProblem(f"{BACKUP}.{name}", offset, "differs from that of the first copy")
        if primary.entries_offset == backup.entries_offset:
            offset = backup.header_offset + GptHeader.offset_of("entries_lba")
            yield GptProblem(f"{BACKUP}.entries_lba", offset, "both headers lead to the same entries")
        if [p.entry for p in primary.partitions] != [p.entry for p in backup.partitions]:
            yield GptProblem(BACKUP, backup.header_offset, "its entries differ from those of the first copy")
