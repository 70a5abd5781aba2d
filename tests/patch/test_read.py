"""A patch file that is damaged or made to do harm ends in an error that names the byte."""

from __future__ import annotations

import io
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from bfimg.errors import FormatError
from bfimg.formats.patch import PATCH_HUNK_BYTES, PatchEnd, PatchHeader, PatchHunk
from bfimg.image.store import Store
from bfimg.patch import read_patch, write_patch

Make = Callable[..., Store]


@pytest.fixture(scope="module")
def small(image: Make) -> bytes:
    """A patch with two hunks."""
    stream = io.BytesIO()
    write_patch(image((10, b"before")), image((10, b"behind"), (700, b"more")), stream)
    return stream.getvalue()


def test_it_is_read(small: bytes) -> None:
    patch = read_patch(io.BytesIO(small))
    assert [(h.region, h.offset, h.old, h.new) for h in patch.hunks()] == [
        ("data", 12, b"fore", b"hind"),
        ("data", 700, b"\0\0\0\0", b"more"),
    ]
    assert patch.hunk_count == 2


def test_hunks_are_written_as_the_definition_says(small: bytes) -> None:
    start = PatchHeader.SIZE
    head = PatchHunk.parse(small, start)
    assert list(head.problems()) == []
    packed = [zlib.compress(b"fore"), zlib.compress(b"hind")]
    assert head == PatchHunk(
        size=4,
        offset=12,
        region=b"data".ljust(24, b"\0"),
        old_crc=zlib.crc32(b"fore"),
        new_crc=zlib.crc32(b"hind"),
        old_stored=len(packed[0]),
        new_stored=len(packed[1]),
        crc=head.crc,
    )
    assert small[start + PatchHunk.SIZE :].startswith(packed[0] + packed[1])


def test_every_truncation_is_refused(small: bytes) -> None:
    for size in range(len(small)):
        with pytest.raises(FormatError):
            read_patch(io.BytesIO(small[:size]))


def test_every_flipped_bit_is_refused(small: bytes) -> None:
    for bit in range(len(small) * 8):
        data = bytearray(small)
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            read_patch(io.BytesIO(data))


def test_what_follows_the_end_is_refused(small: bytes) -> None:
    with pytest.raises(FormatError, match="something follows the end") as caught:
        read_patch(io.BytesIO(small + b"\0"), "a.bfpatch")
    assert (caught.value.path, caught.value.offset) == ("a.bfpatch", len(small))


def test_a_file_changed_after_it_was_checked(small: bytes) -> None:
    stream = io.BytesIO(small)
    patch = read_patch(stream)
    stream.seek(40)
    stream.write(b"\xff")
    with pytest.raises(FormatError):
        list(patch.hunks())


class Forge:
    """A patch file with correct CRCs and whatever else is asked for."""

    def __init__(self, size: int = 1000) -> None:
        self.data = PatchHeader(image_size=size).sealed().to_bytes()
        self.count = 0

    def hunk(self, old: bytes = b"a", new: bytes = b"b", packed_old: bytes | None = None, **fields: Any) -> Forge:
        packed = [zlib.compress(old) if packed_old is None else packed_old, zlib.compress(new)]
        values = {
            "size": len(new),
            "old_crc": zlib.crc32(old),
            "new_crc": zlib.crc32(new),
            "old_stored": len(packed[0]),
            "new_stored": len(packed[1]),
            **fields,
        }
        self.data += PatchHunk(**values).sealed().to_bytes() + b"".join(packed)
        self.count += 1
        return self

    def read(self, **fields: Any) -> None:
        values = {"hunk_count": self.count, "file_crc": zlib.crc32(self.data), **fields}
        read_patch(io.BytesIO(self.data + PatchEnd(**values).sealed().to_bytes()))


def test_the_forge_makes_sound_patches() -> None:
    Forge().hunk(offset=0).hunk(offset=1).read()


@pytest.mark.parametrize(
    ("forged", "message"),
    [
        (Forge().hunk(offset=5).hunk(offset=5), "hunk at 0x5 begins before 0x6"),
        (Forge().hunk(offset=5).hunk(offset=2), "hunk at 0x2 begins before 0x6"),
        (Forge().hunk(offset=1000), "hunk ends at 0x3e9, the image at 0x3e8"),
        (Forge().hunk(offset=2**64 - 1), "the image at 0x3e8"),
        (Forge().hunk(size=0), "patch_hunk.size is 0, must be in 1..65536"),
        (Forge().hunk(size=PATCH_HUNK_BYTES + 1), "patch_hunk.size is 65537"),
        (Forge().hunk(size=2), "old bytes are not the 2 the hunk announces"),
        (Forge().hunk(old=b"ab"), "old bytes are not the 1 the hunk announces"),
        (Forge().hunk(packed_old=zlib.compress(b"a") + b"x"), "old bytes are not the 1"),
        (Forge().hunk(packed_old=zlib.compress(b"a")[:-1]), "old bytes are not the 1"),
        (Forge().hunk(packed_old=b"no zlib stream"), "old bytes cannot be decompressed"),
        (Forge().hunk(old_crc=1), "old bytes have the CRC 0xe8b7be43, must have 0x1"),
        (Forge().hunk(new_crc=1), "new bytes have the CRC"),
        (Forge().hunk(old_stored=100_000), "old bytes are stored in 100000 bytes"),
        (Forge().hunk(new_stored=2**32 - 1), "new bytes are stored in 4294967295 bytes"),
        (Forge().hunk(reserved=1), "patch_hunk.reserved is 0x1"),
        (Forge().hunk(magic=1), "patch_hunk.magic is 0x1"),
    ],
)
def test_forged_hunks_are_refused(forged: Forge, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        forged.read()


@pytest.mark.parametrize(
    ("fields", "message"), [({"hunk_count": 2}, "1 hunks, the end announces 2"), ({"file_crc": 1}, "must have 0x1")]
)
def test_forged_ends_are_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Forge().hunk().read(**fields)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zlib.compress(bytes(50 << 20), 9)
    assert len(bomb) < PATCH_HUNK_BYTES
    forged = Forge(1 << 30).hunk(packed_old=bomb)
    tracemalloc.start()
    with pytest.raises(FormatError, match="old bytes are not the 1"):
        forged.read()
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()
