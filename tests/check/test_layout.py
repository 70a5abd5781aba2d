"""Lints of the layout and the boot chain: each damage to an image has its code."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bfimg.check.image import check_image
from bfimg.clock import FAT_EPOCH
from bfimg.fat.mkfs import FatOptions, format_volume
from bfimg.formats.crc import CRC32
from bfimg.formats.kernel_header import KernelHeader
from bfimg.formats.mbr import Mbr, PartitionEntry
from bfimg.formats.stage2 import Stage2Descriptor
from bfimg.image.store import Store

Patient = Any  # of conftest.py
DESCRIPTOR, KERNEL = 512 + 8, 9 * 512


def descriptor(p: Patient) -> Stage2Descriptor:
    return Stage2Descriptor.parse(p.read(DESCRIPTOR, 32))


def describe(p: Patient, **values: Any) -> None:
    """Change the stage-2 descriptor and make its CRC right."""
    p.write(DESCRIPTOR, descriptor(p).replace(**values).sealed().to_bytes())


def kernel(p: Patient, seal: bool = True, **values: Any) -> None:
    """Change the kernel header, make its CRC right, and the descriptor's of the kernel."""
    header = KernelHeader.parse(p.read(KERNEL, 64)).replace(**values)
    p.write(KERNEL, (header.sealed() if seal else header).to_bytes())
    size = descriptor(p).kernel_sectors * 512
    describe(p, kernel_crc=CRC32.compute(p.read(KERNEL, size)))


def partition(p: Patient, index: int, **values: Any) -> None:
    p.write(446 + 16 * index, PartitionEntry(**values).to_bytes())


def test_the_default_image_is_clean(disk_patient: Patient) -> None:
    assert disk_patient.check() == []


def canary(p: Patient) -> None:
    header = KernelHeader.parse(p.read(KERNEL, 64))
    p.write(KERNEL + header.image_bytes - 4, b"\0")
    kernel(p, image_crc=CRC32.compute(p.read(KERNEL + 64, header.image_bytes - 64)))


def moved_kernel(p: Patient) -> None:
    """As if stage 2 were one sector longer."""
    image = p.read(KERNEL, 100 * 512)
    p.write(KERNEL, bytes(512) + image)
    describe(p, kernel_crc=CRC32.compute(p.read(KERNEL, descriptor(p).kernel_sectors * 512)))


CASES: dict[str, tuple[set[str], Callable[[Patient], None]]] = {
    "boot code over 440": ({"BF102"}, lambda p: p.write(444, b"\x90\x90")),
    "boot code over the table": ({"BF103"}, lambda p: p.write(446 + 32, b"\xcc" * 16)),
    "unused entry in use": ({"BF103"}, lambda p: p.write(446 + 16 + 8, b"\1")),
    "entry without a place": ({"BF103"}, lambda p: partition(p, 1, type=0x83, lba_start=70000)),
    "partition leaves the disk": ({"BF104"}, lambda p: partition(p, 1, type=0x83, lba_start=67584, sectors=9)),
    "partitions overlap": ({"BF105", "BF104"}, lambda p: partition(p, 1, type=0x83, lba_start=60000, sectors=9999)),
    "partition over the kernel": ({"BF105"}, lambda p: partition(p, 1, type=0x83, lba_start=63, sectors=9)),
    "kernel moved": ({"BF107"}, moved_kernel),
    "stage 2 gone": ({"BF108"}, lambda p: p.write(512, bytes(4096))),
    "kernel over stage 2": ({"BF108", "BF109", "BF111"}, lambda p: describe(p, kernel_lba=5)),
    "descriptor version": ({"BF109"}, lambda p: describe(p, version=9)),
    "descriptor extent": ({"BF109"}, lambda p: describe(p, kernel_sectors=2000)),
    "descriptor CRC": ({"BF110"}, lambda p: p.write(DESCRIPTOR + 30, b"\0\0")),
    "kernel CRC": ({"BF111"}, lambda p: describe(p, kernel_crc=1)),
    "loader reads less": (
        {"BF112"},
        lambda p: describe(p, kernel_sectors=3, kernel_crc=CRC32.compute(p.read(KERNEL, 3 * 512))),
    ),
    "kernel in the cache": (
        {"BF113", "JIT101"},
        lambda p: describe(p, kernel_lba=1000) or p.write(1000 * 512, p.read(KERNEL, 200 * 512)),
    ),
    "no kernel": ({"BF114", "BF111"}, lambda p: p.write(KERNEL, bytes(4))),
    "kernel header version": ({"BF114"}, lambda p: kernel(p, version=9)),
    "bss before the end of the image": ({"BF114"}, lambda p: kernel(p, bss_end=0x10010)),
    "kernel header CRC": ({"BF115", "BF111"}, lambda p: p.write(KERNEL + 60, b"\0")),
    "kernel image CRC": ({"BF115"}, lambda p: kernel(p, image_crc=7)),
    "no canary": ({"BF116"}, canary),
    "bss over the stack": ({"BF117"}, lambda p: kernel(p, bss_end=0x80010)),
    "image larger than memory": ({"BF114", "BF112", "BF117"}, lambda p: kernel(p, image_bytes=0x80000)),
    "volume of another type": ({"FAT101"}, lambda p: p.write(2048 * 512 + 11, bytes(2))),
}


