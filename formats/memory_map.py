"""Memory map: physical addresses for boot code, linker scripts, kernel, page table and checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from bfimg.formats.disk_layout import KERNEL_MAX_SECTORS, disk_region
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.formats.structure import Constant

PAGE_SIZE = Constant(4096, "Unit of memory protection", "bytes")


class MemoryAccess(IntEnum):
    """Who may touch a region while a module runs. What no region covers is not mapped and faults."""

    BOOT = 0
    KERNEL = 1
    MODULE = 2


@dataclass(frozen=True)
class MemoryRegion:
    """Bytes `start` up to, not including, `end`.

    access: BOOT before the kernel runs only, not mapped afterwards; KERNEL is read-only to modules; MODULE is theirs.
    """

    name: str
    start: int
    size: int
    access: MemoryAccess
    meaning: str

    @property
    def end(self) -> int:
        return self.start + self.size


_STAGE1 = 0x7C00
_KERNEL = 0x10000
_STAGE2_SIZE = disk_region("stage2").sectors * SECTOR_SIZE
_KIB = 1024
_BOOT, _KERNEL_ONLY, _MODULE = MemoryAccess.BOOT, MemoryAccess.KERNEL, MemoryAccess.MODULE

MEMORY_REGIONS = (
    MemoryRegion("boot_stack", 0x1000, _STAGE1 - 0x1000, _BOOT, "Real-mode stack of stages 1 and 2, grows down"),
    MemoryRegion("mbr", _STAGE1, SECTOR_SIZE, _BOOT, "Where the BIOS loads the MBR"),
    MemoryRegion("stage2", _STAGE1 + SECTOR_SIZE, _STAGE2_SIZE, _BOOT, "Stage 2"),
    MemoryRegion("boot_info", 0x9000, 4 * _KIB, _KERNEL_ONLY, "Boot information block for the kernel"),
    MemoryRegion("boot_scratch", 0xA000, 4 * _KIB, _BOOT, "Stage 2's working memory: CRC table, disk address packet"),
    MemoryRegion("page_tables", 0xB000, 8 * _KIB, _KERNEL_ONLY, "Page directory, page table of the lowest 4 MiB"),
    MemoryRegion("services", 0xD000, 4 * _KIB, _KERNEL_ONLY, "Table of the kernel functions that modules may call"),
    MemoryRegion(
        "tasks", 0xE000, 4 * _KIB, _MODULE, "GDT, task states and stack of the double fault: the CPU writes them"
    ),
    MemoryRegion("kernel", _KERNEL, KERNEL_MAX_SECTORS * SECTOR_SIZE, _KERNEL_ONLY, "Kernel image, data and bss"),
    MemoryRegion("stack", 0x80000, 64 * _KIB, _KERNEL_ONLY, "Kernel stack, top at the end, grows down"),
    MemoryRegion("heap", 0x100000, 256 * _KIB, _KERNEL_ONLY, "Kernel heap"),
    MemoryRegion("jit_code", 0x140000, 32 * _KIB, _KERNEL_ONLY, "JIT pool for code"),
    MemoryRegion("jit_data", 0x148000, 32 * _KIB, _KERNEL_ONLY, "JIT pool for data"),
    MemoryRegion("jit_metadata", 0x150000, 16 * _KIB, _KERNEL_ONLY, "JIT pool for metadata"),
    MemoryRegion("module_stack", 0x156000, 32 * _KIB, _MODULE, "Stack of modules, unmapped on both sides, grows down"),
    MemoryRegion(
        "module_arena", 0x160000, 640 * _KIB, _MODULE, "Where native modules are linked for, run, and allocate"
    ),
    MemoryRegion("file_buffer", 0x200000, 1024 * _KIB, _KERNEL_ONLY, "A module file while it is validated"),
    MemoryRegion("profile", 0x300000, 128 * _KIB, _MODULE, "What the probes of an instrumented module record"),
)

# From here on, physical memory that a configuration may ask for: larger heap, larger pools.
EXTENDED_START = Constant(0x400000, "First address of memory beyond the map, taken on request")

_BY_NAME = {region.name: region for region in MEMORY_REGIONS}


def memory_region(name: str) -> MemoryRegion:
    """The region called `name`. Raises KeyError when the map has none."""
    return _BY_NAME[name]
