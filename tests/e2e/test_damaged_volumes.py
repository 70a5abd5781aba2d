"""Damaged and unusual volumes as slave: the kernel says what is wrong, runs the rest, and ends by itself."""

import contextlib
import subprocess
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from bfimg.errors import FitError
from bfimg.fat.editor import FatEditor
from bfimg.fat.mkfs import FatOptions, format_volume, plan
from bfimg.fat.volume import FatVolume
from bfimg.formats.fat_boot_sector import FatBootSector16
from bfimg.formats.fat_directory import DirectoryEntry
from bfimg.image.store import Store

GOOD = "SUM.MOD"


def look(image):
    """The volume of an image, for its geometry and tables."""
    return FatVolume(Store.open(image))


def chain_of(image, path):
    volume = look(image)
    return volume.table.chain(volume.find(path).item.first_cluster)


@pytest.fixture
def run_slave(boot_disk, kernel_disk, programs):
    """Function that boots with a slave and asserts that the good module on it ran."""

    def run(volume, passed):
        result = boot_disk(kernel_disk, slave=volume)
        assert result.report.exit_value == ("PASSED" if passed else "FAILED"), result.report.reason
        assert result.module(GOOD)["answer"] == programs["sum"].answer
        assert result.only("done")["invalid"] == (0 if passed else 1)
        return result

    return run


@pytest.fixture
def bad_and_good(slave_volume, module_files):
    """A volume with a file of at least three clusters, BAD.MOD, before the good module."""
    volume = slave_volume({"BAD.MOD": module_files["primes"], GOOD: module_files["sum"]})
    assert len(chain_of(volume, "/BAD.MOD")) >= 3
    return volume


# Which link of the chain is overwritten, with what, and what the kernel says of it.
@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (-1, "first", "the cluster chain does not end with the file"),
        (1, "first", "the cluster chain does not end with the file"),
        (0, "first", "the cluster chain does not end with the file"),
        (0, 0, "the cluster chain points at no data cluster"),
        (0, 1, "the cluster chain points at no data cluster"),
        (0, "behind the last", "the cluster chain points at no data cluster"),
        (0, 0xFFF7, "the cluster chain points at no data cluster"),
        (1, 0xFFFF, "the cluster chain ends before the file"),
    ],
)
def test_bad_cluster_chain(bad_and_good, run_slave, poke, place, value, reason):
    geometry, chain = look(bad_and_good).geometry, chain_of(bad_and_good, "/BAD.MOD")
    number = {"first": chain[0], "behind the last": geometry.cluster_count + 2}.get(value, value)
    for copy in range(geometry.fat_count):
        poke(bad_and_good, geometry.fat_offset(copy) + 2 * chain[place], number.to_bytes(2, "little"))
    run = run_slave(bad_and_good, passed=False)
    assert (run.module("BAD.MOD")["status"], run.module("BAD.MOD")["reason"]) == ("invalid", reason)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("file_size", 100_000, "the cluster chain ends before the file"),
        ("file_size", 100, "the cluster chain does not end with the file"),
        ("file_size", 0xFFFFFFFF, "the file is too large"),
        ("first_cluster_low", 0, "the cluster chain points at no data cluster"),
        ("first_cluster_low", 0xFFF0, "the cluster chain points at no data cluster"),
    ],
)
def test_bad_directory_entry(bad_and_good, run_slave, poke, field, value, reason):
    root = look(bad_and_good).geometry.root_offset
    start = root + bad_and_good.read_bytes()[root:].index(b"BAD     MOD")
    size = DirectoryEntry.field_spec(field).size
    poke(bad_and_good, start + DirectoryEntry.offset_of(field), value.to_bytes(size, "little"))
    run = run_slave(bad_and_good, passed=False)
    assert run.module("BAD.MOD")["reason"] == reason


def test_cross_linked_file_fails_its_crc(
    slave_volume, run_slave, repository, bfimg, disk, poke, module_files, tmp_path
):
    bfimg("add-module", "-i", disk, repository / "samples" / "sha256.bc")
    subprocess.run(["mcopy", "-i", f"{disk}@@1M", "::SHA256.BC", tmp_path], check=True)
    bitcode = (tmp_path / "SHA256.BC").read_bytes()
    volume = slave_volume({"BAD.BC": bitcode, GOOD: module_files["sum"]})
    geometry, chain = look(volume).geometry, chain_of(volume, "/BAD.BC")
    other = chain_of(volume, f"/{GOOD}")[-len(chain) + 1 :]
    poke(volume, geometry.fat_offset() + 2 * chain[0], other[0].to_bytes(2, "little"))
    run = run_slave(volume, passed=False)
    assert run.module("BAD.BC")["reason"] == "payload CRC is wrong"


def test_fragmented_file_is_read_whole(slave_volume, run_slave, module_files, programs, tmp_path):
    volume = slave_volume({"GAP.BIN": bytes(5000), GOOD: module_files["sum"]})
    subprocess.run(["mdel", "-i", volume, "::GAP.BIN"], check=True)
    (tmp_path / "PRIMES.MOD").write_bytes(module_files["primes"])
    subprocess.run(["mcopy", "-i", volume, tmp_path / "PRIMES.MOD", "::"], check=True)
    assert any(after != before + 1 for before, after in pairwise(chain_of(volume, "/PRIMES.MOD")))
    assert run_slave(volume, passed=True).module("PRIMES.MOD")["answer"] == programs["primes"].answer


