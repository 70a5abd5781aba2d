"""Where bytes are read and written: an image file below, pending changes above, one atomic commit.

Changes are collected as 4 KiB pages, in memory up to 16 MiB, then in a temporary file. Nothing reaches the image
before `commit`: that writes in place under an undo journal, or makes a complete new file and renames it. After a kill
at any moment the image is the old or the new one.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from bfimg.errors import BusyError, InputError, UsageError
from bfimg.host_file import umask
from bfimg.image.journal import Extent, is_zero, journal_path, roll_back, sync_directory, write_all, write_in_place

PAGE_SIZE = 4096
_CHUNK_PAGES = 256
_MOST_PAGES_HELD = 4096


class Store:
    """Bytes of an image, read on demand, with pending writes on top.

    Use it as a context manager. `size` is in bytes and fixed; writing outside raises ValueError, since a
    caller that does so has computed a wrong place. `base` is where the image begins in its file.
    """

    def __init__(self, path: Path | None, size: int, descriptor: int | None, base: int = 0) -> None:
        self.path = path
        self.size = size
        self.base = base
        self.read_only = False  # changes are refused, not collected
        self.closed = False
        self._descriptor = descriptor
        self._pages: dict[int, bytes | bytearray | int] = {}  # contents, or the page's place in the spill file
        self._spill: BinaryIO | None = None
        self._held = 0

    @classmethod
    def open(cls, path: Path, *, write: bool = False, base: int = 0) -> Self:
        """Open an existing image; what a killed writer left is rolled back first.

        write: `commit` will change the image in place; a lock keeps other writers out until it is closed.
        base: bytes of the file to skip. Raises InputError when the file cannot be opened, BusyError when another
        process writes to it.
        """
        if not write and journal_path(path).is_file():
            cls.open(path, write=True).close()
        descriptor = _open(path, os.O_RDWR if write else os.O_RDONLY)
        try:
            if write:
                _lock(path, descriptor)
                roll_back(path, descriptor)
            size = os.lseek(descriptor, 0, os.SEEK_END)
            if not 0 <= base <= size:
                raise UsageError(f"offset {base} is outside the file of {size} bytes", path=str(path))
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, size - base, descriptor, base)

    @classmethod
    def blank(cls, size: int) -> Self:
        """A new image of `size` zero bytes, in memory until it is committed somewhere."""
        return cls(None, size, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop pending changes, give up the lock and close the file."""
        self.discard()
        self.closed = True
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def discard(self) -> None:
        """Drop pending changes."""
        self._pages.clear()
        self._held = 0
        if self._spill is not None:
            self._spill.close()
            self._spill = None

    @property
    def name(self) -> str:
        """The image's path for messages, with ``@@OFFSET`` where it begins inside its file."""
        if self.path is None:
            return "new image"
        return f"{self.path}@@{self.base:#x}" if self.base else str(self.path)

    @property
    def changed(self) -> bool:
        return bool(self._pages)

    # Reading

    def read_old(self, offset: int, length: int) -> bytes:
        """`length` bytes as they are in the file, without pending changes; zeros behind its end."""
        if self.closed:
            raise UsageError("is closed", path=self.name, hint="open it again")
        if self._descriptor is None:
            return bytes(length)
        try:
            data = os.pread(self._descriptor, length, self.base + offset)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", path=self.name, offset=offset) from None
        return data if len(data) == length else data.ljust(length, b"\0")

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes at `offset`, pending changes included; fewer at the end of the image."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        if not self._pages:
            return self.read_old(offset, length)
        first, last = offset // PAGE_SIZE, (offset + length - 1) // PAGE_SIZE
        changed = [number for number in range(first, last + 1) if number in self._pages]
        if not changed:
            return self.read_old(offset, length)
        data = bytearray(length if len(changed) == last - first + 1 else self.read_old(offset, length))
        for number in changed:
            page = self._page(number)
            start = max(offset, number * PAGE_SIZE)
            end = min(offset + length, (number + 1) * PAGE_SIZE)
            data[start - offset : end - offset] = page[start - number * PAGE_SIZE : end - number * PAGE_SIZE]
        return bytes(data)

    def old_view(self) -> Store:
        """The image without its pending changes, for reading. It shares this store's file: do not close it."""
        return Store(self.path, self.size, self._descriptor, self.base)

    def data_extents(self) -> Iterator[Extent]:
        """Runs of bytes that may be other than zero: what the file holds between its holes. Pending ones too."""
        runs = [(n * PAGE_SIZE, min((n + 1) * PAGE_SIZE, self.size)) for n in sorted(self._pages)]
        for start, end in _merge(sorted([*self._file_extents(), *runs])):
            yield Extent(start, end - start)

    def _file_extents(self) -> Iterator[tuple[int, int]]:
        if self._descriptor is None:
            return
        position = self.base
        total = self.base + self.size
        while position < total:
            try:
                start = os.lseek(self._descriptor, position, os.SEEK_DATA)
            except OSError:
                return  # only a hole is left
            position = min(os.lseek(self._descriptor, start, os.SEEK_HOLE), total)
            if start < position:
                yield start - self.base, position - self.base

    def changes(self) -> Iterator[Extent]:
        """Runs of pending pages, neighbours together, at most 1 MiB each."""
        numbers = sorted(self._pages)
        index = 0
        while index < len(numbers):
            first = index
            limit = min(first + _CHUNK_PAGES, len(numbers))
            while index + 1 < limit and numbers[index + 1] == numbers[index] + 1:
                index += 1
            index += 1
            start = numbers[first] * PAGE_SIZE
            yield Extent(start, min((numbers[index - 1] + 1) * PAGE_SIZE, self.size) - start)

    # Writing

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Change bytes, pending until `commit`. Raises ValueError outside the image, UsageError in a read-only one."""
        self.refuse_read_only()
        if offset < 0 or offset + len(data) > self.size:
            raise ValueError(f"write of {len(data)} bytes at {offset:#x} outside {self.size:#x}")
        view = memoryview(data)
        position = 0
        while position < len(view):
            number, within = divmod(offset + position, PAGE_SIZE)
            count = min(PAGE_SIZE - within, len(view) - position)
            part = view[position : position + count]
            if count == PAGE_SIZE:
                self._hold(number, bytes(part))
            else:
                page = self._pages.get(number)
                fresh = page if isinstance(page, bytearray) else bytearray(self._page(number))
                fresh[within : within + count] = part
                if fresh is not page:
                    self._hold(number, fresh)
            position += count

    def refuse_read_only(self) -> None:
        """Raises UsageError when changes are refused: the image is open for reading, or closed."""
        if self.closed:
            raise UsageError("is closed", path=self.name, hint="open it again")
        if self.read_only:
            raise UsageError(
                "is open for reading and cannot be changed", path=self.name, hint="open it with write=True"
            )

    def clear(self, offset: int, length: int) -> None:
        """Change `length` bytes to zeros. What is zero already is left as it is, holes without being read."""
        end = offset + length
        chunk = _CHUNK_PAGES * PAGE_SIZE
        for extent in list(itertools.takewhile(lambda extent: extent.offset < end, self.data_extents())):
            last = min(extent.offset + extent.size, end)
            for start in range(max(extent.offset, offset), last, chunk):
                size = min(chunk, last - start)
                if self.read(start, size).count(0) < size:
                    self.write(start, bytes(size))

    def _page(self, number: int) -> bytes | bytearray:
        page = self._pages.get(number)
        if page is None:
            return self.read_old(number * PAGE_SIZE, PAGE_SIZE)
        if isinstance(page, int):
            assert self._spill is not None
            return os.pread(self._spill.fileno(), PAGE_SIZE, page)
        return page

    def _hold(self, number: int, page: bytes | bytearray) -> None:
        if not isinstance(self._pages.get(number), bytes | bytearray):
            self._held += 1
        self._pages[number] = page
        if self._held > _MOST_PAGES_HELD:
            self._spill_pages()

    def _spill_pages(self) -> None:
        """Move the pages held in memory to a temporary file without a name."""
        import tempfile

        if self._spill is None:
            self._spill = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - lives as long as the store
        position = os.fstat(self._spill.fileno()).st_size
        for number, page in self._pages.items():
            if not isinstance(page, int):
                write_all(self._spill.fileno(), page, position)
                self._pages[number] = position
                position += PAGE_SIZE
        self._held = 0

    # Committing

    def commit(self, destination: Path | None = None) -> None:
        """Make the changes last, all of them or none.

        Without `destination` the image itself is changed, in place; it must have been opened for writing. With
        one, the whole image with its changes goes there as a new file. Holes stay holes. Raises InputError when
        the file cannot be written; then it is untouched.
        """
        if destination is not None:
            self._write_new(destination)
        elif self._pages:
            self._write_in_place()
        self.discard()

    def _write_in_place(self) -> None:
        assert self.path is not None and self._descriptor is not None
        if os.fstat(self._descriptor).st_nlink > 1:
            # The journal is found by the image's name, which another link would not lead to.
            raise UsageError("has several hard links", path=self.name, hint="write a new file with -o")
        extents = [Extent(self.base + e.offset, e.size) for e in self.changes()]
        fresh = (self.read(e.offset - self.base, e.size) for e in extents)
        try:
            write_in_place(self.path, self._descriptor, self.base + self.size, extents, fresh)
        except OSError as error:
            roll_back(self.path, self._descriptor)
            raise InputError(
                f"cannot be written: {error.strerror}", path=self.name, hint="free some room or choose another place"
            ) from None

    def _write_new(self, destination: Path) -> None:
        import tempfile  # costs 4 ms at start-up, and only this needs it

        target = Path(os.path.realpath(destination))
        if target.exists() and not target.is_file():
            raise UsageError("is no regular file", path=str(destination), hint="choose a file to write")
        temporary = None
        guard = self._guard(target)
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".new", dir=target.parent)
            with os.fdopen(handle, "wb") as stream:
                os.ftruncate(stream.fileno(), self.base + self.size)
                self._copy_to(stream.fileno())
                os.fsync(stream.fileno())
            _copy_mode(target, Path(temporary))
            Path(temporary).replace(target)
            temporary = None
            # What a killed writer left there was of the old file.
            journal_path(target).unlink(missing_ok=True)
            sync_directory(target.parent)
        except OSError as error:
            raise InputError(
                f"cannot be written: {error.strerror}",
                path=str(destination),
                hint="free some room or choose another place",
            ) from None
        finally:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)
            if guard is not None:
                os.close(guard)

    def _guard(self, target: Path) -> int | None:
        """The lock of the file that is to be replaced, unless there is none or it is the one held already."""
        if not target.exists():
            return None
        if self._descriptor is not None and os.path.samestat(os.fstat(self._descriptor), target.stat()):
            return None
        descriptor = _open(target, os.O_RDONLY)
        try:
            _lock(target, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _copy_to(self, target: int) -> None:
        """The whole file with the changes, data only; zero runs of a new image stay holes."""
        if self.base and self._descriptor is not None:
            _copy_range(self._descriptor, target, 0, self.base)
        chunk = _CHUNK_PAGES * PAGE_SIZE
        for extent in self.data_extents():
            for start in range(extent.offset, extent.offset + extent.size, chunk):
                data = self.read(start, min(chunk, extent.offset + extent.size - start))
                if self._descriptor is not None or not is_zero(data):
                    write_all(target, data, self.base + start)


def _merge(runs: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sorted runs, those that touch or overlap made one."""
    current: tuple[int, int] | None = None
    for start, end in runs:
        if current is None:
            current = (start, end)
        elif start <= current[1]:
            current = (current[0], max(current[1], end))
        else:
            yield current
            current = (start, end)
    if current is not None:
        yield current


def _open(path: Path, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK)  # a FIFO would block
    except OSError as error:
        raise InputError(f"cannot be opened: {error.strerror}", path=str(path), hint="name an existing image") from None
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or (stat.S_ISBLK(mode) and flags == os.O_RDONLY)):
        os.close(descriptor)
        raise InputError("is no regular file", path=str(path), hint="name an image file")
    return descriptor


def _lock(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BusyError(
            "is being changed by another process", path=str(path), hint="try again when it is done"
        ) from None


def _copy_range(source: int, target: int, start: int, end: int) -> None:
    while start < end:
        data = os.pread(source, min(_CHUNK_PAGES * PAGE_SIZE, end - start), start)
        if not data:
            return
        write_all(target, data, start)
        start += len(data)


def _copy_mode(source: Path, target: Path) -> None:
    """Give the new file the old one's mode, or what a plain open() would have given it."""
    target.chmod(stat.S_IMODE(source.stat().st_mode) if source.exists() else 0o666 & ~umask())
