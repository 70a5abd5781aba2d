"""GUID partition table: its header at LBA 1, the entries behind it, and a copy of both at the end of the disk."""

from __future__ import annotations

from bfimg.formats.structure import Constant, Structure, raw, u32, u64

GPT_SIGNATURE = Constant(0x5452415020494645, "Begins a GPT header, 'EFI PART' on disk")
GPT_REVISION = Constant(0x00010000, "Revision 1.0 of the header")
GPT_HEADER_LBA = Constant(1, "Where the first header stands", "LBA")
GPT_MOST_ENTRIES = Constant(1024, "Most entries bfimg reads; 128 are usual", "entries")

GPT_SOURCE = "UEFI Specification 2.10, section 5.3"

# Partition type GUIDs in their text form. Source: UEFI Specification, table 5.7, and the Discoverable Partitions list.
GPT_TYPE_NAMES = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system",
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "basic data",
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
    "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "Windows recovery",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux",
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root x86-64",
    "44479540-f297-41b2-9af7-d131d5f0458a": "Linux root x86",
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
    "933ac7e1-2eb4-4f13-b844-0e14e2aef915": "Linux home",
}


class GptHeader(Structure, c_name="gpt_header", size=92, source=GPT_SOURCE + ".2"):
    """Describes the disk and where the entries are. The rest of its sector is zero."""

    signature: int = u64("Marks a GPT header", const=GPT_SIGNATURE)
    revision: int = u32("Revision", const=GPT_REVISION)
    header_size: int = u32("Bytes that the header's CRC covers", unit="bytes", default=92, low=92, high=512)
    header_crc: int = u32("CRC-32/ISO-HDLC of header_size bytes, with this field 0")
    reserved: int = u32("Zero", const=0)
    my_lba: int = u64("Sector this header stands in", unit="LBA", default=1)
    alternate_lba: int = u64("Sector of the other header", unit="LBA")
    first_usable_lba: int = u64("First sector partitions may use", unit="LBA")
    last_usable_lba: int = u64("Last sector partitions may use", unit="LBA")
    disk_guid: bytes = raw(16, "Identifies the disk; the first three parts are little-endian")
    entries_lba: int = u64("First sector of the entries", unit="LBA", default=2)
    entry_count: int = u32("Number of entries, used or not", default=128, low=1, high=GPT_MOST_ENTRIES)
    entry_size: int = u32("Size of an entry, 128 times a power of two", unit="bytes", default=128, low=128, high=4096)
    entries_crc: int = u32("CRC-32/ISO-HDLC of all entries")


class GptEntry(Structure, c_name="gpt_entry", size=128, source=GPT_SOURCE + ".3"):
    """One partition. An unused entry has a type of zeros."""

    type_guid: bytes = raw(16, "What the partition is for; the first three parts are little-endian")
    unique_guid: bytes = raw(16, "Identifies the partition")
    first_lba: int = u64("First sector of the partition", unit="LBA")
    last_lba: int = u64("Last sector of the partition", unit="LBA")
    attributes: int = u64("Bit 0 required by the platform, bit 1 ignored by EFI, bit 2 legacy BIOS bootable")
    name: bytes = raw(72, "Name, UTF-16LE, filled up with NUL")
