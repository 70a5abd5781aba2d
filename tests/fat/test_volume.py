"""Volumes we make and write are what fsck.fat, mtools, fls and pyfatfs say they should be."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bfimg.clock import FAT_EPOCH
from bfimg.errors import FitError, FormatError, NotFoundError, UsageError
from bfimg.fat.editor import FatEditor
from bfimg.fat.geometry import Geometry
from bfimg.fat.mkfs import FatOptions, format_volume, plan
from bfimg.fat.table import AllocationTable
from bfimg.fat.volume import FatVolume, contiguous
from bfimg.image.store import Store

Judge = Callable[[Path, int, dict[str, bytes]], None]

GEOMETRIES = [(12, 2880, 1), (12, 20000, 8), (16, 8400, 1), (16, 65536, 4), (32, 80000, 1), (32, 140000, 2)]


class Made(FatEditor):
    """An editor that also shows its volume's parts."""

    @property
    def geometry(self) -> Geometry:
        return self.volume.geometry

    @property
    def table(self) -> AllocationTable:
        return self.volume.table


def make(sectors: int, bits: int = 16, cluster: int = 0, **options: object) -> tuple[Store, Made]:
    store = Store.blank(sectors * 512)
    wanted = {"label": "TEST", "volume_id": 0x1234ABCD, **options}
    format_volume(store, 0, FatOptions(sectors, bits=bits, sectors_per_cluster=cluster, **wanted), FAT_EPOCH)  # type: ignore[arg-type]
    return store, Made(FatVolume(store), FAT_EPOCH)


@pytest.mark.parametrize(("bits", "sectors", "cluster"), GEOMETRIES)
def test_files_written_are_read_alike_by_every_judge(
    bits: int, sectors: int, cluster: int, tmp_path: Path, judge: Judge
) -> None:
    store, volume = make(sectors, bits, cluster)
    files = {
        "/SHA256.BC": b"s" * 5000,
        "/EMPTY": b"",
        "/one": b"1",
        "/exact": b"e" * volume.geometry.cluster_bytes,
        "/A long name, with blanks.text": b"long" * 700,
        "/Überraschung.txt": b"umlaut",
        "/lower.txt": b"case",
        "/DEEP/DEEPER/bottom of it.bin": bytes(range(256)) * 40,
    }
    for path, data in files.items():
        volume.make_folders(path.rpartition("/")[0])
        volume.write(path, data)
    volume.flush()
    image = tmp_path / "volume.img"
    store.commit(image)
    judge(image, bits, files)
    again = FatVolume(Store.open(image))
    assert {f.path: again.read(f.item) for f in again.walk() if not f.item.is_directory} == files
    assert again.label == "TEST"


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_writes_and_overwrites(data: st.DataObject, tmp_path: Path, judge: Judge) -> None:
    bits, sectors, cluster = data.draw(st.sampled_from(GEOMETRIES))
    names = st.one_of(
        st.from_regex(r"[A-Z0-9]{1,8}(\.[A-Z]{1,3})?", fullmatch=True),
        st.from_regex(r"[a-zA-Z0-9 _~]{1,40}[a-z0-9](\.[a-z]{1,5})?", fullmatch=True).filter(lambda n: n[0] != " "),
    )
    store, volume = make(sectors, bits, cluster)
    files: dict[str, bytes] = {}
    for name in data.draw(st.lists(names, max_size=25, unique_by=str.casefold)):
        for _ in range(data.draw(st.integers(1, 2))):
            content = bytes([len(files) % 256]) * data.draw(st.integers(0, 9000))
            path = data.draw(st.sampled_from(["", "/SUB", "/SUB/another folder"])) + "/" + name
            volume.make_folders(path.rpartition("/")[0])
            volume.write(path, content)
            files[path] = content
    volume.flush()
    image = tmp_path / "volume.img"
    store.commit(image)
    judge(image, bits, files)


