"""Stage 2 of the boot loader: its place in the region and the descriptor the toolkit fills in."""

from __future__ import annotations

from bfimg.formats.crc import CRC16
from bfimg.formats.disk_layout import KERNEL_MAX_SECTORS, disk_region
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.formats.memory_map import memory_region
from bfimg.formats.structure import Constant, Structure, u16, u32

STAGE2_SIZE = Constant(disk_region("stage2").sectors * SECTOR_SIZE, "Exact size of stage 2", "bytes")
STAGE2_DESCRIPTOR_OFFSET = Constant(8, "Byte offset of the descriptor in stage 2")
STAGE2_MAGIC = Constant(0x32534642, "'BFS2' as it stands on disk")
STAGE2_VERSION = Constant(1, "Descriptor version this loader reads")
STAGE2_READ_SECTORS = Constant(64, "Most sectors read by one BIOS call, so that none crosses 64 KiB", "sectors")


class Stage2Descriptor(Structure, c_name="stage2_descriptor", size=32, source="BareFlow design: stage-2 descriptor"):
    """What stage 2 loads, and where. Nothing of this is compiled into the loader."""

    magic: int = u32("Marks the descriptor", const=STAGE2_MAGIC)
    version: int = u16("Descriptor version", const=STAGE2_VERSION)
    size: int = u16("Bytes in this descriptor", unit="bytes", const=32)
    kernel_lba: int = u32("First sector of the kernel", unit="LBA", low=1)
    kernel_sectors: int = u32("Sectors to load", unit="sectors", low=1, high=KERNEL_MAX_SECTORS)
    load_address: int = u32("Physical address of the first byte", const=memory_region("kernel").start)
    kernel_crc: int = u32("CRC-32/ISO-HDLC of the sectors as loaded, padding included")
    flags: int = u32("None defined yet", const=0)
    reserved: int = u16("Zero", const=0)
    crc: int = u16("CRC of the 30 bytes before it", crc=CRC16)
