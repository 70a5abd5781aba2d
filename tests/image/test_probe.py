"""Images are recognised by their bytes."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from bfimg.errors import NotFoundError
from bfimg.formats.kernel_header import KERNEL_SIGNATURE
from bfimg.image.image import open_image
from bfimg.image.probe import ImageKind, probe
from bfimg.image.store import Store


def found(path: Path) -> tuple[ImageKind, list[tuple[str, int, int, str]]]:
    with Store.open(path) as store:
        result = probe(store)
    return result.kind, [(r.name, r.first_lba, r.size // 512, r.content) for r in result.regions]


def partitioned(path: Path, script: str, sectors: int = 65536) -> Path:
    path.write_bytes(bytes(sectors * 512))
    subprocess.run(["sfdisk", path], input=f"label: dos\n{script}", text=True, check=True, capture_output=True)
    return path


def test_the_image_that_build_makes(disk: Path) -> None:
    kind, regions = found(disk)
    assert kind is ImageKind.BAREFLOW
    assert regions == [
        ("mbr", 0, 1, "mbr"),
        ("stage2", 1, 8, "stage2"),
        ("kernel", 9, 1015, "kernel"),
        ("jit_cache", 1024, 1024, "jit cache"),
        ("part1", 2048, 65536, "fat"),
    ]


def test_partitioned_disk_with_logical_partitions(tmp_path: Path) -> None:
    script = "start=2048, size=8192, type=6\nstart=16384, size=40000, type=5\nstart=18432, size=2048, type=83\n"
    path = partitioned(tmp_path / "d.img", script + "start=22528, size=9000, type=e\n")
    subprocess.run(
        ["mkfs.fat", "-F", "16", "--offset", "22528", "-s", "1", path, "4400"], check=True, capture_output=True
    )
    kind, regions = found(path)
    assert kind is ImageKind.PARTITIONED
    assert regions == [
        ("mbr", 0, 1, "mbr"),
        ("part1", 2048, 8192, "data"),
        ("part2", 16384, 40000, "extended"),
        ("part5", 18432, 2048, "data"),
        ("part6", 22528, 9000, "fat"),
    ]
    with open_image(path) as image:
        assert (image.region("fat").name, image.volume("fat").geometry.bits) == ("part6", 16)


def test_a_loop_of_extended_boot_records_ends(tmp_path: Path) -> None:
    script = "start=16384, size=40000, type=5\nstart=18432, size=2048, type=83\nstart=22528, size=2048, type=83\n"
    path = partitioned(tmp_path / "d.img", script)
    data = bytearray(path.read_bytes())
    second = 16384 + int.from_bytes(data[16384 * 512 + 470 : 16384 * 512 + 474], "little")
    data[second * 512 + 462 : second * 512 + 478] = data[16384 * 512 + 462 : 16384 * 512 + 478]
    path.write_bytes(data)
    assert len(found(path)[1]) == 4


@pytest.mark.parametrize(("bits", "sectors"), [(12, 2880), (16, 65536), (32, 80000)])
def test_bare_volumes(tmp_path: Path, bits: int, sectors: int) -> None:
    path = tmp_path / "v.img"
    path.write_bytes(bytes(sectors * 512))
    subprocess.run(["mkfs.fat", "-F", str(bits), path], check=True, capture_output=True)
    assert found(path) == (ImageKind.VOLUME, [("fat", 0, sectors, "fat")])


def test_legacy_image(tmp_path: Path) -> None:
    path = tmp_path / "legacy.img"
    data = bytearray(1_474_560)
    data[510:512] = b"\x55\xaa"
    data[9 * 512 : 9 * 512 + 4] = int(KERNEL_SIGNATURE).to_bytes(4, "little")
    path.write_bytes(data)
    kind, regions = found(path)
    assert kind is ImageKind.LEGACY
    assert regions == [("mbr", 0, 1, "mbr"), ("stage2", 1, 8, "data"), ("kernel", 9, 2871, "legacy kernel")]


@pytest.mark.parametrize("content", [b"", b"\0", b"#!/bin/sh\n", bytes(100_000), random.Random(1).randbytes(100_000)])
def test_unknown_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    kind, regions = found(path)
    assert (kind, regions[0][0]) == (ImageKind.UNKNOWN, "data")
    with open_image(path) as image, pytest.raises(NotFoundError, match="no FAT volume"):
        image.volume("fat")
