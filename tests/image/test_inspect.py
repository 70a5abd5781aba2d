"""`inspect` reports what is there, and what is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bfimg.build.build import BuildReport
from bfimg.errors import BfimgError, InputError, NotFoundError, UsageError
from bfimg.formats.disk_layout import disk_region
from bfimg.image.inspect import inspect
from bfimg.image.probe import ImageKind
from bfimg.image.where import narrow, parse_where

KERNEL = disk_region("kernel").first_lba * 512


def flip(path: Path, offset: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(data)


def places(path: Path) -> list[str]:
    return [finding.place for finding in inspect(path).findings]


def test_a_built_image_is_sound(disk: Path, default_build: BuildReport) -> None:
    report = inspect(disk)
    assert report.kind is ImageKind.BAREFLOW
    assert report.findings == ()
    assert report.size == default_build.size
    assert {(f.path, f.item.size) for f in report.volumes[0].files} == set(default_build.files)
    assert len(report.modules) == 12
    assert all(module.info.kind == "native" for module in report.modules)
    values = {field.path: field.value for region in report.regions for field in region.fields}
    assert values["stage2.kernel_lba"] == 9
    assert values["kernel.build_id"] == default_build.kernel.build_id.hex()
    assert values["mbr.partitions[0].lba_start"] == 2048
    assert values["part1.bpb.hidden_sectors"] == 2048


def test_field_offsets_point_at_the_bytes(disk: Path) -> None:
    data = disk.read_bytes()
    for region in inspect(disk).regions:
        for field in region.fields:
            if isinstance(field.value, int):
                assert int.from_bytes(data[field.offset : field.offset + field.size], "little") == field.value


@pytest.mark.parametrize("offset", [16, 20, 28, 35])
def test_a_flipped_bit_in_the_descriptor_is_found(disk: Path, offset: int) -> None:
    flip(disk, 512 + offset)
    assert "stage2.crc" in places(disk)


@pytest.mark.parametrize("offset", [64, 65, 3000])
def test_a_flipped_bit_in_the_kernel_is_found(disk: Path, offset: int) -> None:
    flip(disk, KERNEL + offset)
    assert {"stage2.kernel_crc", "kernel.image_crc"} <= set(places(disk))


def test_a_flipped_bit_in_the_kernel_header_is_found(disk: Path) -> None:
    flip(disk, KERNEL + 20)
    assert {"kernel.header_crc", "stage2.kernel_crc"} <= set(places(disk))


def test_a_flipped_bit_in_a_module_is_found(disk: Path, bfimg: Callable[..., object], repository: Path) -> None:
    bfimg("add-module", "-i", disk, repository / "samples" / "sha256.bc")
    offset = disk.read_bytes().index(b"LLBC"[::-1], 2048 * 512) + 500
    flip(disk, offset)
    findings = inspect(disk).findings
    assert [f.place for f in findings] == ["part1:/SHA256.BC"]
    assert "payload_crc" in findings[0].message


def test_an_image_cut_short_says_so(disk: Path) -> None:
    with disk.open("r+b") as stream:
        stream.truncate(2 << 20)
    messages = {finding.place: finding.message for finding in inspect(disk).findings}
    assert "it was cut short" in messages["part1"]


def test_partitions_that_overlap_are_found(disk: Path) -> None:
    data = bytearray(disk.read_bytes())
    data[446 + 16 : 446 + 32] = data[446 : 446 + 16]
    data[446 + 24 : 446 + 28] = (3000).to_bytes(4, "little")
    disk.write_bytes(data)
    assert ("part2", "overlaps part1") in [(f.place, f.message) for f in inspect(disk).findings]


@pytest.mark.parametrize(
    ("offset", "field"),
    [(11, "bytes_per_sector"), (13, "sectors_per_cluster"), (16, "fat_count"), (17, "root_entries")],
)
def test_a_broken_boot_sector_is_named_by_field(disk: Path, offset: int, field: str, bfimg: Callable[..., Any]) -> None:
    data = bytearray(disk.read_bytes())
    data[2048 * 512 + offset : 2048 * 512 + offset + 2] = b"\0\0"
    disk.write_bytes(data)
    assert f"fat.bpb.{field}" in places(disk)
    result = bfimg("ls", disk)
    assert result.code == 2
    assert f"fat.bpb.{field}: is 0" in result.err


def test_damaged_directories_are_reported_with_what_could_be_read(disk: Path) -> None:
    volume = 2048 * 512
    head = disk.read_bytes()[volume : volume + 512]
    fat = volume + int.from_bytes(head[14:16], "little") * 512
    data = bytearray(disk.read_bytes())
    for copy in range(2):
        start = fat + copy * int.from_bytes(head[22:24], "little") * 512
        data[start + 4 : start + 6] = b"\x02\x00"  # the first file's cluster leads to itself
    disk.write_bytes(data)
    report = inspect(disk)
    assert len(report.volumes[0].files) == 13
    assert any("loop" in finding.message for finding in report.findings)


@pytest.mark.parametrize("seed", range(12))
def test_random_damage_never_raises(disk: Path, seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(disk.read_bytes())
    for _ in range(40):
        area = rng.choice([(0, 512), (512, 4096), (KERNEL, 128), (2048 * 512, 600), (2048 * 512 + 512, 200_000)])
        data[area[0] + rng.randrange(area[1])] = rng.randrange(256)
    disk.write_bytes(data)
    inspect(disk)


def test_unreadable_input(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        inspect(tmp_path / "none")
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    assert inspect(empty).kind is ImageKind.UNKNOWN


class TestWhere:
    def test_region_field_and_file(self, disk: Path) -> None:
        report = inspect(disk)
        assert [r.region.name for r in narrow(report, parse_where("stage2")).regions] == ["stage2"]
        (field,) = narrow(report, parse_where("stage2.kernel_lba")).regions[0].fields
        assert field.value == 9
        below = narrow(report, parse_where("mbr.partitions[0]")).regions[0].fields
        assert [f.path for f in below][:2] == ["mbr.partitions[0].status", "mbr.partitions[0].chs_first"]
        (aliased,) = narrow(report, parse_where("fat.bpb.volume_id")).regions[0].fields
        assert aliased.path == "part1.bpb.volume_id"
        part = narrow(report, parse_where("part1:/sha256.mod"))
        assert [f.path for f in part.volumes[0].files] == ["/SHA256.MOD"]
        assert [m.path for m in part.modules] == ["/SHA256.MOD"]

    @pytest.mark.parametrize("text", ["", ":", ":/X", "part1:X", ".field"])
    def test_nonsense_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError):
            parse_where(text)

    @pytest.mark.parametrize("text", ["none", "stage2.none", "part1:/NONE", "mbr:/X"])
    def test_absent_places_are_named(self, disk: Path, text: str) -> None:
        with pytest.raises(NotFoundError):
            narrow(inspect(disk), parse_where(text))


def test_every_error_is_one_line(disk: Path) -> None:
    with pytest.raises(BfimgError) as caught:
        narrow(inspect(disk), parse_where("none"))
    assert "\n" not in str(caught.value)
