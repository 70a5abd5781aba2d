"""Hostile volumes end in findings: after few calls, in little memory, and never in an exception."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bfimg.check.entries import PagedEntries, pages, read_entries, write_entries
from bfimg.check.image import check_image
from bfimg.check.repair import repair
from bfimg.check.report import MOST_OF_A_CODE
from bfimg.clock import FAT_EPOCH
from bfimg.fat.mkfs import FatOptions, format_volume
from bfimg.fat.volume import FatVolume
from bfimg.image.store import Store
from tests.effort import counted

Patient = Any  # of conftest.py


def test_random_boot_sectors(patient: Callable[[int], Patient]) -> None:
    """Sector sizes of 0, FATs larger than the disk, root directories of 65,535 entries, and whatever else."""
    for bits in (12, 16, 32):
        with Store.open(patient(bits).path) as store:
            sound = store.read(0, 512)
            for seed in range(150):
                chance = random.Random(seed)
                sector = bytearray(sound)
                for _ in range(chance.randrange(1, 6)):
                    sector[chance.randrange(11, 48)] = chance.choice((0, 1, 0xFF, chance.randrange(256)))
                store.write(0, bytes(sector))
                with counted() as effort:
                    check_image(store)
                    repair(store)
                assert effort.calls < 500_000
                store.discard()


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_random_tables_and_directories(patient: Callable[[int], Patient], bits: int) -> None:
    """Everything behind the boot sector random, so every chain and every entry is wrong."""
    victim = patient(bits)
    geometry = victim.volume().geometry
    with Store.open(victim.path) as store:
        for seed in range(5):
            chance = random.Random(seed)
            fat = chance.randbytes(geometry.fat_bytes)
            store.write(geometry.fat_offset(), fat)
            start = geometry.data_offset if bits == 32 else geometry.root_offset
            store.write(start, chance.randbytes(1 << 19))
            with counted() as effort:
                assert check_image(store).findings
                repair(store)
            assert effort.calls < 2_000_000
            store.discard()


def test_a_directory_of_65_536_entries_that_are_all_wrong(tmp_path: Path) -> None:
    """Of each kind a thousand are kept; the last finding says how many more there are."""
    store = Store.blank(64 << 20)
    format_volume(store, 0, FatOptions(131072, bits=16, root_entries=65_024), FAT_EPOCH)
    geometry = FatVolume(store).geometry
    entry = b"A*      BIN\x20".ljust(26, b"\0") + b"\1\0" + b"\1\0\0\0"
    store.write(geometry.root_offset, entry * geometry.root_entries)
    with counted() as effort:
        findings = check_image(store).findings
    assert effort.calls < 3_000_000
    assert {finding.code for finding in findings} == {"FAT301", "FAT304", "FAT305"}
    assert len(findings) == 3 * (MOST_OF_A_CODE + 1)
    assert any(
        finding.message == f"{65_024 - MOST_OF_A_CODE} more like the {MOST_OF_A_CODE} above" for finding in findings
    )


def test_more_damage_than_one_round_mends(tmp_path: Path) -> None:
    store = Store.blank(64 << 20)
    format_volume(store, 0, FatOptions(131072, bits=16, root_entries=4096), FAT_EPOCH)
    geometry = FatVolume(store).geometry
    entries = [f"F{number:07}BIN".encode() + b"\x20" + bytes(16) + b"\1\0\0\0" for number in range(2500)]
    store.write(geometry.root_offset, b"".join(entries))
    assert len(check_image(store).findings) == MOST_OF_A_CODE + 1
    assert len(repair(store)) == 2500
    assert check_image(store).clean


def test_a_directory_for_every_cluster(tmp_path: Path) -> None:
    """Sixteen thousand directories, each in the one before: found without recursion, paths stay short."""
    store = Store.blank(16 << 20)
    format_volume(store, 0, FatOptions(32768, bits=16, sectors_per_cluster=1), FAT_EPOCH)
    geometry = FatVolume(store).geometry
    count = 16_000
    entry = b"DIR        \x10".ljust(26, b"\0")
    store.write(geometry.root_offset, entry + (2).to_bytes(2, "little") + bytes(4))
    for cluster in range(2, 2 + count):
        own, above = cluster.to_bytes(2, "little"), (cluster - 1 if cluster > 2 else 0).to_bytes(2, "little")
        dots = (
            b".          \x10".ljust(26, b"\0")
            + own
            + bytes(4)
            + b"..         \x10".ljust(26, b"\0")
            + above
            + bytes(4)
        )
        below = entry + (cluster + 1).to_bytes(2, "little") + bytes(4) if cluster < 1 + count else b""
        store.write(geometry.cluster_offset(cluster), dots + below)
    write_entries(store, 0, geometry, 2, [0xFFFF] * 256)
    for first in range(258, 2 + count, 256):
        write_entries(store, 0, geometry, first, [0xFFFF] * min(256, 2 + count - first))
    with counted() as effort:
        findings = check_image(store).findings
    assert effort.calls < 4_000_000
    assert [finding.code for finding in findings] == ["FAT310"]


def test_a_volume_of_two_tebibytes_in_little_memory(tmp_path: Path) -> None:
    """Its FAT has 512 MiB; only what is in use is held."""
    path = tmp_path / "huge.img"
    with path.open("wb") as stream:
        stream.truncate((1 << 41) - (1 << 20))
    with Store.open(path, write=True) as store:
        format_volume(store, 0, FatOptions(store.size // 512, bits=32, sectors_per_cluster=32), FAT_EPOCH)
        store.commit()
    with Store.open(path) as store:
        tracemalloc.start()
        with counted() as effort:
            report = check_image(store)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert report.findings == ()
    assert effort.calls < 150_000
    assert peak < 200 << 20


@pytest.mark.parametrize("bits", [16, 32])
def test_large_tables_are_read_page_by_page(patient: Callable[[int], Patient], bits: int) -> None:
    victim = patient(bits)
    volume = victim.volume()
    geometry = volume.geometry
    with Store.open(victim.path) as store:
        if bits == 32:
            store.write(geometry.fat_offset() + 4 * 9 + 3, b"\xf0")  # reserved bits do not count
        whole = read_entries(store, 0, geometry, 0)
        paged = PagedEntries(store, geometry.fat_offset(), geometry)
        assert len(paged) == len(whole) == geometry.cluster_end
        assert [paged[cluster] for cluster in range(len(paged))] == list(whole)
        assert dict(pages(paged))[0][:100] == whole[:100]
        assert [first for first, _ in pages(paged)] == [0]  # what is all free is left out


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_writing_entries_leaves_their_neighbours_alone(patient: Callable[[int], Patient], bits: int) -> None:
    victim = patient(bits)
    volume = victim.volume()
    for first, count in ((2, 1), (3, 1), (3, 4), (4, 5)):
        with Store.open(victim.path) as store:
            before = list(read_entries(store, 0, volume.geometry, 0))
            values = list(range(100, 100 + count))
            write_entries(store, 0, volume.geometry, first, values)
            for copy in (0, 1):
                after = list(read_entries(store, 0, volume.geometry, copy))
                assert after == before[:first] + values + before[first + count :]


def test_calls_for_a_thousand_files(tmp_path: Path) -> None:
    from bfimg.fat.editor import FatEditor

    store = Store.blank(64 << 20)
    format_volume(store, 0, FatOptions(131072, bits=16, root_entries=4096), FAT_EPOCH)
    editor = FatEditor(FatVolume(store), FAT_EPOCH)
    for number in range(1000):
        editor.write(f"/FILE{number:04}.DAT", bytes(20_000))
    editor.flush()
    store.commit(tmp_path / "v.img")
    with Store.open(tmp_path / "v.img") as opened, counted() as effort:
        assert check_image(opened).clean
    assert effort.calls < 60_000
