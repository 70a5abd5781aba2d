"""One directory of a volume: its entries, without following their chains.

Source: Microsoft FAT Specification (2005), sections 6 and 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bfimg.check import codes
from bfimg.check.codes import Code
from bfimg.fat.directory import SLOT_SIZE, parse_directory
from bfimg.fat.names import short_name_text
from bfimg.formats.fat_directory import (
    FAT_ENTRY_END,
    FAT_ENTRY_FREE,
    FAT_ENTRY_KANJI_E5,
    FAT_LONG_NAME_LAST,
    DirectoryEntry,
    FatAttribute,
    LongNameEntry,
)

MOST_DEPTH = 64
_UNPACKER = DirectoryEntry.unpacker()
LONG_NAME_ZEROS = (  # (offset, bytes) of what is zero in every long-name entry
    (LongNameEntry.offset_of("type"), bytes(1)),
    (LongNameEntry.offset_of("first_cluster"), bytes(2)),
)
_LONG_NAME_BITS = 0x3F
_UNUSED = bytes([FAT_ENTRY_FREE, FAT_ENTRY_END])
_LEGAL = bytes(
    code
    for code in range(0x20, 0x100)
    if code != 0x7F and chr(code) not in '"*+,./:;<=>?[\\]|abcdefghijklmnopqrstuvwxyz'
)
DOTS = (b".          ", b"..         ")


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory that is still to be visited. cluster: its first, 0 for a fixed root directory. depth: 0 in the root.

    length: clusters of its chain that are sound.
    """

    name: str
    parent: Folder | None
    cluster: int
    length: int
    depth: int

    @property
    def path(self) -> str:
        """Path from the root, without a slash at its end. What is deeper than bfimg goes begins with three dots."""
        names: list[str] = []
        folder: Folder | None = self
        while folder is not None and folder.parent is not None and len(names) < MOST_DEPTH:
            names.append(folder.name)
            folder = folder.parent
        start = "" if folder is None or folder.parent is None else "/..."
        return start + "".join(f"/{name}" for name in reversed(names))


@dataclass(frozen=True, slots=True)
class Entry:
    """An 8.3 entry with the long name that belongs to it, if any. `slot` is its own, long-name parts stand before."""

    raw_name: bytes
    long_name: str
    case_flags: int
    attributes: int
    high: int
    low: int
    size: int
    slot: int

    @property
    def name(self) -> str:
        return self.long_name or short_name_text(self.raw_name, self.case_flags)

    @property
    def is_directory(self) -> bool:
        return bool(self.attributes & FatAttribute.DIRECTORY)

    @property
    def is_label(self) -> bool:
        return bool(self.attributes & FatAttribute.VOLUME_ID)


@dataclass(frozen=True, slots=True)
class Spot:
    """An entry and where it is. `str()` of it is a WHERE; `offset` is the entry's byte offset in the image."""

    region: str
    folder: Folder
    entry: Entry
    offset: int

    def __str__(self) -> str:
        return f"{self.region}:{self.folder.path}/{self.entry.name}"


def entries_of(data: bytes, report: Callable[[Code, int, int], None]) -> Iterator[Entry]:
    """Every entry in use up to the end mark.

    `report(code, slot, count)` is called for what is wrong with long-name parts and behind the end mark.
    """
    waiting = 0  # long-name parts directly before this slot
    slot = -1
    for slot, values in enumerate(_UNPACKER.iter_unpack(data)):
        raw, attributes = values[0], values[1]
        first = raw[0]
        in_use = first not in _UNUSED
        if in_use and attributes & _LONG_NAME_BITS == FatAttribute.LONG_NAME:
            if waiting and first & FAT_LONG_NAME_LAST:
                report(codes.ORPHANED_NAME, slot - waiting, waiting)
                waiting = 0
            waiting += 1
            continue
        long_name = ""
        if waiting:
            parts = range(slot - waiting, slot)
            long_name = _long_name(data, slot, waiting) if in_use else ""
            if not long_name:
                report(codes.ORPHANED_NAME, slot - waiting, waiting)
            elif any(_has_values(data[part * SLOT_SIZE : (part + 1) * SLOT_SIZE]) for part in parts):
                report(codes.LONG_NAME_FIELD, slot - waiting, waiting)
            waiting = 0
        if in_use:
            yield Entry(raw, long_name, values[2], attributes, values[7], values[10], values[11], slot)
        elif first == FAT_ENTRY_END:
            _check_behind(data, slot, report)
            return
    if waiting:
        report(codes.ORPHANED_NAME, slot + 1 - waiting, waiting)


def _check_behind(data: bytes, end: int, report: Callable[[Code, int, int], None]) -> None:
    behind = data[end * SLOT_SIZE :: SLOT_SIZE]
    count = len(behind.translate(None, _UNUSED))
    if count:
        report(codes.BEHIND_END, end, count)


def _has_values(part: bytes) -> bool:
    """True for a long-name entry with values where none may be."""
    return any(part[at : at + len(zeros)] != zeros for at, zeros in LONG_NAME_ZEROS)


def _long_name(data: bytes, slot: int, parts: int) -> str:
    """The long name in the `parts` slots before `slot`, empty when they do not belong to it."""
    item = next(parse_directory(data[(slot - parts) * SLOT_SIZE : (slot + 1) * SLOT_SIZE], wide=True))
    return item.name if item.slots == parts + 1 else ""


def is_legal_name(raw: bytes) -> bool:
    """True for the 11 bytes of an 8.3 name as the specification allows them."""
    if raw[0] == FAT_ENTRY_KANJI_E5:
        raw = raw[1:]
    return raw[0] != 0x20 and not raw.translate(None, _LEGAL)
