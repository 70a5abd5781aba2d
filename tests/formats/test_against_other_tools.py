"""Definitions read what other tools wrote."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bfimg.formats.fat_boot_sector import FatBootSector16, FatBootSector32, FsInfo
from bfimg.formats.fat_directory import DirectoryEntry, FatAttribute, LongNameEntry
from bfimg.formats.llvm_wrapper import LLVM_BITCODE_MAGIC, LlvmWrapperHeader
from bfimg.formats.mbr import Mbr, PartitionStatus, PartitionType


def run(*command: object, text: str | None = None) -> None:
    subprocess.run([str(part) for part in command], input=text, text=True, check=True, capture_output=True)


def test_partition_table_of_sfdisk(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(8 << 20))
    script = (
        "label: dos\nlabel-id: 0x12345678\nstart=2048, size=4096, type=e, bootable\nstart=8192, size=2048, type=83\n"
    )
    run("sfdisk", disk, text=script)
    mbr = Mbr.parse(disk.read_bytes())
    assert not list(mbr.problems())
    assert mbr.disk_signature == 0x12345678
    first, second, third, _ = mbr.partitions
    assert (first.status, first.type) == (PartitionStatus.ACTIVE, PartitionType.FAT16_LBA)
    assert (first.lba_start, first.sectors) == (2048, 4096)
    assert (second.status, second.type, second.lba_start, second.sectors) == (0, PartitionType.LINUX, 8192, 2048)
    assert third.type == PartitionType.EMPTY


@pytest.mark.parametrize(
    ("bits", "sectors", "sectors_per_cluster", "type_text"),
    [(12, 2880, 1, b"FAT12   "), (16, 65536, 4, b"FAT16   "), (32, 80000, 1, b"FAT32   ")],
)
def test_boot_sector_of_mkfs_fat(
    tmp_path: Path, bits: int, sectors: int, sectors_per_cluster: int, type_text: bytes
) -> None:
    image = tmp_path / "volume.img"
    image.write_bytes(bytes(sectors * 512))
    run("mkfs.fat", "-F", bits, "-s", sectors_per_cluster, "-i", "89ABCDEF", "-n", "SOME LABEL", "-h", 63, image)
    data = image.read_bytes()
    structure = FatBootSector32 if bits == 32 else FatBootSector16
    boot = structure.parse(data)
    assert not list(boot.problems())
    assert boot.to_bytes() == data[:512]
    assert (boot.oem_name, boot.type_text, boot.volume_label) == (b"mkfs.fat", type_text, b"SOME LABEL ")
    assert (boot.bytes_per_sector, boot.sectors_per_cluster, boot.fat_count) == (512, sectors_per_cluster, 2)
    assert (boot.volume_id, boot.hidden_sectors) == (0x89ABCDEF, 63)
    assert sectors in (boot.total_sectors_16, boot.total_sectors_32)
    if isinstance(boot, FatBootSector32):
        info = FsInfo.parse(data, boot.fsinfo_sector * 512)
        assert not list(info.problems())
        assert 0 < info.free_clusters < sectors


@pytest.fixture(scope="module")
def mtools_root(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Root directory of a volume on which mtools made a short and a long name."""
    folder = tmp_path_factory.mktemp("mtools")
    image, source = folder / "volume.img", folder / "source"
    image.write_bytes(bytes(65536 * 512))
    source.write_bytes(b"x" * 5000)
    run("mkfs.fat", "-F", 16, "-n", "LABEL", image)
    run("mcopy", "-i", image, source, "::PLAIN.TXT")
    run("mcopy", "-i", image, source, "::a name of thirty characters x")
    run("mmd", "-i", image, "::FOLDER")
    boot = FatBootSector16.parse(image.read_bytes())
    start = (boot.reserved_sectors + boot.fat_count * boot.sectors_per_fat_16) * 512
    return image.read_bytes()[start : start + boot.root_entries * 32]


def test_directory_entries_of_mtools(mtools_root: bytes) -> None:
    entries = [DirectoryEntry.parse(mtools_root, offset) for offset in range(0, 7 * 32, 32)]
    label, plain = entries[0], entries[1]
    assert (label.name, label.attributes) == (b"LABEL      ", FatAttribute.VOLUME_ID)
    assert (plain.name, plain.attributes, plain.file_size) == (b"PLAIN   TXT", FatAttribute.ARCHIVE, 5000)
    assert plain.first_cluster_low == 2
    assert 2020 < 1980 + (plain.write_date >> 9) < 2108
    long = [LongNameEntry.parse(mtools_root, offset) for offset in (64, 96, 128)]
    assert [entry.ordinal for entry in long] == [0x43, 2, 1]
    assert all(not list(entry.problems()) for entry in long)
    units = b"".join(entry.name_1 + entry.name_2 + entry.name_3 for entry in reversed(long))
    assert units.decode("utf-16-le").split("\0")[0] == "a name of thirty characters x"
    assert entries[5].file_size == 5000
    assert entries[6].attributes == FatAttribute.DIRECTORY


def test_fast_path_reads_directory_entries_as_construct_does(mtools_root: bytes) -> None:
    names = [spec.name for spec in DirectoryEntry.FIELDS]
    for index, values in enumerate(DirectoryEntry.unpacker().iter_unpack(mtools_root)):
        slow = DirectoryEntry.parse(mtools_root, index * 32)
        assert values == tuple(getattr(slow, name) for name in names)


def test_wrapper_header_of_clang(tmp_path: Path) -> None:
    source, output = tmp_path / "f.c", tmp_path / "f.bc"
    source.write_text("int f(void) { return 1; }\n")
    run("clang", "--target=i386-apple-darwin", "-emit-llvm", "-c", source, "-o", output)
    data = output.read_bytes()
    header = LlvmWrapperHeader.parse(data)
    assert not list(header.problems())
    assert header.cpu_type == 7
    assert int.from_bytes(data[header.offset : header.offset + 4], "little") == LLVM_BITCODE_MAGIC
    assert header.offset + header.size <= len(data)
