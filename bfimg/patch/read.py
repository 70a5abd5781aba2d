"""Read a patch file. It may come from anyone: nothing in it is believed before it is checked."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from bfimg.diff.compare import Tally
from bfimg.diff.report import ByteChanges
from bfimg.errors import FormatError
from bfimg.formats.patch import PATCH_END_MAGIC, PATCH_HUNK_BYTES, PatchEnd, PatchHeader, PatchHunk
from bfimg.formats.structure import Structure, decode_text

_HINT = "make the patch again, or copy it again"
# Hunks are read by the derived format, since there can be hundreds of thousands; the definition names what is wrong.
_HUNK = PatchHunk.unpacker()
_CRC_PLACE = PatchHunk.offset_of("crc")
_CHECKED = [(i, spec) for i, spec in enumerate(PatchHunk.FIELDS) if spec.is_integer and spec.crc is None]
# zlib's own bound for data that cannot be compressed is far below this.
_MOST_STORED = PATCH_HUNK_BYTES + 1024


class Hunk(NamedTuple):
    """One run of bytes that a patch replaces. `offset` in bytes; old and new are of one length."""

    region: str
    offset: int
    old: bytes
    new: bytes


class Patch:
    """A patch file that has been checked from end to end. Hunks are read when they are asked for."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        self._reader = _Reader(stream, name)
        self.header = self._reader.header()
        self.hunk_count = sum(1 for _ in self._reader.hunks(self.header))

    def hunks(self) -> Iterator[Hunk]:
        """Every hunk, sorted by offset. Raises FormatError when the file has changed since it was checked."""
        return self._reader.hunks(self.header)

    def contents(self) -> ByteChanges:
        """The bytes the patch changes: what a diff of the two images it was made from says of them."""
        tally = Tally()
        for hunk in self.hunks():
            tally.add(hunk.region, hunk.offset, hunk.old, hunk.new)
        return tally.result()


def read_patch(stream: BinaryIO, name: str = "patch") -> Patch:
    """Check a patch file and make its hunks available. `stream` must stay open, and be able to seek.

    Raises FormatError, naming the byte, when anything in the file is not as it must be.
    """
    return Patch(stream, name)


class _Reader:
    """Reads from the start, keeping place and CRC."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._position = 0
        self._crc = 0

    def _fail(self, message: str, offset: int) -> FormatError:
        return FormatError(message, path=self._name, offset=offset, hint=_HINT)

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise self._fail("the patch is cut short", self._position + len(data))
        self._position += size
        return data

    def _check(self, structure: Structure, offset: int) -> None:
        for problem in structure.problems():
            raise self._fail(f"{structure.C_NAME}.{problem.field} {problem.message}", offset + problem.offset)

    def header(self) -> PatchHeader:
        """The header, from the start of the file."""
        self._stream.seek(0)
        self._position = 0
        data = self._take(PatchHeader.SIZE)
        self._crc = zlib.crc32(data)
        header = PatchHeader.parse(data)
        self._check(header, 0)
        return header

    def hunks(self, header: PatchHeader) -> Iterator[Hunk]:
        """Every hunk, then the end is checked."""
        self._stream.seek(PatchHeader.SIZE)
        self._position = PatchHeader.SIZE
        self._crc = zlib.crc32(header.to_bytes())
        count, end = 0, 0
        while True:
            start = self._position
            magic = self._take(4)
            if int.from_bytes(magic, "little") == PATCH_END_MAGIC:
                self._end(magic, start, count)
                return
            hunk = self._hunk(magic, start)
            if hunk.offset < end:
                raise self._fail(f"hunk at {hunk.offset:#x} begins before {end:#x}, where the one before ends", start)
            end = hunk.offset + len(hunk.old)
            if end > header.image_size:
                raise self._fail(f"hunk ends at {end:#x}, the image at {header.image_size:#x}", start)
            count += 1
            yield hunk

    def _hunk(self, magic: bytes, start: int) -> Hunk:
        data = magic + self._take(PatchHunk.SIZE - len(magic))
        self._crc = zlib.crc32(data, self._crc)
        values = _HUNK.unpack(data)
        if zlib.crc32(data[:_CRC_PLACE]) != values[-1] or any(spec.problem(values[index]) for index, spec in _CHECKED):
            self._check(PatchHunk.parse(data), start)
        _, size, offset, region, old_crc, new_crc, old_stored, new_stored, _, _ = values
        old = self._contents("old", old_stored, size, old_crc)
        new = self._contents("new", new_stored, size, new_crc)
        return Hunk(decode_text(region), offset, old, new)

    def _contents(self, which: str, stored: int, size: int, crc: int) -> bytes:
        """Decompress one stream. However it was made, no more than `size` bytes come out of it."""
        start = self._position
        if stored > _MOST_STORED:
            raise self._fail(f"{which} bytes are stored in {stored} bytes, at most {_MOST_STORED} are used", start)
        packed = self._take(stored)
        self._crc = zlib.crc32(packed, self._crc)
        stream = zlib.decompressobj()
        try:
            data = stream.decompress(packed, size + 1)
        except zlib.error as error:
            raise self._fail(f"{which} bytes cannot be decompressed: {error}", start) from None
        if len(data) != size or not stream.eof or stream.unused_data:
            raise self._fail(f"{which} bytes are not the {size} the hunk announces", start)
        if zlib.crc32(data) != crc:
            raise self._fail(f"{which} bytes have the CRC {zlib.crc32(data):#x}, must have {crc:#x}", start)
        return data

    def _end(self, magic: bytes, start: int, count: int) -> None:
        end = PatchEnd.parse(magic + self._take(PatchEnd.SIZE - len(magic)))
        self._check(end, start)
        if end.hunk_count != count:
            raise self._fail(f"{count} hunks, the end announces {end.hunk_count}", start)
        if end.file_crc != self._crc:
            raise self._fail(f"file has the CRC {self._crc:#x}, must have {end.file_crc:#x}", start)
        if self._stream.read(1):
            raise self._fail("something follows the end", self._position)