def test_empty_module_file_is_reported(slave_volume, run_slave, module_files):
    run = run_slave(slave_volume({"EMPTY.MOD": b"", GOOD: module_files["sum"]}), passed=False)
    assert run.module("EMPTY.MOD")["reason"] == "shorter than its header"


def test_long_name_is_shown(slave_volume, run_slave, module_files):
    name = "a rather long name with blanks.mod"
    run = run_slave(slave_volume({name: module_files["primes"], GOOD: module_files["sum"]}), passed=True)
    assert [event["file"] for event in run.events("module")] == [f"/{name}", f"/{GOOD}"]


def test_full_root_directory_is_read_to_its_end(slave_volume, run_slave, module_files):
    # 64 slots: the label, 62 empty files and, in the very last, the module. No end mark follows.
    files = {f"F{number}.TXT": b"" for number in range(62)} | {GOOD: module_files["sum"]}
    volume = slave_volume(files, options=["-r", "64"])
    geometry = look(volume).geometry
    last = geometry.root_offset + geometry.root_bytes - DirectoryEntry.SIZE
    assert volume.read_bytes()[last : last + 11] == b"SUM     MOD"
    assert len(run_slave(volume, passed=True).events("file")) == 63


def size_for(clusters):
    """The smallest volume with so many clusters of one sector, as options for format_volume."""
    for sectors in range(clusters, 2 * clusters):
        options = FatOptions(total_sectors=sectors, bits=16, sectors_per_cluster=1)
        with contextlib.suppress(FitError):
            if plan(options).cluster_count == clusters:
                return options
    raise AssertionError(f"no volume has {clusters} clusters")


def volume_of_clusters(path, clusters, files):
    """A volume of exactly so many clusters of one sector; mkfs.fat refuses to make the smallest ones."""
    options = size_for(clusters)
    store = Store.blank(options.total_sectors * 512)
    when = datetime(2000, 1, 1, tzinfo=UTC)
    format_volume(store, 0, options, when)
    editor = FatEditor(FatVolume(store), when)
    for name, data in files.items():
        editor.write(f"/{name}", data)
    editor.flush()
    store.commit(path)
    return path


@pytest.mark.parametrize("clusters", [4085, 65_524])
def test_smallest_and_largest_volume_mount(run_slave, module_files, tmp_path, clusters):
    volume = volume_of_clusters(tmp_path / "v.img", clusters, {GOOD: module_files["sum"]})
    stated = subprocess.run(["fsstat", volume], check=True, capture_output=True, text=True).stdout
    assert f"Total Cluster Range: 2 - {clusters + 1}\n" in stated
    run = run_slave(volume, passed=True)
    assert run.events("volume")[1]["clusters"] == clusters


@pytest.mark.parametrize(("clusters", "change"), [(4085, -1), (65_524, 1)])
def test_one_cluster_beyond_is_no_fat16(boot_disk, kernel_disk, poke, tmp_path, clusters, change):
    volume = volume_of_clusters(tmp_path / "v.img", clusters, {})
    boot = look(volume).boot
    for field in ("total_sectors_16", "total_sectors_32"):
        if value := getattr(boot, field):
            size = FatBootSector16.field_spec(field).size
            poke(volume, FatBootSector16.offset_of(field), (value + change).to_bytes(size, "little"))
    with volume.open("ab") as file:
        file.write(bytes(512))
    run = boot_disk(kernel_disk, slave=volume)
    assert [event["drive"] for event in run.events("volume") if "clusters" in event] == ["ata0-master"]
    assert run.only("done")["volumes"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sectors_per_cluster", 0),
        ("sectors_per_cluster", 3),
        ("reserved_sectors", 0),
        ("reserved_sectors", 0xFFFF),
        ("fat_count", 0),
        ("fat_count", 255),
        ("root_entries", 0),
        ("sectors_per_fat_16", 1),
        ("sectors_per_fat_16", 0xFFFF),
        ("bytes_per_sector", 0),
        ("total_sectors_32", 0xFFFFFFFF),
    ],
)
def test_nonsense_in_the_boot_sector_is_survived(slave_volume, boot_disk, kernel_disk, poke, field, value):
    volume = slave_volume({}, kib=40_000)
    assert look(volume).boot.total_sectors_16 == 0  # so that total_sectors_32 counts
    size = FatBootSector16.field_spec(field).size
    poke(volume, FatBootSector16.offset_of(field), value.to_bytes(size, "little"))
    run = boot_disk(kernel_disk, slave=volume)
    assert not run.report.timed_out
    assert run.only("done")["volumes"] == 1


@pytest.mark.parametrize("size", [1, 3 * 512, 40 * 512])
def test_slave_cut_short_is_survived(slave_volume, boot_disk, kernel_disk, module_files, size):
    volume = slave_volume({GOOD: module_files["sum"]})
    with volume.open("r+b") as file:
        file.truncate(size)
    run = boot_disk(kernel_disk, slave=volume)
    assert run.only("done")["volumes"] == 1
    assert not run.report.timed_out
