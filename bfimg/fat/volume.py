"""A FAT volume inside an image: found, listed, read, and files put on it.

Changes go to the image's store, in memory; `FatVolume.flush` hands over the last of them, the store commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bfimg.errors import FitError, FormatError, NotFoundError, UsageError
from bfimg.fat.directory import SLOT_SIZE, Directory, Item, make_entry, parse_directory
from bfimg.fat.geometry import geometry_of, read_boot_sector
from bfimg.fat.names import check_name
from bfimg.fat.table import AllocationTable
from bfimg.formats.fat_boot_sector import FatBootSector32, FsInfo
from bfimg.formats.fat_directory import FatAttribute
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.image.store import Store

_MOST_FILE_BYTES = 0xFFFFFFFF
_MOST_DIRECTORY_BYTES = 65_536 * SLOT_SIZE
_MOST_DEPTH = 64


@dataclass(frozen=True, slots=True)
class FatFile:
    """A file or directory with its path from the root, such as ``/MODULES/SHA256.BC``."""

    path: str
    item: Item


class FatVolume:
    """The volume that begins `offset` bytes into an image.

    Raises FormatError when there is no FAT volume, or when the volume is longer than the image.
    """

    def __init__(self, store: Store, offset: int = 0) -> None:
        self.store = store
        self.offset = offset
        sector = store.read(offset, SECTOR_SIZE)
        self.boot = read_boot_sector(sector, path=store.name, offset=offset)
        self.geometry = geometry_of(self.boot, path=store.name, offset=offset)
        if offset + self.geometry.total_bytes > store.size:
            raise FormatError(
                f"volume of {self.geometry.total_bytes} bytes, the image has {store.size - offset} for it",
                path=store.name,
                offset=offset,
                field="fat.bpb",
                hint="the image was cut short",
            )
        self._table: AllocationTable | None = None
        self._directories: dict[int, Directory] = {}
        self._changed_directories: set[int] = set()

    @property
    def table(self) -> AllocationTable:
        """The allocation table, read on first use from the first copy."""
        if self._table is None:
            start = self.offset + self.geometry.fat_offset()
            self._table = AllocationTable(self.geometry, self.store.read(start, self.geometry.fat_bytes))
        return self._table

    @property
    def label(self) -> str:
        """The label: the root directory's label entry, else the boot sector's, else empty."""
        for item in parse_directory(self._directory_bytes(self.geometry.root_cluster)):
            if item.is_label:
                return item.raw_short_name.decode("cp437").rstrip(" ")
        text = self.boot.volume_label.decode("cp437").rstrip(" \0")
        return "" if text == "NO NAME" else text

    # Reading

    def walk(self, folder: str = "/") -> Iterator[FatFile]:
        """Everything below `folder`, directories before their contents, in disk order.

        Raises NotFoundError, or FormatError on damaged chains and on directories that contain themselves.
        """
        yield from self._walk(folder.rstrip("/"), self._folder_cluster(folder), set())

    def _walk(self, prefix: str, cluster: int, seen: set[int]) -> Iterator[FatFile]:
        # A sound volume leads to each directory once; this also bounds the work on a damaged one.
        if cluster in seen or prefix.count("/") > _MOST_DEPTH:
            reason = "directory is reached twice" if cluster in seen else f"directories nest deeper than {_MOST_DEPTH}"
            raise FormatError(reason, path=self.store.name, field=f"fat:{prefix}", hint="run fsck.fat on the volume")
        seen.add(cluster)
        for item in parse_directory(self._directory_bytes(cluster, prefix)):
            if item.is_label or item.name in (".", ".."):
                continue
            path = f"{prefix}/{item.name}"
            yield FatFile(path, item)
            if item.is_directory:
                yield from self._walk(path, item.first_cluster, seen)

    def find(self, path: str) -> FatFile:
        """The file or directory at `path`; names match case ignored. Raises NotFoundError."""
        cluster = self.geometry.root_cluster
        found: FatFile | None = None
        walked = ""
        for name in _parts(path):
            if found is not None and not found.item.is_directory:
                break
            item = self._directory(cluster).find(name)
            if item is None:
                found = None
                break
            walked = f"{walked}/{item.name}"
            found = FatFile(walked, item)
            cluster = item.first_cluster
        if found is None or len(_parts(path)) != len(_parts(found.path)):
            raise NotFoundError(f"no {path} on the volume", path=self.store.name, hint="bfimg inspect lists its files")
        return found

    def exists(self, path: str) -> bool:
        """True when there is a file or directory at `path`."""
        try:
            self.find(path)
        except NotFoundError:
            return False
        return True

    def read(self, item: Item, limit: int | None = None) -> bytes:
        """The contents of a file, at most `limit` bytes of it.

        Raises FormatError when its cluster chain is damaged or shorter than its size.
        """
        size = item.size if limit is None else min(limit, item.size)
        if size == 0:
            return b""
        field = f"fat:/{item.name}"
        chain = self.table.chain(item.first_cluster, path=self.store.name, field=field)
        cluster_bytes = self.geometry.cluster_bytes
        if len(chain) * cluster_bytes < item.size:
            raise FormatError(
                f"size is {item.size} bytes, its clusters hold {len(chain) * cluster_bytes}",
                path=self.store.name,
                field=field,
                hint="run fsck.fat on the volume",
            )
        needed = -(-size // cluster_bytes)
        return b"".join(self._runs(chain[:needed]))[:size]

    def _runs(self, chain: list[int]) -> Iterator[bytes]:
        """The bytes of a chain, neighbouring clusters in one read."""
        for first, count in contiguous(chain):
            start = self.offset + self.geometry.cluster_offset(first)
            yield self.store.read(start, count * self.geometry.cluster_bytes)

    def _directory_bytes(self, cluster: int, path: str = "") -> bytes:
        held = self._directories.get(cluster)
        if held is not None:
            return bytes(held.data)
        if cluster == 0 and self.geometry.bits != 32:
            return self.store.read(self.offset + self.geometry.root_offset, self.geometry.root_bytes)
        chain = self.table.chain(
            cluster or self.geometry.root_cluster, path=self.store.name, field=f"fat:{path or '/'}"
        )
        most = -(-_MOST_DIRECTORY_BYTES // self.geometry.cluster_bytes)
        return b"".join(self._runs(chain[:most]))

    def _directory(self, cluster: int) -> Directory:
        if cluster not in self._directories:
            self._directories[cluster] = Directory(self._directory_bytes(cluster))
        return self._directories[cluster]

    def _folder_cluster(self, folder: str) -> int:
        if not _parts(folder):
            return self.geometry.root_cluster
        found = self.find(folder)
        if not found.item.is_directory:
            raise NotFoundError(f"{folder} is a file", path=self.store.name, hint="name a directory")
        return found.item.first_cluster

    # Writing

    def write(self, path: str, data: bytes, when: datetime) -> FatFile:
        """Create the file at `path`, or replace its contents. Its folder must exist.

        Raises UsageError for a name FAT does not allow or a path that is a directory, NotFoundError for a
        missing folder, FitError when the volume or its root directory is full. After an error the pending
        changes are of no use: close the store.
        """
        parts = _parts(path)
        if not parts:
            raise UsageError(f"{path!r} names no file", hint="give a name such as /NAME.EXT")
        name = parts[-1]
        check_name(name)
        if len(data) > _MOST_FILE_BYTES:
            raise FitError(f"{len(data)} bytes, a FAT file holds at most {_MOST_FILE_BYTES}")
        folder = self._folder_cluster("/".join(parts[:-1]))
        directory = self._directory(folder)
        existing = directory.find(name)
        if existing is not None and existing.is_directory:
            raise UsageError(f"{path} is a directory", path=self.store.name, hint="choose another name")
        if existing is not None:
            self.table.release(self.table.chain(existing.first_cluster, path=self.store.name, field=f"fat:{path}"))
        clusters = self.table.allocate(-(-len(data) // self.geometry.cluster_bytes))
        self._write_clusters(clusters, data)
        entry = make_entry(FatAttribute.ARCHIVE, len(data), clusters[0] if clusters else 0, when)
        if existing is not None:
            directory.update(existing, entry)
        else:
            directory.add(self._room(folder, directory, directory.slots_needed(name)), name, entry)
        self._changed_directories.add(folder)
        item = directory.find(name)
        assert item is not None
        return FatFile("/" + "/".join([*parts[:-1], item.name]), item)

    def make_folders(self, path: str, when: datetime) -> None:
        """Make the folders above the file `path` that do not exist yet. Raises as `write` does."""
        above = "/"
        for name in _parts(path)[:-1]:
            parent = self._folder_cluster(above)
            above = f"{above.rstrip('/')}/{name}"
            existing = self._directory(parent).find(name)
            if existing is None:
                self._make_folder(parent, name, when)
            elif not existing.is_directory:
                raise UsageError(f"{above} is a file", path=self.store.name, hint="choose another name")

    def _make_folder(self, parent: int, name: str, when: datetime) -> None:
        check_name(name)
        cluster = self.table.allocate(1)[0]
        entry = make_entry(FatAttribute.DIRECTORY, 0, cluster, when)
        # ".." of a folder in the root holds cluster 0, on FAT32 too.
        above = 0 if parent == self.geometry.root_cluster else parent
        dots = entry.replace(name=b".          ").to_bytes()
        dots += entry.replace(
            first_cluster_high=above >> 16, first_cluster_low=above & 0xFFFF, name=b"..         "
        ).to_bytes()
        self._directories[cluster] = Directory(dots.ljust(self.geometry.cluster_bytes, b"\0"))
        directory = self._directory(parent)
        directory.add(self._room(parent, directory, directory.slots_needed(name)), name, entry)
        self._changed_directories |= {parent, cluster}

    def _write_clusters(self, clusters: list[int], data: bytes) -> None:
        """Write `data` to a chain; the rest of the last cluster becomes zero."""
        view = memoryview(data.ljust(len(clusters) * self.geometry.cluster_bytes, b"\0"))
        position = 0
        for first, count in contiguous(clusters):
            length = count * self.geometry.cluster_bytes
            self.store.write(self.offset + self.geometry.cluster_offset(first), view[position : position + length])
            position += length

    def _room(self, folder: int, directory: Directory, slots: int) -> int:
        slot = directory.find_room(slots)
        if slot is not None:
            return slot
        if folder == 0:
            raise FitError(
                f"root directory is full: {self.geometry.root_entries} entries",
                path=self.store.name,
                hint="remove files, or make the volume with more root entries",
            )
        if len(directory.data) >= _MOST_DIRECTORY_BYTES:
            raise FitError("directory is full: 65536 entries", path=self.store.name, hint="use another directory")
        self.table.extend(self.table.chain(folder)[-1], 1)
        directory.grow(self.geometry.cluster_bytes)
        found = directory.find_room(slots)
        return found if found is not None else self._room(folder, directory, slots)

    def flush(self) -> None:
        """Hand changed directories, both FAT copies and the FAT32 free count to the store."""
        for cluster in sorted(self._changed_directories):
            data = bytes(self._directories[cluster].data)
            if cluster == 0:
                self.store.write(self.offset + self.geometry.root_offset, data)
            else:
                self._write_clusters(self.table.chain(cluster), data)
        self._changed_directories.clear()
        changes = self.table.changes()
        for copy in range(self.geometry.fat_count):
            for start, data in changes:
                room = self.geometry.fat_bytes - start
                self.store.write(self.offset + self.geometry.fat_offset(copy) + start, data[:room])
        if changes:
            self._update_fsinfo()

    def _update_fsinfo(self) -> None:
        if not isinstance(self.boot, FatBootSector32) or not 0 < self.boot.fsinfo_sector < self.boot.reserved_sectors:
            return
        place = self.offset + self.boot.fsinfo_sector * self.geometry.bytes_per_sector
        info = FsInfo.parse(self.store.read(place, FsInfo.SIZE))
        if not list(info.problems()):
            self.store.write(place, info.replace(free_clusters=self.table.free_count).to_bytes())


def contiguous(clusters: list[int]) -> Iterator[tuple[int, int]]:
    """(first cluster, count) of each run of neighbours in a chain."""
    index = 0
    while index < len(clusters):
        start = index
        while index + 1 < len(clusters) and clusters[index + 1] == clusters[index] + 1:
            index += 1
        index += 1
        yield clusters[start], index - start


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]