@pytest.mark.parametrize("name", CASES)
def test_damage_has_its_code(disk_patient: Patient, name: str) -> None:
    wanted, damage = CASES[name]
    damage(disk_patient)
    assert disk_patient.codes() == wanted


def test_a_crc_that_another_checksum_proves_is_mended(disk_patient: Patient) -> None:
    sound = disk_patient.read(0, 100 * 512)
    for offset in (DESCRIPTOR + 30, KERNEL + 60, KERNEL + 48):
        disk_patient.write(offset, b"\x5a\xa5")
        assert disk_patient.codes()
        assert disk_patient.repair()
        assert disk_patient.read(0, 100 * 512) == sound


def test_a_crc_that_nothing_proves_is_left(disk_patient: Patient) -> None:
    disk_patient.write(KERNEL + 5000, b"\x5a\xa5")
    damaged = disk_patient.read(0, 100 * 512)
    assert disk_patient.codes() == {"BF111", "BF115"}
    assert disk_patient.repair() == []
    assert disk_patient.read(0, 100 * 512) == damaged


def test_an_image_cut_short(disk_patient: Patient) -> None:
    with disk_patient.path.open("r+b") as stream:
        stream.truncate(1_100_000)
    assert disk_patient.codes() == {"BF104", "FAT103"}
    with disk_patient.path.open("r+b") as stream:
        stream.truncate(530)
    assert disk_patient.codes() == {"BF104", "BF108", "BF114"}


def test_a_kernel_cut_short_by_the_end_of_the_image(disk_patient: Patient) -> None:
    with disk_patient.path.open("r+b") as stream:
        stream.truncate(9 * 512 + 2000)
    assert {"BF104", "BF111", "BF115", "BF116"} <= disk_patient.codes()
    with disk_patient.path.open("r+b") as stream:
        stream.truncate(512 + 8)
    assert disk_patient.codes() == {"BF104"}


def legacy(path: Path, kernel_bytes: int) -> list[str]:
    image = bytearray(1_474_560)
    image[510:512] = b"\x55\xaa"
    image[KERNEL : KERNEL + kernel_bytes] = b"\x90" * kernel_bytes
    image[KERNEL : KERNEL + 4] = b"DULF"
    path.write_bytes(image)
    with Store.open(path) as store:
        return [finding.code for finding in check_image(store).findings]


def test_legacy_kernels(tmp_path: Path) -> None:
    """The 69,440 bytes that a loader of 128 sectors never read to the end."""
    assert legacy(tmp_path / "fits.img", 65_536) == []
    assert legacy(tmp_path / "long.img", 69_440) == ["BF118"]
    assert legacy(tmp_path / "only.img", 4) == []


def test_an_empty_legacy_kernel_in_a_sparse_file(tmp_path: Path) -> None:
    path = tmp_path / "sparse.img"
    path.write_bytes(bytes(510) + b"\x55\xaa" + bytes(8 * 512) + b"DULF")
    with path.open("r+b") as stream:
        stream.truncate(1 << 30)
    with Store.open(path) as store:
        assert check_image(store).findings == ()


@pytest.mark.parametrize("content", [b"", b"x", bytes(511), bytes(600), b"\xff" * 5000])
def test_what_is_no_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(content)
    with Store.open(path) as store:
        assert [finding.code for finding in check_image(store).findings] == ["BF101"]


def test_extended_partitions(tmp_path: Path) -> None:
    """Logical partitions stand in their extended one, which is no overlap; what leaves it is found."""
    path = tmp_path / "disk.img"
    with path.open("wb") as stream:
        stream.truncate(40 << 20)
    script = "label: dos\n2048,20480,5\n4096,4096,83\n10240,4096,83\n40000,,83\n"
    subprocess.run(["sfdisk", "-q", path], input=script, text=True, check=True, capture_output=True)

    def codes() -> list[str]:
        with Store.open(path) as store:
            return sorted(finding.code for finding in check_image(store).findings)

    assert codes() == []
    data = bytearray(path.read_bytes())
    mbr = Mbr.parse(bytes(data[:512]))
    shorter = mbr.partitions[0].replace(sectors=9000)
    data[:512] = mbr.replace(partitions=(shorter, *mbr.partitions[1:])).to_bytes()
    path.write_bytes(data)
    assert codes() == ["BF106"]


