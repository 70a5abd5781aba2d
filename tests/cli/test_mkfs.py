"""`bfimg mkfs`: new files, existing ones, regions, and what it refuses to overwrite."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bfimg.fat.geometry import read_boot_sector
from bfimg.image.inspect import inspect

Run = Callable[..., Any]


def fsck(path: Path) -> None:
    result = subprocess.run(["fsck.fat", "-n", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.fixture
def partitioned(tmp_path: Path) -> Path:
    """Two empty partitions; the second begins with bytes that are not zero."""
    path = tmp_path / "disk.img"
    with path.open("wb") as stream:
        stream.truncate(40 << 20)
    script = "label: dos\nstart=2048, size=40000, type=e\nstart=43008, type=c\n"
    subprocess.run(["sfdisk", path], input=script, text=True, check=True, capture_output=True)
    with path.open("r+b") as stream:
        stream.seek(43008 * 512)
        stream.write(b"precious")
    return path


def test_a_new_file(bfimg: Run, tmp_path: Path) -> None:
    path = tmp_path / "v.img"
    result = bfimg("mkfs", path, "--size", "64MiB", "--label", "data", "--volume-id", "1234-ABCD", "--oem", "MSDOS5.0")
    assert result.code == 0, result.err
    assert result.out.splitlines() == [
        f"made {path}: FAT16, 131072 sectors, 32695 clusters of 2048 bytes",
        "  1 reserved sectors, 2 FATs of 128 sectors, 512 root entries",
        "  0 hidden sectors, 32 sectors per track, 64 heads",
        "  volume id 1234-ABCD, label DATA, OEM name MSDOS5.0",
    ]
    assert path.stat().st_size == 64 << 20
    assert path.stat().st_blocks * 512 < 1 << 20  # still sparse
    fsck(path)
    assert "1234-ABCD" in subprocess.run(["mdir", "-i", path, "::"], capture_output=True, text=True, check=True).stdout


def test_an_existing_file_is_not_replaced_unless_forced(bfimg: Run, tmp_path: Path) -> None:
    path = tmp_path / "v.img"
    path.write_bytes(b"precious")
    result = bfimg("mkfs", path, "--size", "1M")
    assert (result.code, path.read_bytes()) == (2, b"precious")
    assert "exists; --force replaces it" in result.err
    assert bfimg("mkfs", path, "--size", "1M", "--force", "-n").out.startswith("would make")
    assert path.read_bytes() == b"precious"
    assert (
        bfimg("mkfs", path, "--size", "1M", "--force", "--fats", "1")
        .out.splitlines()[1]
        .startswith("  1 reserved sectors, 1 FAT of ")
    )
    fsck(path)


def test_an_existing_file_is_formatted_in_place_when_it_is_empty(bfimg: Run, tmp_path: Path) -> None:
    path = tmp_path / "v.img"
    path.write_bytes(bytes((2 << 20) + 100))  # zeros, and no whole number of sectors
    assert "4096 sectors" in bfimg("mkfs", path).out
    assert path.stat().st_size == (2 << 20) + 100
    assert "holds data; --force overwrites it" in bfimg("mkfs", path).err
    before = path.read_bytes()
    assert bfimg("mkfs", path, "--force", "-n", "--label", "X").code == 0
    assert path.read_bytes() == before
    assert bfimg("mkfs", path, "--force", "-o", tmp_path / "other.img", "--label", "X").code == 0
    assert path.read_bytes() == before
    assert inspect(tmp_path / "other.img").volumes[0].label == "X"
    assert bfimg("mkfs", path, "--force", "--label", "Y").code == 0
    assert inspect(path).volumes[0].label == "Y"


def test_a_region_and_a_place_in_a_larger_file(bfimg: Run, partitioned: Path) -> None:
    assert bfimg("mkfs", partitioned, "--region", "part1", "--fat", "16").code == 0
    assert "holds data" in bfimg("mkfs", partitioned, "--region", "part2").err
    assert bfimg("mkfs", partitioned, "--region", "part2", "--force", "--hidden-sectors", "0").code == 0
    first, second = (read_boot_sector(partitioned.read_bytes()[lba * 512 :][:512]) for lba in (2048, 43008))
    assert (first.hidden_sectors, first.total_sectors_16) == (2048, 40000)
    assert second.hidden_sectors == 0
    report = inspect(partitioned)
    assert [volume.region for volume in report.volumes] == ["part1", "part2"]
    assert report.findings == ()
    result = bfimg("mkfs", f"{partitioned}@@1M", "--size", "20000K", "--force", "--format", "json")
    document = json.loads(result.out)
    assert (document["offset"], document["total_sectors"], document["hidden_sectors"]) == (1 << 20, 40000, 2048)
    assert bfimg("mkfs", f"{partitioned}@@1M", "--size", "40M", "--force").code == 2
    assert "there are: part1, part2" in bfimg("mkfs", partitioned, "--region", "mbr").err


def test_the_same_options_and_clock_give_the_same_bytes(
    bfimg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name, label in (("a", "SAME"), ("b", "SAME"), ("c", "OTHER")):
        assert bfimg("mkfs", tmp_path / name, "--size", "4M", "--label", label).code == 0
    contents = [(tmp_path / name).read_bytes() for name in "abc"]
    assert contents[0] == contents[1]
    first, third = read_boot_sector(contents[0][:512]), read_boot_sector(contents[2][:512])
    assert first.volume_id != third.volume_id


def test_standard_output(tmp_path: Path) -> None:
    for arguments in (["-", "--size", "1440K"], [str(tmp_path / "zeros"), "-o", "-"]):
        (tmp_path / "zeros").write_bytes(bytes(1440 << 10))
        command = [sys.executable, "-m", "bfimg", "mkfs", *arguments]
        data = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
        (tmp_path / "v.img").write_bytes(data)
        fsck(tmp_path / "v.img")
        assert (tmp_path / "zeros").read_bytes() == bytes(1440 << 10)
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.img"], "does not exist; --size makes it"),
        (["v.img", "--size", "1000"], "1000 bytes are no whole sectors"),
        (["v.img", "--size", "0"], "0 bytes are no whole sectors"),
        (["v.img", "--size", "big"], "'big' is no size"),
        (["v.img", "--size", "1M", "--volume-id", "xyz"], "'xyz' is no volume id"),
        (["v.img", "--size", "1M", "--volume-id", "123456789"], "is no volume id"),
        (["v.img", "--size", "1M", "--volume-id", "-1"], "is no volume id"),
        (["v.img", "--size", "1M", "--oem", "far too long"], "is no OEM name"),
        (["v.img", "--size", "1M", "-o", "w.img"], "leave out --output or --size"),
        (["v.img", "--size", "1M", "--fat", "13"], "'13'"),
    ],
)
def test_usage_errors_write_nothing(
    bfimg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = bfimg("mkfs", *arguments)
    assert result.code == 2
    assert message in result.err and result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
