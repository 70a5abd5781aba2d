"""Check the JIT cache: superblocks, the current index, code extents."""

from __future__ import annotations

from itertools import pairwise

from bfimg.check import codes
from bfimg.check.report import Collector
from bfimg.formats.crc import CRC32
from bfimg.formats.jit_cache import (
    JIT_CACHE_INDEX_A,
    JIT_CACHE_INDEX_B,
    JIT_CACHE_SUPERBLOCK_A,
    JIT_CACHE_SUPERBLOCK_B,
    JitCacheEntry,
    JitCacheSuperblock,
)
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.image.probe import Region
from bfimg.image.store import Store

_RELOCATION_BYTES = 4


def check_cache(store: Store, region: Region, collector: Collector) -> None:
    """A cache that was never written is all zero there, which is sound."""
    current: JitCacheSuperblock | None = None
    for letter, sector in (("a", JIT_CACHE_SUPERBLOCK_A), ("b", JIT_CACHE_SUPERBLOCK_B)):
        offset = region.offset + sector * SECTOR_SIZE
        data = store.read(offset, JitCacheSuperblock.SIZE)
        if len(data) < JitCacheSuperblock.SIZE or not any(data):
            continue
        block = JitCacheSuperblock.parse(data)
        problem = _superblock_problem(block, region, f"{region.name}.{letter}", offset)
        if problem is not None:
            collector.add(codes.CACHE_SUPERBLOCK, *problem)
        elif current is None or block.sequence > current.sequence:
            current = block
    if current is not None:
        _check_index(store, region, current, collector)


def _superblock_problem(
    block: JitCacheSuperblock, region: Region, name: str, offset: int
) -> tuple[str, int | None, str] | None:
    for problem in block.problems(name, offset):
        return problem.field, problem.offset, problem.message
    if block.region_sectors * SECTOR_SIZE > region.size:
        at = offset + block.offset_of("region_sectors")
        return f"{name}.region_sectors", at, f"is {block.region_sectors}, the region has {region.size // SECTOR_SIZE}"
    if block.index_sector not in (JIT_CACHE_INDEX_A, JIT_CACHE_INDEX_B):
        at = offset + block.offset_of("index_sector")
        message = f"is {block.index_sector}, must be {int(JIT_CACHE_INDEX_A)} or {int(JIT_CACHE_INDEX_B)}"
        return f"{name}.index_sector", at, message
    return None


def _check_index(store: Store, region: Region, block: JitCacheSuperblock, collector: Collector) -> None:
    start = region.offset + block.index_sector * SECTOR_SIZE
    size = block.entry_count * JitCacheEntry.SIZE
    index = store.read(start, size).ljust(size, b"\0")
    crc = CRC32.compute(index)
    if crc != block.index_crc:
        message = f"CRC is {crc:#x}, the superblock says {block.index_crc:#x}"
        collector.add(codes.CACHE_INDEX, region.name, start, message)
    extents: list[tuple[int, int, str, int]] = []
    for number in range(block.entry_count):
        entry = JitCacheEntry.parse(index, number * JitCacheEntry.SIZE)
        name = f"{region.name}.entries[{number}]"
        at = start + number * JitCacheEntry.SIZE
        problems = list(entry.problems(name, at))
        if problems:
            first = problems[0]
            collector.add(codes.CACHE_ENTRY, first.field, first.offset, first.message)
            continue
        _check_code(store, region, block, entry, name, at, collector, extents)
    extents.sort()
    for lower, upper in pairwise(extents):
        if lower[1] > upper[0]:
            collector.add(codes.CACHE_EXTENT, upper[2], upper[3], f"its code shares sectors with {lower[2]}")


def _check_code(
    store: Store,
    region: Region,
    block: JitCacheSuperblock,
    entry: JitCacheEntry,
    name: str,
    at: int,
    collector: Collector,
    extents: list[tuple[int, int, str, int]],
) -> None:
    size = entry.code_size + entry.relocation_count * _RELOCATION_BYTES
    end = entry.code_sector + -(-size // SECTOR_SIZE)
    if end > block.region_sectors:
        message = f"its code ends at sector {end}, the region has {block.region_sectors}"
        collector.add(codes.CACHE_EXTENT, name, at, message)
        return
    extents.append((entry.code_sector, end, name, at))
    crc = CRC32.compute(store.read(region.offset + entry.code_sector * SECTOR_SIZE, size))
    if crc != entry.code_crc:
        collector.add(codes.CACHE_CODE, name, at, f"CRC is {crc:#x}, its entry says {entry.code_crc:#x}")
