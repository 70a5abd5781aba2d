"""Volumes of every kind, judged by fsck.fat, mtools and the Sleuth Kit."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bfimg.clock import FAT_EPOCH
from bfimg.errors import FitError, UsageError
from bfimg.fat.geometry import Geometry, read_boot_sector
from bfimg.fat.mkfs import FatOptions, format_volume, plan
from bfimg.fat.volume import FatVolume
from bfimg.image.store import Store


def make(options: FatOptions, path: Path) -> Geometry:
    path.unlink(missing_ok=True)
    with Store.blank(options.total_sectors * 512) as store:
        geometry = format_volume(store, 0, options, FAT_EPOCH)
        store.commit(path)
    return geometry


def output(*command: object) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert result.returncode == 0, (command, result.stdout, result.stderr)
    return result.stdout


def judge(path: Path, geometry: Geometry) -> None:
    """Sound for fsck.fat, before and after mcopy has put a file on it; of the same type for the Sleuth Kit."""
    clusters = f"{geometry.cluster_count} clusters"
    assert clusters in output("fsck.fat", "-n", path)
    output("mdir", "-i", path, "::")
    if geometry.cluster_count > 200:  # room for the file, whatever the cluster size
        content = path.with_suffix(".txt")
        content.write_bytes(b"content\n" * 100)
        output("mcopy", "-i", path, content, "::FILE.TXT")
        output("fsck.fat", "-n", path)
        with Store.open(path) as store:
            volume = FatVolume(store)
            assert volume.read(volume.find("/FILE.TXT").item) == content.read_bytes()
    assert f"File System Type: FAT{geometry.bits}" in output("fsstat", path)


def with_clusters(count: int, bits: int, cluster: int, fats: int) -> FatOptions:
    """Options for a volume of exactly `count` clusters."""
    for sectors in itertools.count(count * cluster):
        options = FatOptions(sectors, bits=bits, sectors_per_cluster=cluster, fat_count=fats)
        try:
            if plan(options).cluster_count == count:
                return options
        except FitError:
            continue
    raise AssertionError


@pytest.mark.parametrize(
    ("bits", "count"),
    [(12, 1), (12, 4083), (12, 4084), (16, 4085), (16, 4086), (16, 65523), (16, 65524), (32, 65525), (32, 65526)],
)
@pytest.mark.parametrize(("cluster", "fats"), [(1, 2), (4, 1)])
def test_the_borders_of_the_types(bits: int, count: int, cluster: int, fats: int, tmp_path: Path) -> None:
    geometry = make(with_clusters(count, bits, cluster, fats), tmp_path / "v.img")
    assert (geometry.bits, geometry.cluster_count, geometry.fat_count) == (bits, count, fats)
    judge(tmp_path / "v.img", geometry)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    options=st.builds(
        FatOptions,
        total_sectors=st.integers(20, 400_000),
        bits=st.sampled_from([0, 12, 16, 32]),
        sectors_per_cluster=st.sampled_from([0, 0, 1, 2, 4, 8, 32, 128]),
        root_entries=st.sampled_from([0, 16, 112, 512, 65_520]),
        reserved_sectors=st.sampled_from([0, 1, 7, 8, 33, 2000]),
        fat_count=st.sampled_from([1, 2]),
        sectors_per_track=st.sampled_from([0, 1, 18, 63]),
        heads=st.sampled_from([0, 1, 2, 255]),
        hidden_sectors=st.sampled_from([0, 63, 2048]),
        volume_id=st.integers(0, 0xFFFFFFFF),
        label=st.sampled_from(["", "LABEL", "A B C D E F"]),
        oem_name=st.sampled_from(["BFIMG", "MSDOS5.0", ""]),
    )
)
def test_any_options(options: FatOptions, tmp_path: Path) -> None:
    try:
        geometry = make(options, tmp_path / "v.img")
    except (FitError, UsageError):
        assume(False)
        raise
    judge(tmp_path / "v.img", geometry)
    boot = read_boot_sector((tmp_path / "v.img").read_bytes()[:512])
    assert boot.volume_id == options.volume_id and boot.hidden_sectors == options.hidden_sectors
    assert boot.oem_name.decode().rstrip(" ") == options.oem_name
    for name in ("sectors_per_cluster", "reserved_sectors", "sectors_per_track", "heads"):
        assert getattr(options, name) in (0, getattr(boot, name))
    shown = f"Volume in drive : is {options.label}" if options.label else "Volume in drive : has no label"
    assert shown in output("mdir", "-i", tmp_path / "v.img", "::")


@pytest.mark.parametrize(
    ("sectors", "kib"), [(720, 360), (1440, 720), (2400, 1200), (2880, 1440), (5760, 2880)], ids=str
)
def test_floppies_are_what_mtools_makes(sectors: int, kib: int, tmp_path: Path) -> None:
    geometry = make(FatOptions(sectors), tmp_path / "v.img")
    judge(tmp_path / "v.img", geometry)
    output("mformat", "-C", "-f", kib, "-i", tmp_path / "m.img", "::")
    ours, theirs = ((tmp_path / name).read_bytes() for name in ("v.img", "m.img"))
    mine, other = read_boot_sector(ours), read_boot_sector(theirs)
    for name in ("sectors_per_cluster", "root_entries", "media", "sectors_per_track", "heads", "sectors_per_fat_16"):
        assert getattr(mine, name) == getattr(other, name), name
    assert ours[512] == theirs[512] == mine.media
    assert mine.drive_number == 0


def test_the_type_follows_the_cluster_size_when_it_is_not_given() -> None:
    assert plan(FatOptions(131_072)).bits == 16
    assert plan(FatOptions(131_072, sectors_per_cluster=1)).bits == 32
    assert plan(FatOptions(131_072, sectors_per_cluster=64)).bits == 12


def test_what_stood_there_is_cleared_where_it_would_be_read(tmp_path: Path) -> None:
    path = tmp_path / "v.img"
    path.write_bytes(b"\xa5" * (65_536 * 512))
    for bits, sectors in ((16, 65_536), (12, 8_000)):
        with Store.open(path, write=True) as store:
            geometry = format_volume(store, 0, FatOptions(sectors, bits=bits, label="CLEAN"), FAT_EPOCH)
            store.commit()
        with path.open("rb") as stream:
            (tmp_path / "part.img").write_bytes(stream.read(geometry.total_bytes))
        judge(tmp_path / "part.img", geometry)
    assert path.read_bytes()[-512:] == b"\xa5" * 512


@pytest.mark.parametrize(
    "values",
    [
        {"bits": 24},
        {"sectors_per_cluster": 3},
        {"sectors_per_cluster": 256},
        {"fat_count": 0},
        {"fat_count": 3},
        {"root_entries": 100},
        {"root_entries": 65_536},
        {"root_entries": -16},
        {"reserved_sectors": 65_536},
        {"reserved_sectors": -1},
        {"bits": 32, "reserved_sectors": 7},
        {"sectors_per_track": 65_536},
        {"heads": -1},
        {"hidden_sectors": 1 << 32},
        {"volume_id": -1},
        {"total_sectors": 1 << 32},
        {"oem_name": "NINECHARS"},
        {"oem_name": "é"},
        {"oem_name": "a\nb"},
        {"label": "much too long"},
    ],
    ids=str,
)
def test_what_no_volume_can_have(values: dict[str, object]) -> None:
    with Store.blank(65_536 * 512) as store:
        options = FatOptions(**{"total_sectors": 65_536, **values})  # type: ignore[arg-type]
        with pytest.raises(UsageError):
            format_volume(store, 0, options, FAT_EPOCH)
        assert not store.changed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"total_sectors": 0}, "0 sectors make no FAT12 volume"),
        ({"total_sectors": 30}, "make no FAT12 volume"),
        ({"total_sectors": 65_536, "reserved_sectors": 65_535}, "make no FAT16 volume"),
        ({"total_sectors": 65_536, "bits": 32}, "it needs 65525 to 268435445 clusters"),
        ({"total_sectors": 100_000}, "51200000 bytes, 33554432 are there"),
    ],
)
def test_what_does_not_fit(values: dict[str, int], message: str) -> None:
    with Store.blank(65_536 * 512) as store, pytest.raises(FitError, match=message):
        format_volume(store, 0, FatOptions(**values), FAT_EPOCH)
