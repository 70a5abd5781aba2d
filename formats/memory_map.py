"""Memory map: physical addresses for boot code, linker script, kernel and checks."""

from __future__ import annotations

from dataclasses import dataclass

from bfimg.formats.disk_layout import KERNEL_MAX_SECTORS, disk_region
from bfimg.formats.mbr import SECTOR_SIZE


@dataclass(frozen=True)
class MemoryRegion:
    """Bytes `start` up to, not including, `end`."""

    name: str
    start: int
    size: int
    meaning: str

    @property
    def end(self) -> int:
        return self.start + self.size


_STAGE1 = 0x7C00
_KERNEL = 0x10000
_STAGE2_SIZE = disk_region("stage2").sectors * SECTOR_SIZE
_KIB = 1024

MEMORY_REGIONS = (
    MemoryRegion("boot_stack", 0x1000, _STAGE1 - 0x1000, "Real-mode stack of stages 1 and 2, grows down"),
    MemoryRegion("mbr", _STAGE1, SECTOR_SIZE, "Where the BIOS loads the MBR"),
    MemoryRegion("stage2", _STAGE1 + SECTOR_SIZE, _STAGE2_SIZE, "Stage 2"),
    MemoryRegion("boot_info", 0x9000, 4 * _KIB, "Boot information block for the kernel"),
    MemoryRegion("boot_scratch", 0xA000, 4 * _KIB, "Stage 2's working memory: CRC table, disk address packet"),
    MemoryRegion("kernel", _KERNEL, KERNEL_MAX_SECTORS * SECTOR_SIZE, "Kernel image, data and bss"),
    MemoryRegion("stack", 0x80000, 64 * _KIB, "Kernel stack, top at the end, grows down"),
    MemoryRegion("heap", 0x100000, 256 * _KIB, "Kernel heap"),
    MemoryRegion("jit_code", 0x140000, 32 * _KIB, "JIT pool for code"),
    MemoryRegion("jit_data", 0x148000, 32 * _KIB, "JIT pool for data"),
    MemoryRegion("jit_metadata", 0x150000, 16 * _KIB, "JIT pool for metadata"),
    MemoryRegion("module_arena", 0x160000, 640 * _KIB, "Where native modules are linked for and run"),
    MemoryRegion("file_buffer", 0x200000, 1024 * _KIB, "A module file while it is validated"),
)

_BY_NAME = {region.name: region for region in MEMORY_REGIONS}


def memory_region(name: str) -> MemoryRegion:
    """The region called `name`. Raises KeyError when the map has none."""
    return _BY_NAME[name]
