"""JIT cache region: what the running kernel compiled and keeps for the next boot.

Two superblocks (the newer valid one wins), each with an index of its own, then code extents. A write goes to
fresh sectors, then to the other index, then to the other superblock, so a power cut leaves the old state whole.
"""

from __future__ import annotations

from bfimg.formats.bitcode_module import MAX_OPTIMISATION_LEVEL
from bfimg.formats.crc import CRC32
from bfimg.formats.structure import Constant, Structure, raw, text, u8, u16, u32, u64

JIT_CACHE_MAGIC = Constant(0x434A4642, "'BFJC' as it stands on disk")
JIT_CACHE_VERSION = Constant(1, "Cache format version")
JIT_CACHE_SUPERBLOCK_A = Constant(0, "Sector of superblock A in the region", "sectors")
JIT_CACHE_SUPERBLOCK_B = Constant(1, "Sector of superblock B in the region", "sectors")
JIT_CACHE_INDEX_A = Constant(8, "First sector of index A in the region", "sectors")
JIT_CACHE_INDEX_B = Constant(40, "First sector of index B in the region", "sectors")
JIT_CACHE_INDEX_SECTORS = Constant(32, "Sectors of one index", "sectors")
JIT_CACHE_CODE = Constant(72, "First sector for code extents in the region", "sectors")

_SOURCE = "BareFlow design: JIT cache"


class JitCacheSuperblock(Structure, c_name="jit_cache_superblock", size=512, source=_SOURCE):
    """One of the two superblocks."""

    magic: int = u32("Marks a cache", const=JIT_CACHE_MAGIC)
    version: int = u16("Cache format version", const=JIT_CACHE_VERSION)
    entry_size: int = u16("Bytes in an index entry", unit="bytes", const=128)
    sequence: int = u32("Raised by one at each write; the higher valid one is current", high=0xFFFFFFFE)
    region_sectors: int = u32("Sectors in the cache region", unit="sectors", low=JIT_CACHE_CODE)
    index_sector: int = u32("First sector of the current index, in the region", unit="sectors", low=8)
    entry_count: int = u32("Entries in the index", high=128)
    index_crc: int = u32("CRC-32/ISO-HDLC of the index entries in use")
    kernel_build_id: bytes = raw(16, "Build id of the kernel that wrote the cache")
    reserved: bytes = raw(464, "Zero")
    crc: int = u32("CRC of the 508 bytes before it", crc=CRC32)


class JitCacheEntry(Structure, c_name="jit_cache_entry", size=128, source=_SOURCE):
    """One compiled function. A stale or damaged entry is ignored, never run."""

    module_crc: int = u32("payload_crc of the module the code was made from")
    function_index: int = u16("Function in the module's pattern program; 0 for a native module")
    level: int = u8("Level the code was compiled at: O0 to O3", high=MAX_OPTIMISATION_LEVEL)
    flags: int = u8("None defined yet", const=0)
    module_name: bytes = text(32, "Module name, NUL-padded ASCII")
    cpu_features: int = u32("Bits of CpuFeature the code needs")
    kernel_build_id: bytes = raw(16, "Build id of the kernel the code was compiled for")
    code_sector: int = u32("First sector of the code extent, in the region", unit="sectors", low=JIT_CACHE_CODE)
    code_size: int = u32("Bytes of code", unit="bytes", low=1)
    relocation_count: int = u32("32-bit relocations behind the code, 4 bytes each")
    code_crc: int = u32("CRC-32/ISO-HDLC of code and relocations")
    calls: int = u64("Calls seen so far")
    cycles: int = u64("Cycles spent in those calls, by rdtsc")
    reserved: bytes = raw(32, "Zero")
    crc: int = u32("CRC of the 124 bytes before it", crc=CRC32)
