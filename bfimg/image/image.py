"""An image as one object: its files, fields and regions, and a transaction around every change.

    with bfimg.open("disk.img", write=True) as image:
        image["part1:/SHA256.BC"] = data
        image.field["stage2.kernel_sectors"] = 256
        print(image.pending_diff())

Leaving the block without an error commits everything in one step; an error drops everything. Without a block, `commit`
and `close` do it. An image opened for reading refuses every change.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from bfimg.clock import now
from bfimg.errors import BfimgError, NotFoundError, UsageError
from bfimg.fat.directory import Item
from bfimg.fat.editor import FatEditor
from bfimg.fat.names import fold
from bfimg.fat.volume import FatFile, FatVolume
from bfimg.image.fields import Fields
from bfimg.image.glob import has_glob, matching
from bfimg.image.journal import Extent
from bfimg.image.probe import Region, probe
from bfimg.image.store import Store
from bfimg.image.where import FIRST_FAT, Where, parse_where

if TYPE_CHECKING:
    from bfimg.diff import DiffReport

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file or directory on one of the image's volumes."""

    region: str
    file: FatFile

    @property
    def where(self) -> str:
        """The file as a WHERE: ``part1:/NAME.EXT``."""
        return f"{self.region}:{self.file.path}"


def refuse_same_names(wheres: Sequence[str]) -> None:
    """Raises UsageError when two places are one on FAT, where case does not count."""
    seen: set[str] = set()
    for where in wheres:
        if fold(where) in seen:
            raise UsageError(f"{where} would be written twice", hint="move or add them one by one")
        seen.add(fold(where))


def open_image(path: str | os.PathLike[str], *, write: bool = False, draft: bool = False, offset: int = 0) -> Image:
    """Open an image; `bfimg.open` is this function.

    write: the changes made are committed when the `with` block ends; other writers are kept out until then.
    draft: changes are collected to be looked at (`pending_diff`) or committed to a new file; the image stays as it is.
    With neither, the image is open for reading, and every change raises UsageError.
    offset: where the image begins in its file, in bytes. Raises InputError when the file cannot be opened, BusyError
    when another process is changing it.
    """
    store = Store.open(Path(path), write=write, base=offset)
    store.read_only = not (write or draft)
    return Image(store, write=write)