def test_reads_what_mtools_wrote(tmp_path: Path) -> None:
    image, source = tmp_path / "volume.img", tmp_path / "source"
    image.write_bytes(bytes(65536 * 512))
    subprocess.run(["mkfs.fat", "-F", "16", "-n", "BY MTOOLS", image], check=True, capture_output=True)
    source.mkdir()
    files = {f"/file number {i}.dat": bytes([i]) * (i * 997) for i in range(40)} | {"/sub/lower.txt": b"x" * 3000}
    for path, data in files.items():
        target = source / path[1:]
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(data)
    subprocess.run(["mcopy", "-s", "-i", image, *source.iterdir(), "::/"], check=True)
    volume = FatVolume(Store.open(image))
    found = {f.path: volume.read(f.item) for f in volume.walk() if not f.item.is_directory}
    assert found == files
    assert volume.label == "BY MTOOLS"


def test_overwriting_frees_the_old_clusters(tmp_path: Path, judge: Judge) -> None:
    store, volume = make(8400)
    free = volume.table.free_count
    volume.write("/FILE.BIN", b"a" * 100_000)
    volume.write("/file.bin", b"b" * 700)
    volume.flush()
    assert volume.table.free_count == free - 2
    store.commit(tmp_path / "volume.img")
    judge(tmp_path / "volume.img", 16, {"/FILE.BIN": b"b" * 700})


def test_timestamps_are_those_given() -> None:
    _, volume = make(8400)
    when = datetime(2024, 2, 29, 13, 37, 42, tzinfo=UTC)
    volume.when = when
    assert volume.write("/NOW.TXT", b"x").item.modified == when


def test_a_full_volume_is_refused_with_both_numbers() -> None:
    _, volume = make(8400)
    free = volume.table.free_count * volume.geometry.cluster_bytes
    with pytest.raises(FitError, match=f"{free + 512} bytes needed, {free} free"):
        volume.write("/BIG.BIN", bytes(free + 1))
    volume.write("/BIG.BIN", bytes(free))
    with pytest.raises(FitError, match="512 bytes needed, 0 free"):
        volume.write("/MORE.BIN", b"x")
    volume.write("/NOTHING", b"")


def test_a_full_root_directory_is_refused() -> None:
    _, volume = make(8400, root_entries=16)
    for index in range(15):  # the label takes one
        volume.write(f"/F{index}", b"")
    with pytest.raises(FitError, match="root directory is full: 16 entries"):
        volume.write("/ONEMORE", b"")


def test_a_directory_grows_cluster_by_cluster(tmp_path: Path, judge: Judge) -> None:
    store, volume = make(80000, 32)
    files = {f"/SUB/file with a long name {i}.txt": bytes([i]) for i in range(60)}
    for path, data in files.items():
        volume.make_folders(path.rpartition("/")[0])
        volume.write(path, data)
    volume.flush()
    store.commit(tmp_path / "volume.img")
    judge(tmp_path / "volume.img", 32, files)


@pytest.mark.parametrize("path", ["/", "/a:b", "/trailing.", "/" + "x" * 256, "/..", "/ctrl\x01"])
def test_names_fat_cannot_hold_are_refused(path: str) -> None:
    _, volume = make(8400)
    with pytest.raises(UsageError):
        volume.write(path, b"")


def test_missing_folders_and_wrong_kinds_are_refused() -> None:
    _, volume = make(8400)
    volume.make_folders("/SUB")
    volume.write("/FILE", b"x")
    with pytest.raises(NotFoundError, match="no NONE on the volume"):
        volume.write("/NONE/X", b"")
    with pytest.raises(UsageError, match="is a directory"):
        volume.write("/SUB", b"")
    with pytest.raises(UsageError, match="is a file"):
        volume.make_folders("/FILE/X")
    with pytest.raises(NotFoundError):
        volume.volume.find("/FILE/X")
    assert volume.volume.exists("/sub") and not volume.volume.exists("/SUB/NO")


