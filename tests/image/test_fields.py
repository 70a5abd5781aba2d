"""Fields by path: what is set is there, what depends on it follows, what is illegal is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import bfimg
from bfimg.errors import FormatError, NotFoundError, UsageError
from bfimg.image.inspect import inspect
from bfimg.image.structures import region_structures


@pytest.fixture
def with_module(disk: Path, bfimg: Callable[..., object], repository: Path) -> Path:
    bfimg("add-module", "-i", disk, repository / "samples" / "sha256.bc")
    return disk


def findings(path: Path) -> list[str]:
    return [finding.place for finding in inspect(path).findings]


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("stage2.kernel_sectors", 256, 256),
        ("stage2.kernel_sectors", "0x100", 256),
        ("kernel.build_id", "00" * 16, "00" * 16),
        ("kernel.build_id", b"x" * 16, "78" * 16),
        ("mbr.partitions[0].type", "fat16", 6),
        ("mbr.partitions[1].lba_start", 70000, 70000),
        ("mbr.disk_signature", 0xFFFFFFFF, 0xFFFFFFFF),
        ("part1.bpb.oem_name", "OTHER", "OTHER"),
        ("fat.bpb.volume_id", 7, 7),
        ("part1:/SHA256.BC#name", "other_name", "other_name"),
        ("part1:/SHA256.BC#optimisation_level", 3, 3),
        ("part1:/SUM.MOD#version", 9, 9),
        ("part1:/SUM.MOD#table.answer", "0xFFFFFFFF", 0xFFFFFFFF),
        ("part1:/SUM.MOD#table.flags", 1, 1),
    ],
)
def test_a_field_that_is_set_leaves_a_sound_image(
    with_module: Path, path: str, value: int | str | bytes, read: int | str
) -> None:
    with bfimg.open(with_module, write=True) as image:
        image.field[path] = value
    with bfimg.open(with_module) as image:
        assert image.field[path] == read
    assert findings(with_module) == []


def test_every_field_can_be_set_to_what_it_holds(with_module: Path) -> None:
    before = with_module.read_bytes()
    with bfimg.open(with_module, write=True) as image:
        values = {f.path: f.value for name in ("mbr", "stage2", "kernel", "part1") for f in image.field.find(name)}
        assert len(values) > 60
        image.field.assign(values)
    assert with_module.read_bytes() == before


def test_raw_leaves_crcs_broken_on_purpose(disk: Path) -> None:
    with bfimg.open(disk, write=True) as image:
        image.field.assign({"stage2.kernel_sectors": 0}, raw=True)
    assert {"stage2.kernel_sectors", "stage2.crc"} <= set(findings(disk))


def test_a_crc_that_is_set_is_not_repaired(disk: Path) -> None:
    with bfimg.open(disk, write=True) as image:
        image.field["stage2.crc"] = 0x1234
        assert image.field["stage2.crc"] == 0x1234
    with bfimg.open(disk, write=True) as image:
        image.field["stage2.kernel_crc"] = 1
    assert findings(disk) == ["stage2.kernel_crc"]


def test_the_label_of_the_root_directory_follows(disk: Path) -> None:
    with bfimg.open(disk, write=True) as image:
        image.field["fat.bpb.volume_label"] = "OTHER"
    with bfimg.open(disk) as image:
        assert image.volume("fat").label == "OTHER"
    shown = subprocess.run(["mlabel", "-s", "-i", f"{disk}@@1M", "::"], capture_output=True, text=True, check=True)
    assert "Volume label is OTHER" in shown.stdout
    with bfimg.open(disk, write=True) as image:
        image.field["fat.bpb.volume_label"] = "NO NAME"
    with bfimg.open(disk) as image:
        assert image.volume("fat").label == ""
    assert findings(disk) == []


def test_the_backup_boot_sector_of_fat32_follows(tmp_path: Path) -> None:
    path = tmp_path / "v.img"
    path.write_bytes(bytes(80000 * 512))
    subprocess.run(["mkfs.fat", "-F", "32", path], check=True, capture_output=True)
    with bfimg.open(path, write=True) as image:
        image.field["fat.bpb.volume_id"] = 0x12345678
        image.field["fat.fsinfo.next_free"] = 99
    data = path.read_bytes()
    assert data[:512] == data[6 * 512 : 7 * 512]
    subprocess.run(["fsck.fat", "-n", path], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("stage2.kernel_sectors", 0, r"is 0, must be in 1\.\.896; --raw"),
        ("stage2.kernel_sectors", "many", "'many' is no integer; legal: 1..896"),
        ("stage2.kernel_sectors", 1 << 32, "does not fit 4 bytes"),
        ("stage2.kernel_sectors", -1, "does not fit 4 bytes"),
        ("mbr.partitions[0].status", 7, "must be one of 0x0 inactive, 0x80 active"),
        ("kernel.build_id", "00", "1 bytes for a field of 16"),
        ("kernel.build_id", "xyz", "is not hexadecimal"),
        ("part1.bpb.oem_name", "NINE CHARS", "10 bytes, 8 fit"),
        ("part1.bpb.oem_name", "ä", "is not ASCII"),
    ],
)
def test_values_that_cannot_be_are_refused(disk: Path, path: str, value: int | str, reason: str) -> None:
    before = disk.read_bytes()
    with pytest.raises(UsageError, match=reason), bfimg.open(disk, write=True) as image:
        image.field["mbr.disk_signature"] = 1
        image.field[path] = value
    assert disk.read_bytes() == before


def test_fields_that_are_none(disk: Path) -> None:
    with bfimg.open(disk) as image:
        for path in ("stage2.none", "none.x", "part1:/NONE#name", "part1:/SUM.MOD#none", "mbr.partitions[4].type"):
            with pytest.raises(NotFoundError):
                image.field[path]
            with pytest.raises(NotFoundError):
                image.field[path] = 1
        with pytest.raises(NotFoundError, match="is 6 fields; name one, such as mbr"):
            image.field["mbr.partitions[0]"]
        with pytest.raises(FormatError, match="no module header"):
            image.field["part1:/BAREFLOW.CFG#name"]


def test_structures_of_every_region(disk: Path) -> None:
    with bfimg.open(disk) as image:
        prefixes = [s.prefix for region in image.regions for s in region_structures(image.store, region)]
    assert prefixes == ["mbr", "stage2", "kernel", "part1.bpb"]
