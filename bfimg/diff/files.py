"""Files of the FAT volumes in two images: added, removed, changed, moved."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from bfimg.diff.compare import Touched, stream_difference
from bfimg.diff.report import FieldChange, FileChange
from bfimg.errors import BfimgError
from bfimg.fat.directory import Item
from bfimg.fat.volume import FatVolume, contiguous


class _Entry(NamedTuple):
    """A file or directory of one image."""

    where: str
    volume: FatVolume
    item: Item

    @property
    def name(self) -> str:
        return self.where.rpartition("/")[2]

    def contents(self) -> Iterator[bytes]:
        return self.volume.chunks(self.item)


_Tree = dict[str, _Entry]


class VolumeComparison:
    """Compares volumes one by one. After the last one, `changes` is complete, moves across volumes included.

    fields: changed labels. notes: what could not be compared, and why.
    """

    def __init__(self, touched: Touched) -> None:
        self.fields: list[FieldChange] = []
        self.notes: list[str] = []
        self._touched = touched
        self._changed: list[FileChange] = []
        self._removed: list[_Entry] = []
        self._added: list[_Entry] = []

    def add(self, region: str, old: FatVolume | None, new: FatVolume | None) -> None:
        """Compare the volume in one region; None where there is none."""
        tables_same = False
        try:
            before = _tree(region, old)
            if old is not None and new is not None:
                tables_same = old.geometry == new.geometry and old.offset == new.offset and not self._fat_touched(new)
                if tables_same and not self._tree_touched(old, before):
                    self._compare_all(before, {where: e._replace(volume=new) for where, e in before.items()}, True)
                    return
            after = _tree(region, new)
            old_label, new_label = old.label if old else None, new.label if new else None
        except BfimgError as error:
            self._note(region, error)
            return
        if old_label != new_label:
            change = FieldChange(f"{region}.label", old_label, new_label, "Volume label, from the root directory")
            self.fields.append(change)
        self._removed += [entry for where, entry in before.items() if where not in after]
        self._added += [entry for where, entry in after.items() if where not in before]
        self._compare_all(before, after, tables_same)

    def _compare_all(self, before: _Tree, after: _Tree, tables_same: bool) -> None:
        """Compare the files that are in both trees."""
        for where, entry in after.items():
            if where in before:
                try:
                    self._compare(before[where], entry, tables_same)
                except BfimgError as error:
                    self._note(where, error)

    def _note(self, place: str, error: BfimgError) -> None:
        self.notes.append(f"{place}: could not be compared: {error.message}")

    def _fat_touched(self, volume: FatVolume) -> bool:
        start = volume.offset + volume.geometry.fat_offset()
        return self._touched.hits(start, start + volume.geometry.fat_bytes)

    def _tree_touched(self, volume: FatVolume, tree: _Tree) -> bool:
        """True when a directory differs, so that the trees can."""
        geometry = volume.geometry
        start = volume.offset + geometry.root_offset
        folders = [entry.item.first_cluster for entry in tree.values() if entry.item.is_directory]
        if geometry.root_cluster:
            folders.append(geometry.root_cluster)
        return self._touched.hits(start, start + geometry.root_bytes) or any(
            self._clusters_touched(volume, volume.table.chain(folder)) for folder in folders
        )

    def _clusters_touched(self, volume: FatVolume, clusters: list[int]) -> bool:
        for first, count in contiguous(clusters):
            start = volume.offset + volume.geometry.cluster_offset(first)
            if self._touched.hits(start, start + count * volume.geometry.cluster_bytes):
                return True
        return False

    def _compare(self, old: _Entry, new: _Entry, tables_same: bool) -> None:
        entry = tuple(_entry_changes(old.item, new.item))
        differing, first = 0, None
        contents_same = old.item.is_directory or new.item.is_directory or self._in_place(old, new, tables_same)
        if not contents_same:
            differing, first = stream_difference(old.contents(), new.contents())
        if not entry and not differing and old.item.size == new.item.size:
            return
        header: tuple[FieldChange, ...] = ()
        payload_differing = None
        if differing or old.item.size != new.item.size:
            from bfimg.diff.modules import module_changes

            header, payload_differing = module_changes(new.where, (old.volume, old.item), (new.volume, new.item))
        self._changed.append(
            FileChange(
                kind="changed",
                where=new.where,
                is_directory=new.item.is_directory,
                old_size=old.item.size,
                new_size=new.item.size,
                differing=differing,
                first_difference=first,
                entry=entry,
                header=header,
                payload_differing=payload_differing,
            )
        )

    def _in_place(self, old: _Entry, new: _Entry, tables_same: bool) -> bool:
        """True when both files stand in the same clusters and nothing in these differs: no need to read them."""
        if old.item.first_cluster != new.item.first_cluster or old.item.size != new.item.size:
            return False
        chain = new.volume.table.chain(new.item.first_cluster)
        if not tables_same:
            placed_same = old.volume.geometry == new.volume.geometry and old.volume.offset == new.volume.offset
            if not placed_same or old.volume.table.chain(old.item.first_cluster) != chain:
                return False
        return not self._clusters_touched(new.volume, chain)

    def changes(self) -> tuple[FileChange, ...]:
        """All changes by path, moved files told from those removed and added."""
        moved = self._moved()
        changes = [*self._changed, *(_moved_change(old, new) for old, new in moved)]
        gone = {old.where for old, _ in moved}
        come = {new.where for _, new in moved}
        changes += [
            FileChange("removed", entry.where, entry.item.is_directory, old_size=entry.item.size)
            for entry in self._removed
            if entry.where not in gone
        ]
        changes += [
            FileChange("added", entry.where, entry.item.is_directory, new_size=entry.item.size)
            for entry in self._added
            if entry.where not in come
        ]
        return tuple(sorted(changes, key=lambda change: change.where))

    def _moved(self) -> list[tuple[_Entry, _Entry]]:
        """Pairs of a removed and an added file with the same contents; among equal ones, the same name wins."""
        sizes = {entry.item.size for entry in self._removed if not entry.item.is_directory}
        sizes &= {entry.item.size for entry in self._added if not entry.item.is_directory}
        sizes.discard(0)
        removed = [(key, entry) for entry in self._removed for key in self._key(entry, sizes)]
        added = [(key, entry) for entry in self._added for key in self._key(entry, sizes)]
        pairs: list[tuple[_Entry, _Entry]] = []
        for by_name in (True, False):
            pool: dict[tuple[tuple[int, int], str], list[_Entry]] = {}
            for key, old in reversed(removed):
                pool.setdefault((key, old.name if by_name else ""), []).append(old)
            left = []
            for key, new in added:
                group = pool.get((key, new.name if by_name else ""))
                if group and stream_difference(group[-1].contents(), new.contents()) == (0, None):
                    pairs.append((group.pop(), new))
                else:
                    left.append((key, new))
            paired = {old.where for old, _ in pairs}
            removed = [(key, old) for key, old in removed if old.where not in paired]
            added = left
        return pairs

    def _key(self, entry: _Entry, sizes: set[int]) -> list[tuple[int, int]]:
        """(size, CRC-32) of a file that can have moved; none for another, or for one that cannot be read."""
        if entry.item.is_directory or entry.item.size not in sizes:
            return []
        crc = 0
        try:
            for chunk in entry.contents():
                crc = zlib.crc32(chunk, crc)
        except BfimgError as error:
            self._note(entry.where, error)
            return []
        return [(entry.item.size, crc)]


def _tree(region: str, volume: FatVolume | None) -> _Tree:
    if volume is None:
        return {}
    return {(where := f"{region}:{file.path}"): _Entry(where, volume, file.item) for file in volume.walk()}


def _moved_change(old: _Entry, new: _Entry) -> FileChange:
    entry = tuple(_entry_changes(old.item, new.item))
    return FileChange("moved", new.where, False, old.where, old.item.size, new.item.size, entry=entry)


def _entry_changes(old: Item, new: Item) -> Iterator[FieldChange]:
    """Fields of the directory entry. The size is told with the contents."""
    if old.short_name != new.short_name:
        yield FieldChange("short_name", old.short_name, new.short_name, "8.3 name")
    if old.attributes != new.attributes:
        yield FieldChange("attributes", old.attributes, new.attributes, "Bits of FatAttribute")
    if old.modified != new.modified:
        yield FieldChange("modified", _time(old), _time(new), "Last change of the contents")
    if old.first_cluster != new.first_cluster:
        yield FieldChange("first_cluster", old.first_cluster, new.first_cluster, "Where the contents begin", "cluster")


def _time(item: Item) -> str | None:
    return None if item.modified is None else item.modified.isoformat()
