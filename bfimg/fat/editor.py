"""Changes to a FAT volume: files, folders, names, attributes, label.

Changes go to the image's store, in memory; `FatEditor.flush` hands over the last of them, the store commits. After an
error the pending changes are of no use: close the store without a commit.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from bfimg.clock import fat_timestamp
from bfimg.errors import FitError, NotFoundError, UsageError
from bfimg.fat.directory import SLOT_SIZE, Directory, Item, make_entry
from bfimg.fat.mkfs import NO_LABEL, encode_label
from bfimg.fat.names import check_name
from bfimg.fat.volume import FatFile, FatVolume, contiguous, split_path
from bfimg.formats.fat_boot_sector import FatBootSector32, FsInfo
from bfimg.formats.fat_directory import DirectoryEntry, FatAttribute

_MOST_FILE_BYTES = 0xFFFFFFFF
_CHUNK = 1 << 20
_SETTABLE = FatAttribute.READ_ONLY | FatAttribute.HIDDEN | FatAttribute.SYSTEM | FatAttribute.ARCHIVE


@dataclass(frozen=True, slots=True)
class _Place:
    """A directory and the name looked up in it. `folder` is its first cluster, 0 for a fixed root directory."""

    folder: int
    directory: Directory
    name: str
    item: Item | None


class FatEditor:
    """Changes one volume. `when` is the time that new and changed entries get.

    Paths are case-insensitive, from the root. Methods raise NotFoundError for a folder or file that is not there,
    UsageError for a name FAT does not allow or an entry of the wrong kind, FitError when there is no room.
    """

    def __init__(self, volume: FatVolume, when: datetime) -> None:
        self.volume = volume
        self.when = when
        self._changed: set[int] = set()

    @property
    def _name(self) -> str:
        return self.volume.store.name

    # Files

    def write(self, path: str, source: bytes | BinaryIO) -> FatFile:
        """Create the file at `path`, or replace its contents. Its folder must exist."""
        place = self._place(path, new=True)
        if place.item is not None:
            self._refuse_folder(place.item, path)
            self.volume.table.release(self._chain(place.item, path))
        first, size = self._store(source)
        entry = make_entry(FatAttribute.ARCHIVE, size, first, self.when)
        if place.item is None:
            self._add(place, entry)
        else:
            old = place.directory.entry(place.item)
            kept = {name: getattr(old, name) for name in ("creation_date", "creation_time", "creation_tenths")}
            attributes = old.attributes | FatAttribute.ARCHIVE
            place.directory.update(place.item, entry.replace(attributes=attributes, **kept))
            self._changed.add(place.folder)
        return self.volume.find(path)

    def append(self, path: str, data: bytes) -> FatFile:
        """Put `data` behind the contents of an existing file."""
        place = self._existing_file(path)
        item, cluster_bytes = place.item, self.volume.geometry.cluster_bytes
        assert item is not None
        size = item.size + len(data)
        if size > _MOST_FILE_BYTES:
            raise FitError(f"{size} bytes, a FAT file holds at most {_MOST_FILE_BYTES}", path=self._name)
        chain = self._chain(item, path)
        used = item.size - (len(chain) - 1) * cluster_bytes if chain else 0
        head, rest = (data[: cluster_bytes - used], data[cluster_bytes - used :]) if chain else (b"", data)
        if head:
            last = self.volume.offset + self.volume.geometry.cluster_offset(chain[-1])
            self.volume.store.write(last + used, head.ljust(cluster_bytes - used, b"\0"))
        needed = -(-len(rest) // cluster_bytes)
        added = self.volume.table.extend(chain[-1], needed) if chain else self.volume.table.allocate(needed)
        self._write_clusters(added, rest)
        first = (chain or added or [0])[0]
        return self._resize(place, path, first, size)

    def truncate(self, path: str, size: int) -> FatFile:
        """Cut a file to `size` bytes, or lengthen it with zeros."""
        place = self._existing_file(path)
        assert place.item is not None
        if size < 0:
            raise UsageError(f"size {size}", path=self._name, hint="use 0 or more")
        if size > place.item.size:
            return self.append(path, bytes(size - place.item.size))
        chain = self._chain(place.item, path)
        kept = -(-size // self.volume.geometry.cluster_bytes)
        self.volume.table.release(chain[kept:])
        if kept:
            self.volume.table.link(chain[:kept])
        return self._resize(place, path, chain[0] if kept else 0, size)

    def _resize(self, place: _Place, path: str, first: int, size: int) -> FatFile:
        assert place.item is not None
        date, time, _ = fat_timestamp(self.when)
        entry = place.directory.entry(place.item).replace(
            first_cluster_high=first >> 16,
            first_cluster_low=first & 0xFFFF,
            file_size=size,
            write_date=date,
            write_time=time,
            access_date=date,
        )
        place.directory.update(place.item, entry)
        self._changed.add(place.folder)
        return self.volume.find(path)

    # Folders and names

    def make_folder(self, path: str) -> None:
        """Make a folder in an existing one."""
        place = self._place(path, new=True)
        if place.item is not None:
            raise UsageError(f"{path} exists already", path=self._name, hint="choose another name")
        cluster = self.volume.table.allocate(1)[0]
        entry = make_entry(FatAttribute.DIRECTORY, 0, cluster, self.when)
        dots = entry.replace(name=b".          ").to_bytes() + self._parent_entry(entry, place.folder)
        self.volume.hold_directory(cluster, dots.ljust(self.volume.geometry.cluster_bytes, b"\0"))
        self._changed.add(cluster)
        self._add(place, entry)

    def make_folders(self, path: str) -> None:
        """Make the folder `path` and those above it that do not exist yet."""
        walked = ""
        for name in split_path(path):
            walked = f"{walked}/{name}"
            if not self.volume.exists(walked):
                self.make_folder(walked)
            elif not self.volume.find(walked).item.is_directory:
                raise UsageError(f"{walked} is a file", path=self._name, hint="choose another name")

    def remove(self, path: str, *, recursive: bool = False) -> None:
        """Remove a file or an empty folder; with `recursive` a folder and all below it."""
        place = self._existing(path)
        assert place.item is not None
        if place.item.is_directory:
            below = list(self.volume.walk(path))
            if below and not recursive:
                raise UsageError(f"{path} is not empty", path=self._name, hint="remove it with all below: --recursive")
            for file in below:
                self.volume.table.release(self._chain(file.item, file.path))
                self._forget(file.item)
        self.volume.table.release(self._chain(place.item, path))
        self._forget(place.item)
        place.directory.remove(place.item)
        self._changed.add(place.folder)

    def move(self, source: str, target: str) -> None:
        """Rename or move a file or folder. `target` is the new path; a file there is replaced."""
        old = self._existing(source)
        item = old.item
        assert item is not None
        new = self._place(target, new=True)
        if item.is_directory and self._inside(target, item.first_cluster):
            raise UsageError(f"{source} cannot move into itself", path=self._name, hint="choose another place")
        if new.item is not None and (new.folder, new.item.slot) != (old.folder, item.slot):
            if new.item.is_directory or item.is_directory:
                raise UsageError(f"{target} exists already", path=self._name, hint="remove it first")
            self.remove(target)
        entry = old.directory.entry(item)
        old.directory.remove(item)
        self._changed.add(old.folder)
        slot = None
        if new.folder == old.folder and new.directory.slots_needed(new.name) <= item.slots:
            slot = item.slot  # in place: listings keep their order
        self._add(new, entry, slot)
        if item.is_directory and new.folder != old.folder:
            moved = self.volume.directory(item.first_cluster)
            moved.data[SLOT_SIZE : 2 * SLOT_SIZE] = self._parent_entry(entry, new.folder)
            self._changed.add(item.first_cluster)

    def _inside(self, path: str, cluster: int) -> bool:
        """True when `path` goes through the folder that begins at `cluster`."""
        parts = split_path(path)[:-1]
        return any(
            self.volume.find("/".join(parts[: count + 1])).item.first_cluster == cluster for count in range(len(parts))
        )

    def set_attributes(self, path: str, *, add: int = 0, remove: int = 0) -> None:
        """Set and clear bits of FatAttribute: read-only, hidden, system, archive."""
        place = self._existing(path)
        assert place.item is not None
        if (add | remove) & ~_SETTABLE:
            raise UsageError("only read-only, hidden, system and archive can be set", path=self._name)
        entry = place.directory.entry(place.item)
        place.directory.update(place.item, entry.replace(attributes=(entry.attributes | add) & ~remove))
        self._changed.add(place.folder)

    def set_label(self, label: str) -> None:
        """Set the volume label, in the root directory and the boot sector. An empty one removes it."""
        encoded = encode_label(label) if label else NO_LABEL
        root = self.volume.geometry.root_cluster
        directory = self.volume.directory(root)
        if not label:
            directory.remove_label()
        else:
            slot = directory.label.slot if directory.label else self._room(root, directory, 1)
            entry = make_entry(FatAttribute.VOLUME_ID, 0, 0, self.when)
            directory.set_label(slot, entry.replace(name=encoded))
        self._changed.add(root)
        self.volume.boot = self.volume.boot.replace(volume_label=encoded)
        places = [0]
        if isinstance(self.volume.boot, FatBootSector32) and self.volume.boot.backup_boot_sector:
            places.append(self.volume.boot.backup_boot_sector * self.volume.geometry.bytes_per_sector)
        for place in places:
            offset = self.volume.offset + place + self.volume.boot.offset_of("volume_label")
            self.volume.store.write(offset, encoded)

    # The end

    def flush(self) -> None:
        """Hand changed directories, both FAT copies and the FAT32 free count to the store."""
        volume = self.volume
        for cluster in sorted(self._changed):
            data = bytes(volume.directory(cluster).data)
            if cluster == 0:
                volume.store.write(volume.offset + volume.geometry.root_offset, data)
            else:
                self._write_clusters(volume.table.chain(cluster), data)
        self._changed.clear()
        changes = volume.table.changes()
        for copy in range(volume.geometry.fat_count):
            for start, data in changes:
                room = volume.geometry.fat_bytes - start
                volume.store.write(volume.offset + volume.geometry.fat_offset(copy) + start, data[:room])
        if changes:
            self._update_fsinfo()

    def _update_fsinfo(self) -> None:
        boot = self.volume.boot
        if not isinstance(boot, FatBootSector32) or not 0 < boot.fsinfo_sector < boot.reserved_sectors:
            return
        place = self.volume.offset + boot.fsinfo_sector * self.volume.geometry.bytes_per_sector
        info = FsInfo.parse(self.volume.store.read(place, FsInfo.SIZE))
        if not list(info.problems()):
            count = self.volume.table.free_count
            self.volume.store.write(place, info.replace(free_clusters=count).to_bytes())

    # Helpers

    def _place(self, path: str, *, new: bool = False) -> _Place:
        """The folder of `path` and what is at `path` now. new: the name is about to be made, so it must be legal."""
        parts = split_path(path)
        if not parts:
            raise UsageError(f"{path!r} names no file", hint="give a path such as /NAME.EXT")
        if new:
            check_name(parts[-1])
        folder = self.volume.folder_cluster("/".join(parts[:-1]))
        directory = self.volume.directory(folder)
        return _Place(folder, directory, parts[-1], directory.find(parts[-1]))

    def _existing(self, path: str) -> _Place:
        place = self._place(path)
        if place.item is None or place.name in (".", ".."):
            raise NotFoundError(f"no {path} on the volume", path=self._name, hint="bfimg ls lists its files")
        return place

    def _existing_file(self, path: str) -> _Place:
        place = self._existing(path)
        assert place.item is not None
        self._refuse_folder(place.item, path)
        return place

    def _refuse_folder(self, item: Item, path: str) -> None:
        if item.is_directory:
            raise UsageError(f"{path} is a directory", path=self._name, hint="name a file")

    def _chain(self, item: Item, path: str) -> list[int]:
        return self.volume.table.chain(item.first_cluster, path=self._name, field=f"fat:{path}")

    def _forget(self, item: Item) -> None:
        """Drop a removed folder's slots; its clusters may be taken again."""
        if item.is_directory:
            self.volume.drop_directory(item.first_cluster)
            self._changed.discard(item.first_cluster)

    def _parent_entry(self, entry: DirectoryEntry, parent: int) -> bytes:
        """The ``..`` of a folder. In the root it holds cluster 0, on FAT32 too."""
        above = 0 if parent == self.volume.geometry.root_cluster else parent
        return entry.replace(
            name=b"..         ",
            attributes=FatAttribute.DIRECTORY,
            first_cluster_high=above >> 16,
            first_cluster_low=above & 0xFFFF,
        ).to_bytes()

    def _add(self, place: _Place, entry: DirectoryEntry, slot: int | None = None) -> None:
        slots = place.directory.slots_needed(place.name)
        if slot is None:
            slot = self._room(place.folder, place.directory, slots)
        place.directory.add(slot, place.name, entry)
        self._changed.add(place.folder)

    def _room(self, folder: int, directory: Directory, slots: int) -> int:
        """Free slots in a folder, which grows by clusters where it can."""
        while (slot := directory.find_room(slots)) is None:
            if folder == 0:
                raise FitError(
                    f"root directory is full: {self.volume.geometry.root_entries} entries",
                    path=self._name,
                    hint="remove files, or make the volume with more root entries",
                )
            if len(directory.data) >= self.volume.most_directory_bytes:
                raise FitError("directory is full: 65536 entries", path=self._name, hint="use another directory")
            self.volume.table.extend(self.volume.table.chain(folder)[-1], 1)
            directory.grow(self.volume.geometry.cluster_bytes)
            self._changed.add(folder)
        return slot

    def _store(self, source: bytes | BinaryIO) -> tuple[int, int]:
        """Put contents into fresh clusters, a mebibyte at a time: (first cluster or 0, bytes)."""
        if isinstance(source, bytes):
            self.volume.table.require(-(-len(source) // self.volume.geometry.cluster_bytes))
        first, last, size = 0, 0, 0
        for chunk in _chunks(source, max(_CHUNK, self.volume.geometry.cluster_bytes)):
            size += len(chunk)
            if size > _MOST_FILE_BYTES:
                raise FitError(f"more than {_MOST_FILE_BYTES} bytes, which no FAT file holds", path=self._name)
            needed = -(-len(chunk) // self.volume.geometry.cluster_bytes)
            clusters = self.volume.table.extend(last, needed) if last else self.volume.table.allocate(needed)
            self._write_clusters(clusters, chunk)
            first = first or clusters[0]
            last = clusters[-1]
        return first, size

    def _write_clusters(self, clusters: list[int], data: bytes | memoryview) -> None:
        """Write `data` to clusters; the rest of the last one becomes zero."""
        cluster_bytes = self.volume.geometry.cluster_bytes
        position = 0
        for first, count in contiguous(clusters):
            part = bytes(data[position : position + count * cluster_bytes])
            offset = self.volume.offset + self.volume.geometry.cluster_offset(first)
            self.volume.store.write(offset, part.ljust(count * cluster_bytes, b"\0"))
            position += count * cluster_bytes


def _chunks(source: bytes | BinaryIO, size: int) -> Iterator[bytes | memoryview]:
    """Pieces of `size` bytes, the last one shorter; whole clusters, as `size` is a power of two."""
    if isinstance(source, bytes):
        view = memoryview(source)
        for start in range(0, len(view), size):
            yield view[start : start + size]
        return
    reader = io.BufferedReader(source, size) if isinstance(source, io.RawIOBase) else source
    while chunk := _read_full(reader, size):
        yield chunk


def _read_full(stream: BinaryIO | io.BufferedReader, size: int) -> bytes:
    """`size` bytes, fewer only at the end: a pipe may hand over less at a time."""
    parts, missing = [], size
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
