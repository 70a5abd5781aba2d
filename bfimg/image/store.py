"""Where bytes are read and written: an image file below, pending changes above, one atomic commit.

Changes are collected as 4 KiB pages in memory. Nothing reaches the disk before `commit`, which makes a complete
new file beside the old one and renames it: after a kill at any moment the image is the old or the new one.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from bfimg.errors import InputError, UsageError

PAGE_SIZE = 4096
_COPY_CHUNK = 1 << 20


class Store:
    """Bytes of an image, read on demand, with pending writes on top.

    Use it as a context manager. `size` is in bytes and fixed; writing outside raises ValueError, since a
    caller that does so has computed a wrong place.
    """

    def __init__(self, path: Path | None, size: int, descriptor: int | None) -> None:
        self.path = path
        self.size = size
        self._descriptor = descriptor
        self._pages: dict[int, bytes | bytearray] = {}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing image for reading. Raises InputError when it cannot be read or is no file."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(
                f"cannot be opened: {error.strerror}", path=str(path), hint="name an existing image"
            ) from None
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
            os.close(descriptor)
            raise InputError("is no regular file", path=str(path), hint="name an image file")
        return cls(path, os.lseek(descriptor, 0, os.SEEK_END), descriptor)

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
        """Drop pending changes and close the file."""
        self._pages.clear()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def name(self) -> str:
        """The image's path for messages."""
        return "new image" if self.path is None else str(self.path)

    @property
    def changed(self) -> bool:
        return bool(self._pages)

    def _base(self, offset: int, length: int) -> bytes:
        if self._descriptor is None:
            return bytes(length)
        try:
            data = os.pread(self._descriptor, length, offset)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", path=self.name, offset=offset) from None
        return data.ljust(length, b"\0")

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes at `offset`, pending changes included; fewer at the end of the image."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        if not self._pages:
            return self._base(offset, length)
        first, last = offset // PAGE_SIZE, (offset + length - 1) // PAGE_SIZE
        if not any(number in self._pages for number in range(first, last + 1)):
            return self._base(offset, length)
        data = bytearray(self._base(offset, length))
        for number in range(first, last + 1):
            page = self._pages.get(number)
            if page is not None:
                start = max(offset, number * PAGE_SIZE)
                end = min(offset + length, (number + 1) * PAGE_SIZE)
                data[start - offset : end - offset] = page[start - number * PAGE_SIZE : end - number * PAGE_SIZE]
        return bytes(data)

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Change bytes, in memory only. Raises ValueError outside the image."""
        if offset < 0 or offset + len(data) > self.size:
            raise ValueError(f"write of {len(data)} bytes at {offset:#x} outside {self.size:#x}")
        view = memoryview(data)
        position = 0
        while position < len(view):
            number, within = divmod(offset + position, PAGE_SIZE)
            count = min(PAGE_SIZE - within, len(view) - position)
            if count == PAGE_SIZE:
                self._pages[number] = bytes(view[position : position + count])
            else:
                page = self._pages.get(number)
                if not isinstance(page, bytearray):
                    page = bytearray(self._base(number * PAGE_SIZE, PAGE_SIZE) if page is None else page)
                    self._pages[number] = page
                page[within : within + count] = view[position : position + count]
            position += count

    def commit(self, destination: Path) -> None:
        """Write the image with its changes to `destination`, as one step: all of it or nothing.

        Holes stay holes. Raises InputError when the file cannot be written; then `destination` is untouched.
        """
        import tempfile  # costs 4 ms at start-up, and only writing needs it

        target = Path(os.path.realpath(destination))
        if target.exists() and not target.is_file():
            raise UsageError("is no regular file", path=str(destination), hint="choose a file to write")
        temporary = None
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".new", dir=target.parent)
            with os.fdopen(handle, "wb") as stream:
                os.ftruncate(stream.fileno(), self.size)
                self._copy_base(stream.fileno())
                self._write_pages(stream.fileno())
                os.fsync(stream.fileno())
            _copy_mode(target, Path(temporary))
            Path(temporary).replace(target)
            temporary = None
            _sync_directory(target.parent)
        except OSError as error:
            raise InputError(
                f"cannot be written: {error.strerror}",
                path=str(destination),
                hint="free some room or choose another place",
            ) from None
        finally:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)

    def _copy_base(self, target: int) -> None:
        """Copy what is below the pending pages, data extents only."""
        if self._descriptor is None:
            return
        position = 0
        while position < self.size:
            try:
                start = os.lseek(self._descriptor, position, os.SEEK_DATA)
            except OSError:
                return  # only a hole is left
            end = min(os.lseek(self._descriptor, start, os.SEEK_HOLE), self.size)
            while start < end:
                data = os.pread(self._descriptor, min(_COPY_CHUNK, end - start), start)
                if not data:
                    return
                os.pwrite(target, data, start)
                start += len(data)
            position = end

    def _write_pages(self, target: int) -> None:
        """Write pending pages, neighbours together, zero pages of a new image left as holes."""
        numbers = sorted(self._pages)
        index = 0
        while index < len(numbers):
            first = index
            while index + 1 < len(numbers) and numbers[index + 1] == numbers[index] + 1 and index - first < 255:
                index += 1
            index += 1
            data = b"".join(self._pages[number] for number in numbers[first:index])
            if self._descriptor is None and not any(data):
                continue
            start = numbers[first] * PAGE_SIZE
            os.pwrite(target, data[: self.size - start], start)


def _copy_mode(source: Path, target: Path) -> None:
    """Give the new file the old one's mode, or what a plain open() would have given it."""
    if source.exists():
        target.chmod(stat.S_IMODE(source.stat().st_mode))
    else:
        mask = os.umask(0)
        os.umask(mask)
        target.chmod(0o666 & ~mask)


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
