"""Boot information block: what stage 2 tells the kernel."""

from __future__ import annotations

from bfimg.formats.structure import Constant, Structure, array, u8, u16, u32, u64

BOOT_INFO_MAGIC = Constant(0x49424642, "'BFBI' in memory")
BOOT_INFO_VERSION = Constant(1, "Version of the block")
E820_MAX_ENTRIES = Constant(32, "Memory ranges kept")


class E820Entry(Structure, c_name="e820_entry", size=24, source="ACPI Specification 6.5, section 15.1 (INT 15h E820)"):
    """One range of physical memory as the firmware reports it."""

    base: int = u64("Physical address of the first byte")
    length: int = u64("Length of the range", unit="bytes")
    type: int = u32("1 usable, 2 reserved, 3 ACPI reclaimable, 4 ACPI NVS, 5 bad")
    attributes: int = u32("ACPI 3 attributes; bit 0 set means the entry counts", default=1)


class BootInfo(Structure, c_name="boot_info", size=800, source="BareFlow design: boot information block"):
    """Written by stage 2 at the address the memory map gives, read by the kernel."""

    magic: int = u32("Marks the block", const=BOOT_INFO_MAGIC)
    version: int = u16("Version of the block", const=BOOT_INFO_VERSION)
    boot_drive: int = u8("INT 13h drive number stage 2 was loaded from")
    lba_reads: int = u8("1 when INT 13h extensions were used, 0 for CHS", high=1)
    kernel_lba: int = u32("First sector of the kernel", unit="LBA")
    kernel_sectors: int = u32("Sectors loaded", unit="sectors")
    kernel_crc: int = u32("CRC-32/ISO-HDLC stage 2 computed over them")
    a20_method: int = u32("How A20 was enabled: 0 already on, 1 BIOS, 2 keyboard controller, 3 port 0x92")
    e820_count: int = u32("Valid entries in e820", high=E820_MAX_ENTRIES)
    reserved: int = u32("Zero", const=0)
    e820: tuple[E820Entry, ...] = array(E820Entry, E820_MAX_ENTRIES, "Physical memory ranges")
