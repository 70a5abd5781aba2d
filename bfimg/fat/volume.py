"""A FAT volume inside an image: listed and read. `bfimg.fat.editor` changes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bfimg.errors import FormatError, NotFoundError
from bfimg.fat.directory import SLOT_SIZE, Directory, Item, parse_directory
from bfimg.fat.geometry import geometry_of, read_boot_sector
from bfimg.fat.table import AllocationTable
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.image.store import Store

_MOST_DEPTH = 64
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class FatFile:
    """A file or directory with its path from the root, such as ``/MODULES/SHA256.BC``."""

    path: str
    item: Item


class FatVolume:
    """The volume that begins `offset` bytes into an image.

    Raises FormatError when there is no FAT volume, or when the volume is longer than the image.
    """

    most_directory_bytes = 65_536 * SLOT_SIZE

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

    @property
    def _wide(self) -> bool:
        return self.geometry.bits == 32

    @property
    def table(self) -> AllocationTable:
        """The allocation table, read on first use from the first copy."""
        if self._table is None:
            start = self.offset + self.geometry.fat_offset()
            self._table = AllocationTable(self.geometry, lambda offset, size: self.store.read(start + offset, size))
        return self._table

    @property
    def label(self) -> str:
        """The label: the root directory's label entry, else the boot sector's, else empty."""
        for item in parse_directory(self._directory_bytes(self.geometry.root_cluster), wide=self._wide):
            if item.is_label:
                return item.raw_short_name.decode("cp437").rstrip(" ")
        text = self.boot.volume_label.decode("cp437").rstrip(" \0")
        return "" if text == "NO NAME" else text

    def __iter__(self) -> Iterator[FatFile]:
        return self.walk()

    def walk(self, folder: str = "/") -> Iterator[FatFile]:
        """Everything below `folder`, directories before their contents, in disk order.

        Raises NotFoundError, or FormatError on damaged chains and on directories that contain themselves.
        """
        yield from self._walk(folder.rstrip("/"), self.folder_cluster(folder), set())

    def _walk(self, prefix: str, cluster: int, seen: set[int]) -> Iterator[FatFile]:
        # A sound volume leads to each directory once; this also bounds the work on a damaged one.
        if cluster in seen or prefix.count("/") > _MOST_DEPTH:
            reason = "directory is reached twice" if cluster in seen else f"directories nest deeper than {_MOST_DEPTH}"
            raise FormatError(reason, path=self.store.name, field=f"fat:{prefix}", hint="run fsck.fat on the volume")
        seen.add(cluster)
        for item in parse_directory(self._directory_bytes(cluster, prefix), wide=self._wide):
            if item.is_label or item.name in (".", ".."):
                continue
            path = f"{prefix}/{item.name}"
            yield FatFile(path, item)
            if item.is_directory:
                yield from self._walk(path, item.first_cluster, seen)

    def list_folder(self, folder: str) -> list[FatFile]:
        """What is directly in `folder`, in disk order. Raises NotFoundError, or FormatError on a damaged chain."""
        prefix = folder.rstrip("/")
        data = self._directory_bytes(self.folder_cluster(folder), prefix)
        items = (
            item
            for item in parse_directory(data, wide=self._wide)
            if not item.is_label and item.name not in (".", "..")
        )
        return [FatFile(f"{prefix}/{item.name}", item) for item in items]

    def find(self, path: str) -> FatFile:
        """The file or directory at `path`; names match case ignored. Raises NotFoundError."""
        cluster = self.geometry.root_cluster
        found: FatFile | None = None
        walked = ""
        for name in split_path(path):
            if found is not None and not found.item.is_directory:
                break
            item = self.directory(cluster).find(name)
            if item is None:
                found = None
                break
            walked = f"{walked}/{item.name}"
            found = FatFile(walked, item)
            cluster = item.first_cluster
        if found is None or len(split_path(path)) != len(split_path(found.path)):
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
        """The contents of a file, at most `limit` bytes of it. Raises as `chunks`."""
        return b"".join(self.chunks(item, limit))

    def chunks(self, item: Item, limit: int | None = None) -> Iterator[bytes]:
        """The contents of a file, at most `limit` bytes of it, about 1 MiB at a time.

        Raises FormatError when its cluster chain is damaged or shorter than its size.
        """
        size = item.size if limit is None else min(limit, item.size)
        if size == 0:
            return
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
        for run in self._runs(chain[: -(-size // cluster_bytes)]):
            yield run[:size]
            size -= len(run)

    def _runs(self, chain: list[int]) -> Iterator[bytes]:
        """The bytes of a chain, neighbouring clusters in one read of at most 1 MiB."""
        cluster_bytes = self.geometry.cluster_bytes
        most = max(_CHUNK // cluster_bytes, 1)
        for first, count in contiguous(chain):
            for start in range(first, first + count, most):
                clusters = min(most, first + count - start)
                yield self.store.read(self.offset + self.geometry.cluster_offset(start), clusters * cluster_bytes)

    def _directory_bytes(self, cluster: int, path: str = "") -> bytes:
        held = self._directories.get(cluster)
        if held is not None:
            return bytes(held.data)
        if cluster == 0 and self.geometry.bits != 32:
            return self.store.read(self.offset + self.geometry.root_offset, self.geometry.root_bytes)
        chain = self.table.chain(
            cluster or self.geometry.root_cluster, path=self.store.name, field=f"fat:{path or '/'}"
        )
        most = -(-self.most_directory_bytes // self.geometry.cluster_bytes)
        return b"".join(self._runs(chain[:most]))

    def directory(self, cluster: int) -> Directory:
        """The directory that begins at `cluster` (0: the fixed root), held in memory from the first use on."""
        if cluster not in self._directories:
            self._directories[cluster] = Directory(self._directory_bytes(cluster), wide=self._wide)
        return self._directories[cluster]

    def hold_directory(self, cluster: int, data: bytes) -> None:
        """Take the slots of a new directory, which is not on the volume yet."""
        self._directories[cluster] = Directory(data, wide=self._wide)

    def drop_directory(self, cluster: int) -> None:
        """Forget a directory that has been removed."""
        self._directories.pop(cluster, None)

    def folder_cluster(self, folder: str) -> int:
        """First cluster of the folder at a path, 0 for a fixed root. Raises NotFoundError when it is none."""
        if not split_path(folder):
            return self.geometry.root_cluster
        found = self.find(folder)
        if not found.item.is_directory:
            raise NotFoundError(f"{folder} is a file", path=self.store.name, hint="name a directory")
        return found.item.first_cluster


def contiguous(clusters: list[int]) -> Iterator[tuple[int, int]]:
    """(first cluster, count) of each run of neighbours in a chain."""
    index = 0
    while index < len(clusters):
        start = index
        while index + 1 < len(clusters) and clusters[index + 1] == clusters[index] + 1:
            index += 1
        index += 1
        yield clusters[start], index - start


def split_path(path: str) -> list[str]:
    """The names in a path; none for the root."""
    return [part for part in path.split("/") if part]