def test_guid_partition_tables(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    with path.open("wb") as stream:
        stream.truncate(4 << 20)
    subprocess.run(["sfdisk", "-q", path], input="label: gpt\n2048,4096\n", text=True, check=True, capture_output=True)
    with Store.open(path) as store:
        assert check_image(store).findings == ()
    data = bytearray(path.read_bytes())
    data[512 + 16] ^= 1  # CRC of the first header
    data[512 + 20] ^= 1  # a reserved byte
    path.write_bytes(data)
    with Store.open(path) as store:
        assert {finding.code for finding in check_image(store).findings} == {"BF120"}
    path.write_bytes(data[: 2 << 20])
    with Store.open(path) as store:
        assert {"BF104", "BF120"} <= {finding.code for finding in check_image(store).findings}


def test_raw_data_behind_too_few_reserved_sectors(tmp_path: Path, disk_patient: Patient) -> None:
    """BareFlow's first layout: one volume, stage 2 and kernel in its reserved sectors."""

    def volume(reserved: int, raw: bytes) -> set[str]:
        store = Store.blank(8 << 20)
        format_volume(store, 0, FatOptions(16384, bits=16), FAT_EPOCH)
        sector = bytearray(store.read(0, 512))
        tables = store.read(512, 200 * 512)
        sector[14:16] = reserved.to_bytes(2, "little")
        store.write(0, bytes(sector))
        store.write(reserved * 512, tables)
        store.write(512, raw)
        return {finding.code for finding in check_image(store).findings}

    raw = disk_patient.read(512, (8 + descriptor(disk_patient).kernel_sectors) * 512)
    sectors = len(raw) // 512
    assert volume(sectors + 1, raw) == set()
    assert "FAT105" in volume(sectors, raw)
    legacy_kernel = bytes(8 * 512) + b"DULF"
    assert volume(16, legacy_kernel) == set()
    assert "FAT105" in volume(9, legacy_kernel)
    damaged = bytearray(raw)
    damaged[8 + 16] = 1  # its kernel is anywhere now, but stage 2 has its size
    assert "FAT105" in volume(8, bytes(damaged[:4096]))


def test_a_volume_the_kernel_does_not_read(disk_patient: Patient) -> None:
    with Store.open(disk_patient.path, write=True) as store:
        format_volume(store, 2048 * 512, FatOptions(4000, bits=12), FAT_EPOCH)
        store.commit()
    assert disk_patient.codes() == {"BF119"}


def test_a_volume_longer_than_its_partition(disk_patient: Patient) -> None:
    entry = PartitionEntry.parse(disk_patient.read(446, 16))
    disk_patient.write(446, entry.replace(sectors=entry.sectors - 1).to_bytes())
    assert disk_patient.codes() == {"FAT103"}


def test_a_bare_volume_whose_boot_sector_has_suffered(tmp_path: Path) -> None:
    """Not recognised any more, but what is wrong is named, and nothing is changed."""
    store = Store.blank(8 << 20)
    format_volume(store, 0, FatOptions(16384, bits=16), FAT_EPOCH)
    store.write(510, b"\0\0")
    store.write(0, b"\0")
    found = check_image(store).findings
    assert [(finding.code, finding.place) for finding in found] == [
        ("FAT102", "fat.bpb.signature"),
        ("FAT102", "fat.bpb.jump"),
    ]
    assert not any(finding.repairable for finding in found)


def test_cluster_counts_of_another_type(tmp_path: Path, disk_patient: Patient) -> None:
    """A FAT16 boot sector with more clusters than FAT16 has, in a partition and cut off in it."""
    part = 2048 * 512
    sector = bytearray(disk_patient.read(part, 512))
    sector[13] = 1  # sectors per cluster
    sector[19:21] = bytes(2)
    sector[32:36] = (70_000 + 2_000).to_bytes(4, "little")
    disk_patient.write(part, bytes(sector))
    assert disk_patient.codes() == {"FAT104"}
    disk_patient.write(part, bytes(13))
    assert disk_patient.codes() == {"FAT101"}


def test_fat32_with_few_clusters(tmp_path: Path) -> None:
    path = tmp_path / "small.img"
    subprocess.run(["mkfs.fat", "-F", "32", "-C", path, "8192"], check=True, capture_output=True)
    with Store.open(path) as store:
        assert [finding.code for finding in check_image(store).findings] == ["FAT116"]
