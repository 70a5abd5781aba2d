"""Master boot record: LBA 0 of a partitioned disk."""

from __future__ import annotations

from enum import IntEnum

from bfimg.formats.structure import Constant, Structure, array, raw, u8, u16, u32

SECTOR_SIZE = Constant(512, "Bytes in a sector; BareFlow uses no other size", "bytes")
MBR_CODE_SIZE = Constant(440, "Room for boot code in the MBR, before the disk signature", "bytes")
BOOT_SIGNATURE = Constant(0xAA55, "Last two bytes of a boot sector, 0x55 0xAA on disk")

MBR_SOURCE = "MBR usage: UEFI Specification 2.10, section 5.2 (LBA 0 format)"


class PartitionStatus(IntEnum):
    """Boot indicator of a partition entry."""

    INACTIVE = 0x00
    ACTIVE = 0x80


class PartitionType(IntEnum):
    """Partition types bfimg knows by name. Others are legal and shown as numbers."""

    EMPTY = 0x00
    FAT12 = 0x01
    FAT16_SMALL = 0x04
    EXTENDED_CHS = 0x05
    FAT16 = 0x06
    NTFS_EXFAT = 0x07
    FAT32_CHS = 0x0B
    FAT32_LBA = 0x0C
    FAT16_LBA = 0x0E
    EXTENDED_LBA = 0x0F
    LINUX_SWAP = 0x82
    LINUX = 0x83
    EXTENDED_LINUX = 0x85
    GPT_PROTECTIVE = 0xEE
    EFI_SYSTEM = 0xEF


FAT_PARTITION_TYPES = frozenset(
    {
        PartitionType.FAT12,
        PartitionType.FAT16_SMALL,
        PartitionType.FAT16,
        PartitionType.FAT32_CHS,
        PartitionType.FAT32_LBA,
        PartitionType.FAT16_LBA,
    }
)


class PartitionEntry(Structure, c_name="partition_entry", size=16, source=MBR_SOURCE):
    """One of the four partition entries."""

    status: int = u8("Boot indicator", values=PartitionStatus)
    chs_first: bytes = raw(3, "Cylinder, head, sector of the first sector; ignored by LBA loaders")
    type: int = u8("Partition type, 0 for an unused entry", names=PartitionType)
    chs_last: bytes = raw(3, "Cylinder, head, sector of the last sector")
    lba_start: int = u32("First sector of the partition", unit="LBA")
    sectors: int = u32("Length of the partition", unit="sectors")


class Mbr(Structure, c_name="mbr", size=512, source=MBR_SOURCE):
    """Boot code, disk signature and partition table."""

    code: bytes = raw(440, "Boot code, at most 440 bytes; stage 1 stands here")
    disk_signature: int = u32("Identifies the disk to operating systems")
    reserved: int = u16("0x0000, or 0x5A5A for a copy-protected disk")
    partitions: tuple[PartitionEntry, ...] = array(PartitionEntry, 4, "Primary partitions")
    signature: int = u16("Marks a boot sector", const=BOOT_SIGNATURE)