class Image:
    """Files by WHERE (`image["part1:/A"]`), fields by path (`image.field["mbr.signature"]`)."""

    def __init__(self, store: Store, *, write: bool = False) -> None:
        self.store = store
        self._write = write
        self._volumes: dict[str, FatVolume] = {}
        self._editors: dict[str, FatEditor] = {}
        self.touched: set[str] = set()  # regions whose boot sector was set, to be verified too

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._write:
                self.commit()
        finally:
            self.store.close()

    def __del__(self) -> None:
        if self._write and not self.store.closed and (self.store.changed or self._editors):
            warnings.warn(f"{self.store.name} was neither committed nor closed", ResourceWarning, stacklevel=2)
            self.store.close()

    def close(self) -> None:
        """Close the image and give up its lock; a second call does nothing.

        Raises UsageError, after closing, when changes of an image opened with ``write=True`` are lost by it:
        `commit` keeps them, `discard` drops them.
        """
        if self.store.closed:
            return
        try:
            lost = self._write and self._pending()
        finally:
            self.store.close()
        if lost:
            raise UsageError(
                "was closed without its pending changes", path=self.store.name, hint="commit or discard them first"
            )

    def discard(self) -> None:
        """Drop every change since the image was opened or committed last."""
        self._volumes.clear()
        self._editors.clear()
        self.touched.clear()
        self.store.discard()
        self.__dict__.pop("regions", None)

    def _pending(self) -> bool:
        try:
            self.flush()
        except BfimgError:
            return True
        return self.store.changed

    # Regions, volumes, files

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """The regions that probing found."""
        return probe(self.store).regions

    def region(self, name: str) -> Region:
        """The region called `name`; ``fat`` stands for the first FAT volume. Raises NotFoundError."""
        for region in self.regions:
            if region.name == name or (name == FIRST_FAT and region.content == "fat"):
                return region
        if name == FIRST_FAT:
            raise NotFoundError("no FAT volume in this image", path=self.store.name, hint="name one that has one")
        names = ", ".join(region.name for region in self.regions)
        raise NotFoundError(f"no region {name}", path=self.store.name, hint=f"there are: {names}")

    def volume(self, name: str) -> FatVolume:
        """The FAT volume in a region. Raises NotFoundError when there is none, FormatError when it is damaged."""
        region = self.region(name)
        if region.content != "fat":
            raise NotFoundError(f"{name} holds no FAT volume", path=self.store.name, hint="bfimg inspect shows them")
        if region.name not in self._volumes:
            self._volumes[region.name] = FatVolume(self.store, region.offset)
        return self._volumes[region.name]

    def editor(self, name: str) -> FatEditor:
        """What changes the FAT volume in a region. Raises UsageError when the image is open for reading."""
        self.store.refuse_read_only()
        volume = self.volume(name)
        region = self.region(name).name
        if region not in self._editors:
            self._editors[region] = FatEditor(volume, now())
        return self._editors[region]

    def find(self, where: str) -> list[ImageFile]:
        """The files and directories `where` names; ``*``, ``?``, ``[...]`` and ``**`` match names.

        Raises NotFoundError when nothing matches.
        """
        place = self._file_place(where)
        name = self.region(place.region).name
        volume = self.volume(name)
        if not has_glob(place.file) or volume.exists(place.file):
            return [ImageFile(name, volume.find(place.file))]
        found = [ImageFile(name, file) for file in matching(volume, place.file)]
        if not found:
            raise NotFoundError(f"nothing matches {where}", path=self.store.name, hint="bfimg ls lists the files")
        return found

    def list_folder(self, where: str) -> list[ImageFile]:
        """What is directly in a folder; ``part1:/`` is the root."""
        place = self._file_place(where)
        name = self.region(place.region).name
        return [ImageFile(name, file) for file in self.volume(name).list_folder(place.file)]

    def walk(self, where: str) -> Iterator[ImageFile]:
        """Everything below a folder."""
        place = self._file_place(where)
        name = self.region(place.region).name
        for file in self.volume(name).walk(place.file):
            yield ImageFile(name, file)

    def expand(self, wheres: Sequence[str]) -> list[str]:
        """Each WHERE, file patterns replaced by what they match. Raises NotFoundError when one matches nothing."""
        found = []
        for where in wheres:
            place = parse_where(where)
            if has_glob(place.file):
                found += [file.where for file in self.find(where)]
            else:
                found.append(where)
        return found

    def listing(self, wheres: Sequence[str], *, recursive: bool = False) -> Iterator[ImageFile]:
        """Files by WHERE: a folder gives what is in it, a file or pattern what it names. None: every volume's root."""
        for where in wheres or [f"{region.name}:/" for region in self.regions if region.content == "fat"]:
            is_folder = not has_glob(where) and self.is_folder(where)
            for top in self.list_folder(where) if is_folder else self.find(where):
                yield top
                if recursive and top.file.item.is_directory:
                    yield from self.walk(top.where)

    def _file_place(self, where: str) -> Where:
        place = parse_where(where)
        if not place.file:
            raise UsageError(f"{where!r} names no file", path=self.store.name, hint="write it as part1:/NAME.EXT")
        return place

    def is_folder(self, where: str) -> bool:
        """True when `where` names an existing directory; the root is one."""
        place = self._file_place(where)
        volume = self.volume(place.region)
        if not place.file.strip("/"):
            return True
        return volume.exists(place.file) and volume.find(place.file).item.is_directory

    # Contents

    def chunks(self, where: str) -> Iterator[bytes]:
        """The bytes of a file, region or field, at most 1 MiB at a time."""
        place = parse_where(where)
        if place.file:
            yield from self.volume(place.region).chunks(self._file_item(place))
            return
        extent = self.extent(where)
        end = extent.offset + extent.size
        for offset in range(extent.offset, end, _CHUNK):
            yield self.store.read(offset, min(_CHUNK, end - offset))

    def sha256(self, where: str) -> str:
        """SHA-256 of a file, region or field, in hexadecimal."""
        import hashlib

        digest = hashlib.sha256()
        for chunk in self.chunks(where):
            digest.update(chunk)
        return digest.hexdigest()

    def extent(self, where: str) -> Extent:
        """Where the bytes of a region or field are in the image. A file's extent counts from its own start."""
        place = parse_where(where)
        if place.file:
            return Extent(0, self._file_item(place).size)
        if place.field:
            fields = self.field.find(where)
            start = min(field.offset for field in fields)
            return Extent(start, max(field.offset + field.size for field in fields) - start)
        region = self.region(place.region)
        return Extent(region.offset, region.size)

    def _file_item(self, place: Where) -> Item:
        if self.is_folder(place.text):
            raise UsageError(f"{place.text} is a directory", path=self.store.name, hint="name a file")
        return self.volume(place.region).find(place.file).item

    def __getitem__(self, where: str) -> bytes:
        return b"".join(self.chunks(where))

    def __iter__(self) -> Iterator[ImageFile]:
        """Every file and directory of every FAT volume, folder by folder."""
        return self.listing([], recursive=True)

    def __contains__(self, where: str) -> bool:
        place = self._file_place(where)
        return self.volume(place.region).exists(place.file)

    def __setitem__(self, where: str, data: bytes | BinaryIO) -> None:
        self.write(where, data)

    def __delitem__(self, where: str) -> None:
        self.remove(where)

    @cached_property
    def field(self) -> Fields:
        """Fields by path, read and set."""
        return Fields(self)

    # Changes

    def write(self, where: str, data: bytes | BinaryIO) -> ImageFile:
        """Create a file, or replace its contents."""
        place = self._file_place(where)
        name = self.region(place.region).name
        return ImageFile(name, self.editor(name).write(place.file, data))

    def remove(self, where: str, *, recursive: bool = False) -> None:
        """Remove a file or an empty folder; with `recursive` all below it."""
        place = self._file_place(where)
        self.editor(place.region).remove(place.file, recursive=recursive)

    def move(self, source: str, target: str) -> None:
        """Rename or move within one volume; across volumes a file is copied, then removed."""
        old, new = self._file_place(source), self._file_place(target)
        if self.region(old.region) == self.region(new.region):
            self.editor(old.region).move(old.file, new.file)
        else:
            self.write(target, self[source])
            self.remove(source)

    def move_all(self, sources: Sequence[str], target: str) -> None:
        """Move files and folders into the folder `target`; one source may also get `target` as its new path."""
        into_folder = target.endswith("/") or self.is_folder(target)
        if len(sources) > 1 and not into_folder:
            raise UsageError(f"{target} is no folder", path=self.store.name, hint="make it first: bfimg mkdir")
        targets = [f"{target.rstrip('/')}/{path.rstrip('/').rpartition('/')[2]}" for path in sources]
        if into_folder:
            refuse_same_names(targets)
        for source, below in zip(sources, targets, strict=True):
            self.move(source, below if into_folder else target)

    def make_folder(self, where: str, *, parents: bool = False) -> None:
        """Make a folder; with `parents` those above it, too, and an existing one is fine."""
        place = self._file_place(where)
        editor = self.editor(place.region)
        if parents:
            editor.make_folders(place.file)
        else:
            editor.make_folder(place.file)

    # The end

    def flush(self) -> None:
        """Hand every pending change of the volumes to the store."""
        for editor in self._editors.values():
            editor.flush()

    def pending_diff(self) -> DiffReport:
        """What a commit would change."""
        from bfimg.diff import pending_diff

        self.flush()
        return pending_diff(self.store)

    def commit(self, destination: Path | None = None) -> None:
        """Check the changes, then write them, all or none: in place, or with `destination` as a new file.

        The image stays open. Raises FormatError, and writes nothing, when they would damage a volume that was sound,
        UsageError when the image was not opened with ``write=True`` and there is no `destination`.
        """
        from bfimg.image.verify import verify

        if destination is None and not self._write:
            raise UsageError(
                "was not opened for writing", path=self.store.name, hint="open it with write=True, or give a new file"
            )
        self.flush()
        names = self.touched | self._editors.keys()
        verify(self.store, [region for region in self.regions if region.name in names])
        self.store.commit(destination)
