"""FAT boot sector with its BIOS parameter block (BPB): FAT12 and FAT16 in one form, FAT32 in another."""

from __future__ import annotations

from bfimg.formats.mbr import BOOT_SIGNATURE
from bfimg.formats.structure import Constant, Structure, raw, text, u8, u16, u32

FAT_SOURCE = "Microsoft FAT Specification (2005), section 3"

FAT_EXTENDED_BOOT_SIGNATURE = Constant(0x29, "Volume id, label and type text are present")
FAT12_MAX_CLUSTERS = Constant(4084, "Most data clusters of a FAT12 volume", "clusters")
FAT16_MIN_CLUSTERS = Constant(4085, "Fewest data clusters of a FAT16 volume", "clusters")
FAT16_MAX_CLUSTERS = Constant(65524, "Most data clusters of a FAT16 volume", "clusters")
FAT32_MAX_CLUSTERS = Constant(0x0FFFFFF5, "Most data clusters of a FAT32 volume", "clusters")
FAT_FIRST_CLUSTER = Constant(2, "Number of the first data cluster")
MAX_FATS = Constant(2, "Most copies of the FAT on a volume")
FAT_MEDIA_FIXED = Constant(0xF8, "Media descriptor of a fixed disk")

FSINFO_LEAD_SIGNATURE = Constant(0x41615252, "FSInfo sector, first signature")
FSINFO_STRUCT_SIGNATURE = Constant(0x61417272, "FSInfo sector, second signature")
FSINFO_TRAIL_SIGNATURE = Constant(0xAA550000, "FSInfo sector, last signature")


class FatBootSectorHead(Structure, c_name="fat_boot_sector_head", size=36, source=FAT_SOURCE + ".1"):
    """The first 36 bytes, the same on FAT12, FAT16 and FAT32."""

    jump: bytes = raw(3, "Jump over the BPB to the boot code", default=b"\xeb\x3c\x90")
    oem_name: bytes = text(
        8, "Name of the system that made the volume, space-padded", default=b"BFIMG   ", padding=b" "
    )
    bytes_per_sector: int = u16("Size of a sector: 512, 1024, 2048 or 4096", unit="bytes", low=512, high=4096)
    sectors_per_cluster: int = u8("Size of a cluster, a power of two", unit="sectors", low=1, high=128)
    reserved_sectors: int = u16("Sectors before the first FAT, this one included", unit="sectors", low=1)
    fat_count: int = u8("Number of FAT copies", low=1, high=MAX_FATS)
    root_entries: int = u16("Entries in the root directory; 0 on FAT32")
    total_sectors_16: int = u16("Sectors in the volume, or 0 when the 32-bit field counts", unit="sectors")
    media: int = u8("Media descriptor; the low byte of FAT entry 0", default=FAT_MEDIA_FIXED, low=0xF0)
    sectors_per_fat_16: int = u16("Size of one FAT; 0 on FAT32", unit="sectors")
    sectors_per_track: int = u16("Geometry for INT 13h", unit="sectors")
    heads: int = u16("Geometry for INT 13h")
    hidden_sectors: int = u32("Sectors before the volume on the disk", unit="sectors")
    total_sectors_32: int = u32("Sectors in the volume when the 16-bit field is 0", unit="sectors")


class FatBootSector16(FatBootSectorHead, c_name="fat_boot_sector_16", size=512, source=FAT_SOURCE + ".2"):
    """Boot sector of a FAT12 or FAT16 volume."""

    drive_number: int = u8("INT 13h drive number", default=0x80)
    reserved_1: int = u8("Zero; bit 0 marks a dirty volume on Windows")
    boot_signature: int = u8("0x29 when the next three fields are present", default=FAT_EXTENDED_BOOT_SIGNATURE)
    volume_id: int = u32("Serial number of the volume")
    volume_label: bytes = text(
        11, "Label, space-padded; the root directory entry counts", default=b"NO NAME    ", padding=b" "
    )
    type_text: bytes = text(8, "Text only; the cluster count decides the FAT type", default=b"FAT16   ", padding=b" ")
    boot_code: bytes = raw(448, "Boot code")
    signature: int = u16("Marks a boot sector", const=BOOT_SIGNATURE)


class FatBootSector32(FatBootSectorHead, c_name="fat_boot_sector_32", size=512, source=FAT_SOURCE + ".3"):
    """Boot sector of a FAT32 volume."""

    sectors_per_fat_32: int = u32("Size of one FAT", unit="sectors", low=1)
    extended_flags: int = u16("Bits 0-3 active FAT, bit 7 mirroring off")
    fs_version: int = u16("Version", const=0)
    root_cluster: int = u32("First cluster of the root directory", low=2, default=2)
    fsinfo_sector: int = u16("Sector of the FSInfo structure in the volume", unit="sectors", default=1)
    backup_boot_sector: int = u16("Sector of the boot sector's copy, or 0", unit="sectors", default=6)
    reserved: bytes = raw(12, "Zero")
    drive_number: int = u8("INT 13h drive number", default=0x80)
    reserved_1: int = u8("Zero; bit 0 marks a dirty volume on Windows")
    boot_signature: int = u8("0x29 when the next three fields are present", default=FAT_EXTENDED_BOOT_SIGNATURE)
    volume_id: int = u32("Serial number of the volume")
    volume_label: bytes = text(
        11, "Label, space-padded; the root directory entry counts", default=b"NO NAME    ", padding=b" "
    )
    type_text: bytes = text(8, "Text only; the cluster count decides the FAT type", default=b"FAT32   ", padding=b" ")
    boot_code: bytes = raw(420, "Boot code")
    signature: int = u16("Marks a boot sector", const=BOOT_SIGNATURE)


class FsInfo(Structure, c_name="fat_fsinfo", size=512, source="Microsoft FAT Specification (2005), section 5"):
    """FAT32 hints: how many clusters are free and where to look next."""

    lead_signature: int = u32("First signature", const=FSINFO_LEAD_SIGNATURE)
    reserved_1: bytes = raw(480, "Zero")
    struct_signature: int = u32("Second signature", const=FSINFO_STRUCT_SIGNATURE)
    free_clusters: int = u32("Free clusters, 0xFFFFFFFF for unknown", unit="clusters", default=0xFFFFFFFF)
    next_free: int = u32("Where to start looking, 0xFFFFFFFF for unknown", default=0xFFFFFFFF)
    reserved_2: bytes = raw(12, "Zero")
    trail_signature: int = u32("Last signature", const=FSINFO_TRAIL_SIGNATURE)
