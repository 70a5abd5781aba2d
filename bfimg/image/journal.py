"""Undo journal: makes writing into an image in place a transaction.

The old bytes go to ``IMAGE.bfimg-journal`` first, with fsync; then the new bytes into the image, with fsync; then the
journal is removed. A kill before the journal is complete leaves the old image; after that, the next open writes the
old bytes back. So an image is the old or the new one, never a mix.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bfimg.errors import FormatError, InputError
from bfimg.formats.crc import CRC32
from bfimg.formats.journal import JournalExtent, JournalHeader, JournalTrailer

SUFFIX = ".bfimg-journal"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Extent:
    """A run of bytes in an image."""

    offset: int
    size: int


def journal_path(image: Path) -> Path:
    """Where the journal of an image stands: beside the file itself, also when `image` is a link to it."""
    real = Path(os.path.realpath(image))
    return real.with_name(real.name + SUFFIX)


def write_in_place(image: Path, descriptor: int, size: int, extents: list[Extent], fresh: Iterable[bytes]) -> None:
    """Replace the bytes of each of `extents` with the item of `fresh` beside it, as one step.

    descriptor: the image, open for reading and writing and locked by the caller. Extents are sorted and apart.
    Raises OSError when something cannot be written; the image is then as before, or becomes so at the next open.
    """
    journal = journal_path(image)
    _write_journal(journal, descriptor, size, extents)
    for extent, data in zip(extents, fresh, strict=True):
        write_all(descriptor, data, extent.offset)
    os.fsync(descriptor)
    journal.unlink()
    sync_directory(journal.parent)


def _write_journal(journal: Path, image: int, size: int, extents: list[Extent]) -> None:
    handle = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        position = 0
        for part in _journal_parts(image, size, extents):
            write_all(handle, part, position)
            position += len(part)
        os.fsync(handle)
    except OSError:
        journal.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    sync_directory(journal.parent)


def _journal_parts(image: int, size: int, extents: list[Extent]) -> Iterator[bytes]:
    inode = os.fstat(image).st_ino
    yield JournalHeader(image_size=size, extent_count=len(extents), inode=inode).sealed().to_bytes()
    for extent in extents:
        old = os.pread(image, extent.size, extent.offset).ljust(extent.size, b"\0")
        stored = b"" if is_zero(old) else old
        crc = CRC32.compute(stored)
        head = JournalExtent(offset=extent.offset, size=extent.size, stored_size=len(stored), data_crc=crc)
        yield head.sealed().to_bytes() + stored
    yield JournalTrailer(extent_count=len(extents)).to_bytes()


def roll_back(image: Path, descriptor: int) -> bool:
    """Undo what a killed writer left, if there is anything; True when old bytes were written back.

    descriptor: the image, open for reading and writing and locked. An incomplete journal is only removed, since the
    image was not touched yet. Raises FormatError when the journal is of another image, InputError on a failing disk.
    """
    journal = journal_path(image)
    if not journal.is_file():
        return False
    try:
        with journal.open("rb") as stream:
            complete = _is_complete(stream.fileno(), os.fstat(stream.fileno()).st_size)
            if complete:
                _restore(image, stream.fileno(), descriptor)
    except OSError as error:
        raise InputError(
            f"cannot be rolled back: {error.strerror}", path=str(journal), hint="free some room and try again"
        ) from None
    journal.unlink()
    sync_directory(journal.parent)
    return complete


def _restore(image: Path, journal: int, descriptor: int) -> None:
    header = JournalHeader.parse(os.pread(journal, JournalHeader.SIZE, 0))
    status = os.fstat(descriptor)
    if (header.image_size, header.inode) != (status.st_size, status.st_ino):
        raise FormatError(
            f"journal is for another file of {header.image_size} bytes, {image.name} has {status.st_size}",
            path=str(journal_path(image)),
            hint="put the image it belongs to back, or remove the journal",
        )
    for extent, place in _extents(journal, header.extent_count):
        position = 0
        while position < extent.size:
            count = min(_CHUNK, extent.size - position)
            stored = os.pread(journal, count, place + position) if extent.stored_size else bytes(count)
            # What was not reached is left alone: a disk that failed there would fail again.
            if os.pread(descriptor, count, extent.offset + position) != stored:
                write_all(descriptor, stored, extent.offset + position)
            position += count
    os.fsync(descriptor)


def _extents(journal: int, count: int) -> Iterator[tuple[JournalExtent, int]]:
    """Each extent with the place of its bytes in the journal."""
    position = JournalHeader.SIZE
    for _ in range(count):
        extent = JournalExtent.parse(os.pread(journal, JournalExtent.SIZE, position))
        position += JournalExtent.SIZE
        yield extent, position
        position += extent.stored_size


def _is_complete(journal: int, size: int) -> bool:
    """True when header, every extent and the trailer are there and their CRCs are right."""
    try:
        header = JournalHeader.parse(os.pread(journal, JournalHeader.SIZE, 0))
        if list(header.problems()):
            return False
        end = JournalHeader.SIZE
        for extent, place in _extents(journal, header.extent_count):
            end = place + extent.stored_size
            if list(extent.problems()) or extent.stored_size not in (0, extent.size) or end > size:
                return False
            if CRC32.compute(os.pread(journal, extent.stored_size, place)) != extent.data_crc:
                return False
        trailer = JournalTrailer.parse(os.pread(journal, JournalTrailer.SIZE, end))
    except FormatError:
        return False
    return trailer == JournalTrailer(extent_count=header.extent_count)


def is_zero(data: bytes) -> bool:
    """True for zeros only. A comparison: about 400 times as fast as any() on a mebibyte."""
    return data == bytes(len(data))


def write_all(descriptor: int, data: bytes | bytearray, offset: int) -> None:
    """Write all of `data`; one call may write less, as on a disk that is about to be full."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def sync_directory(folder: Path) -> None:
    """Make a new or removed name in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
