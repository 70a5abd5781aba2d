"""The JIT cache of an image: read without the kernel, and made without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bfimg.formats.crc import CRC32
from bfimg.formats.disk_layout import disk_region
from bfimg.formats.jit_cache import JIT_CACHE_INDEX_A, JitCacheEntry, JitCacheSuperblock
from bfimg.formats.mbr import SECTOR_SIZE

REGION = disk_region("jit_cache")
OFFSET = REGION.first_lba * SECTOR_SIZE
SIZE = REGION.sectors * SECTOR_SIZE


@pytest.fixture(scope="session")
def region_of() -> Callable[[Path], bytes]:
    """Function that gives the cache region of an image."""

    def read(image: Path) -> bytes:
        with image.open("rb") as file:
            file.seek(OFFSET)
            return file.read(SIZE)

    return read


@pytest.fixture(scope="session")
def entries_of() -> Callable[[bytes], dict[str, JitCacheEntry]]:
    """Function that gives the entries of a region by their modules' names. Index, entries and code must be sound."""

    def read(region: bytes) -> dict[str, JitCacheEntry]:
        blocks = [JitCacheSuperblock.parse(region, number * SECTOR_SIZE) for number in range(2)]
        valid = [block for block in blocks if not list(block.problems())]
        if not valid:
            return {}
        block = max(valid, key=lambda block: block.sequence)
        start = block.index_sector * SECTOR_SIZE
        index = region[start : start + block.entry_count * JitCacheEntry.SIZE]
        assert CRC32.compute(index) == block.index_crc
        entries = {}
        for offset in range(0, len(index), JitCacheEntry.SIZE):
            entry = JitCacheEntry.parse(index, offset)
            code = region[entry.code_sector * SECTOR_SIZE :][: entry.code_size]
            assert (list(entry.problems()), CRC32.compute(code)) == ([], entry.code_crc)
            entries[entry.module_name.rstrip(b"\0").decode()] = entry
        assert len(entries) == block.entry_count
        return entries

    return read


@pytest.fixture(scope="session")
def make_region() -> Callable[[Sequence[JitCacheEntry], bytes], bytes]:
    """``make_region(entries, code)``: superblock A, its index of the entries, sealed; code in the first code sector."""

    def make(entries: Sequence[JitCacheEntry], code: bytes = b"") -> bytes:
        index = b"".join(entry.sealed().to_bytes() for entry in entries)
        block = JitCacheSuperblock(
            sequence=1, region_sectors=REGION.sectors, index_sector=JIT_CACHE_INDEX_A, entry_count=len(entries),
            index_crc=CRC32.compute(index),
        )  # fmt: skip
        head = block.sealed().to_bytes().ljust(JIT_CACHE_INDEX_A * SECTOR_SIZE, b"\0") + index
        return (head.ljust(72 * SECTOR_SIZE, b"\0") + code).ljust(SIZE, b"\0")

    return make