class TestDamage:
    """Damaged volumes end in a FormatError that names the place."""

    def fat_entry(self, store: Store, volume: Made, cluster: int, value: int) -> FatVolume:
        store.write(volume.geometry.fat_offset() + cluster * 2, value.to_bytes(2, "little"))
        return FatVolume(store)

    def written(self) -> tuple[Store, Made, list[int]]:
        store, volume = make(8400)
        volume.make_folders("/SUB")
        item = volume.write("/FILE", b"x" * 2000).item
        volume.flush()
        return store, volume, volume.table.chain(item.first_cluster)

    def test_loop(self) -> None:
        store, volume, chain = self.written()
        damaged = self.fat_entry(store, volume, chain[-1], chain[0])
        with pytest.raises(FormatError, match="fat:/FILE: cluster chain is a loop"):
            damaged.read(damaged.find("/FILE").item)

    def test_cluster_out_of_range(self) -> None:
        store, volume, chain = self.written()
        damaged = self.fat_entry(store, volume, chain[0], 0xFFF0)
        with pytest.raises(FormatError, match="leaves the volume at 65520"):
            damaged.read(damaged.find("/FILE").item)

    def test_chain_into_free_cluster(self) -> None:
        store, volume, chain = self.written()
        damaged = self.fat_entry(store, volume, chain[0], 0)
        with pytest.raises(FormatError, match="runs into a free cluster"):
            damaged.read(damaged.find("/FILE").item)

    def test_chain_shorter_than_the_size(self) -> None:
        store, volume, chain = self.written()
        damaged = self.fat_entry(store, volume, chain[0], 0xFFFF)
        with pytest.raises(FormatError, match="size is 2000 bytes, its clusters hold 512"):
            damaged.read(damaged.find("/FILE").item)

    def test_directory_that_contains_itself(self) -> None:
        store, volume, _ = self.written()
        sub = volume.volume.find("/SUB").item
        entry = store.read(volume.geometry.root_offset, 16 * 32)
        place = entry.index(b"SUB        ")
        store.write(
            volume.geometry.cluster_offset(sub.first_cluster) + 64, entry[place : place + 32].replace(b"SUB ", b"SUB2")
        )
        with pytest.raises(FormatError, match="directory is reached twice"):
            list(FatVolume(store).walk())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (11, b"\0\0"),  # bytes per sector
        (11, b"\1\2"),
        (13, b"\0"),  # sectors per cluster
        (13, b"\3"),
        (14, b"\0\0"),  # reserved sectors
        (16, b"\0"),  # FATs
        (17, b"\0\0"),  # root entries
        (19, b"\1\0"),  # total sectors
        (22, b"\1\0"),  # sectors per FAT
        (22, b"\0\0"),
    ],
)
def test_impossible_boot_sectors_are_refused_by_field(field: int, value: bytes) -> None:
    store, _ = make(8400)
    store.write(field, value)
    with pytest.raises(FormatError, match=r"fat\.bpb"):
        FatVolume(store)


def test_a_volume_longer_than_the_image_is_refused(tmp_path: Path) -> None:
    store, _ = make(8400)
    store.commit(tmp_path / "a.img")
    with (tmp_path / "a.img").open("r+b") as stream:
        stream.truncate(100_000)
    with pytest.raises(FormatError, match="the image was cut short"):
        FatVolume(Store.open(tmp_path / "a.img"))


def test_cluster_limits_of_the_types() -> None:
    assert plan(FatOptions(2880)).bits == 12
    assert plan(FatOptions(65536)).bits == 16
    assert plan(FatOptions(4_000_000)).bits == 32
    for sectors in range(8_400, 2_000_000, 99_991):
        geometry = plan(FatOptions(sectors, bits=16))
        assert 4_185 <= geometry.cluster_count <= 65_424
    with pytest.raises(FitError, match="4085 to 65524 clusters"):
        plan(FatOptions(2880, bits=16))
    with pytest.raises(UsageError):
        plan(FatOptions(65536, sectors_per_cluster=3))


def test_labels_fat_cannot_hold_are_refused() -> None:
    for label in ("much too long", "a*b", " x"):
        with pytest.raises(UsageError, match="no volume label"):
            make(8400, label=label)


def test_runs_of_neighbours() -> None:
    assert list(contiguous([5, 6, 7, 9, 3, 4])) == [(5, 3), (9, 1), (3, 2)]
    assert list(contiguous([])) == []
