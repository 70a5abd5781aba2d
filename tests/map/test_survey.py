"""The map tells what sectors are used for; the Sleuth Kit says the same of clusters."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bfimg.clock import FAT_EPOCH
from bfimg.fat.editor import FatEditor
from bfimg.fat.mkfs import FatOptions, format_volume
from bfimg.fat.volume import FatVolume
from bfimg.image.probe import ImageKind
from bfimg.image.store import Store
from bfimg.map.report import ImageMap, Use
from bfimg.map.survey import survey


def mapped(path: Path, width: int = 64) -> ImageMap:
    with Store.open(path) as store:
        return survey(store, width)


def uses(image: ImageMap, region: str) -> list[Use]:
    return [cell.use for part in image.regions if part.name == region for cell in part.cells]


def volume_file(path: Path, files: dict[str, int], bits: int = 16, sectors: int = 16_384) -> FatVolume:
    """A volume whose files are written one after the other; those named with a dash are removed again."""
    with Store.blank(sectors * 512) as store:
        format_volume(store, 0, FatOptions(sectors, bits=bits, sectors_per_cluster=1 if bits == 32 else 2), FAT_EPOCH)
        editor = FatEditor(FatVolume(store), FAT_EPOCH)
        for name, size in files.items():
            if name.startswith("-"):
                editor.remove(f"/{name[1:]}")
            else:
                editor.make_folders(f"/{name}".rpartition("/")[0])
                editor.write(f"/{name}", b"x" * size)
        editor.flush()
        store.commit(path)
    return FatVolume(Store.open(path))


FRAGMENTED = {"A": 5000, "B": 3000, "C": 5000, "D": 3000, "-A": 0, "-C": 0, "BIG": 40_000, "DIR/INNER": 10}


def test_regions_of_a_built_image(disk: Path) -> None:
    image = mapped(disk)
    assert (image.kind, image.size, image.cell_bytes) == (ImageKind.BAREFLOW, 34_603_008, 16_384)
    assert [region.name for region in image.regions] == ["mbr", "stage2", "kernel", "jit_cache", "part1"]
    assert uses(image, "mbr") == [Use.TABLE]
    assert uses(image, "stage2") == [Use.BOOT]
    assert set(uses(image, "kernel")) == {Use.KERNEL, Use.FREE}
    assert set(uses(image, "jit_cache")) == {Use.FREE}
    assert {Use.RESERVED, Use.FAT, Use.FILE, Use.FREE} <= set(uses(image, "part1"))
    (volume,) = image.volumes
    assert (volume.files, volume.fragmented, volume.problem) == (13, (), "")


def test_cells_cover_the_image_once_and_none_belongs_to_two_regions(disk: Path) -> None:
    for width in (8, 64, 500):
        image = mapped(disk, width)
        position = 0
        for region in image.regions:
            assert region.offset == position
            for cell in region.cells:
                assert cell.offset == position and 0 < cell.size <= image.cell_bytes
                assert 0 <= cell.used <= cell.size
                position += cell.size
        assert position == image.size
        assert sum(-(-len(region.cells) // width) for region in image.regions) <= 32 + len(image.regions)


def test_a_fragmented_file_is_shown_with_its_pieces(tmp_path: Path) -> None:
    volume = volume_file(tmp_path / "v.img", FRAGMENTED)
    image = mapped(tmp_path / "v.img", 512)
    assert image.cell_bytes == 512
    (use,) = image.volumes
    (file,) = use.fragmented
    chain = volume.table.chain(volume.find("/BIG").item.first_cluster)
    offsets = [volume.geometry.cluster_offset(cluster) for cluster in chain]
    size = volume.geometry.cluster_bytes
    assert (file.region, file.path) == ("fat", "/BIG")
    assert [o for piece in file.pieces for o in range(piece.offset, piece.offset + piece.size, size)] == offsets
    assert len(file.pieces) == 3
    cells = {cell.offset: cell.use for region in image.regions for cell in region.cells}
    assert {cells[offset] for offset in offsets} == {Use.FRAGMENTED}
    assert cells[volume.geometry.cluster_offset(volume.find("/B").item.first_cluster)] == Use.FILE
    assert cells[volume.geometry.cluster_offset(volume.find("/DIR").item.first_cluster)] == Use.FOLDER
    assert (cells[0], cells[volume.geometry.fat_offset()]) == (Use.RESERVED, Use.FAT)
    assert cells[volume.geometry.root_offset] == Use.FOLDER


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_used_and_free_clusters_are_those_the_sleuth_kit_finds(data: st.DataObject, tmp_path: Path) -> None:
    bits, sectors = data.draw(st.sampled_from([(12, 4000), (16, 16_384), (32, 70_000)]))
    sizes = data.draw(st.lists(st.integers(0, 30_000), max_size=12))
    files = {f"F{index}": size for index, size in enumerate(sizes)}
    files |= {f"-F{index}": 0 for index in range(0, len(sizes), 3)}
    volume = volume_file(tmp_path / "v.img", {**files, "LAST": 20_000}, bits, sectors)
    image = mapped(tmp_path / "v.img", 4096)
    assert image.cell_bytes == 512
    listing = subprocess.run(["blkls", "-l", tmp_path / "v.img"], capture_output=True, text=True, check=True).stdout
    free = {int(line.split("|")[0]) for line in listing.splitlines() if line.endswith("|f")}
    ours = {cell.offset // 512 for cell in image.regions[0].cells if cell.use is Use.FREE}
    behind = volume.geometry.cluster_offset(volume.geometry.cluster_end) // 512
    assert {sector for sector in ours ^ free if sector < behind} == set()


def test_a_cell_counts_what_is_used_in_it(tmp_path: Path) -> None:
    volume = volume_file(tmp_path / "v.img", {"A": 3000, "B": 100})
    image = mapped(tmp_path / "v.img", 8)
    used = sum(cell.used for cell in image.regions[0].cells)
    assert used == volume.geometry.data_offset + 4 * volume.geometry.cluster_bytes


def test_gaps_extended_partitions_and_raw_data(tmp_path: Path) -> None:
    path = tmp_path / "d.img"
    with path.open("wb") as stream:
        stream.truncate(4 << 20)
    script = "label: dos\nstart=64, size=1024, type=83\nstart=2048, size=4096, type=5\nstart=3072, size=512, type=83\n"
    subprocess.run(["sfdisk", path], input=script, text=True, check=True, capture_output=True)
    with path.open("r+b") as stream:
        stream.seek(3072 * 512 + 700)
        stream.write(b"data")
        stream.seek(8000 * 512)
        stream.write(b"hidden")
    image = mapped(path, 64)
    parts = [(region.name, region.offset // 512, region.size // 512) for region in image.regions]
    assert parts == [
        ("mbr", 0, 1),
        ("", 1, 63),
        ("part1", 64, 1024),
        ("", 1088, 960),
        ("part2", 2048, 1024),
        ("part5", 3072, 512),
        ("part2", 3584, 2560),
        ("", 6144, 2048),
    ]
    assert Counter(uses(image, "part1")) == {Use.FREE: len(uses(image, "part1"))}
    assert uses(image, "part5")[0] == Use.DATA
    assert uses(image, "part2")[0] == Use.TABLE
    assert uses(image, "").count(Use.DATA) == 1


def test_a_region_that_overlaps_another_and_one_outside_the_image(tmp_path: Path) -> None:
    path = tmp_path / "d.img"
    data = bytearray(100 * 512)
    data[510:512] = b"\x55\xaa"
    for index, (start, size) in enumerate([(10, 50), (40, 40), (90, 50), (5000, 10)]):
        entry = bytes(4) + b"\x83" + bytes(3) + start.to_bytes(4, "little") + size.to_bytes(4, "little")
        data[446 + 16 * index : 462 + 16 * index] = entry
    path.write_bytes(data)
    parts = [(region.name, region.offset // 512, region.size // 512) for region in mapped(path).regions]
    assert parts == [("mbr", 0, 1), ("", 1, 9), ("part1", 10, 30), ("part2", 40, 40), ("", 80, 10), ("part3", 90, 10)]


@pytest.mark.parametrize("size", [0, 1, 511, 513, 5000])
def test_files_that_are_no_images(tmp_path: Path, size: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x" * size)
    image = mapped(path)
    assert sum(cell.size for region in image.regions for cell in region.cells) == size
    assert {cell.use for region in image.regions for cell in region.cells} <= {Use.DATA}


def test_holes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
        stream.seek((1 << 39) + 5)
        stream.write(b"x")
    image = mapped(path)
    assert Counter(cell.use for region in image.regions for cell in region.cells)[Use.DATA] == 1


class TestDamage:
    def written(self, path: Path) -> tuple[FatVolume, int, int]:
        volume = volume_file(path, {"A": 5000, "B": 5000})
        return volume, volume.find("/A").item.first_cluster, volume.find("/B").item.first_cluster

    def set_entry(self, path: Path, volume: FatVolume, cluster: int, value: int) -> None:
        with path.open("r+b") as stream:
            stream.seek(volume.geometry.fat_offset() + 2 * cluster)
            stream.write(value.to_bytes(2, "little"))

    @pytest.mark.parametrize("value", [0, 1, 0xFFF0, "itself", "other file"])
    def test_damaged_chains_are_counted(self, tmp_path: Path, value: int | str) -> None:
        path = tmp_path / "v.img"
        volume, first, other = self.written(path)
        number = value if isinstance(value, int) else other if value == "other file" else first
        self.set_entry(path, volume, first, number)
        (use,) = mapped(path).volumes
        assert use.problem == "1 damaged cluster chains"  # of A, or of B where A has taken its clusters

    def test_bad_and_lost_clusters(self, tmp_path: Path) -> None:
        path = tmp_path / "v.img"
        volume, _, _ = self.written(path)
        last = volume.geometry.cluster_end - 1
        self.set_entry(path, volume, last, 0xFFF7)
        self.set_entry(path, volume, last - 100, 0xFFFF)
        cells = {cell.offset: cell.use for cell in mapped(path, 512).regions[0].cells}
        assert cells[volume.geometry.cluster_offset(last)] == Use.BAD
        assert cells[volume.geometry.cluster_offset(last - 100)] == Use.LOST

    def test_directories_that_cannot_be_walked(self, tmp_path: Path) -> None:
        path = tmp_path / "v.img"
        volume = volume_file(path, {"SUB/X": 10})
        self.set_entry(path, volume, volume.find("/SUB").item.first_cluster, 0)
        assert "runs into a free cluster" in mapped(path).volumes[0].problem

    def test_a_volume_longer_than_the_image(self, tmp_path: Path) -> None:
        path = tmp_path / "v.img"
        self.written(path)
        with path.open("r+b") as stream:
            stream.truncate(100_000)
        image = mapped(path)
        assert "the image has 100000 for it" in image.volumes[0].problem
        assert image.regions[0].cells[0].use is Use.DATA

    def test_random_bytes_in_the_volume(self, tmp_path: Path) -> None:
        path = tmp_path / "v.img"
        volume = volume_file(path, FRAGMENTED)
        data = path.read_bytes()
        noise = random.Random(7)
        for _ in range(100):
            damaged = bytearray(data)
            for _ in range(20):
                damaged[noise.randrange(volume.geometry.data_offset + 20_000)] = noise.randrange(256)
            path.write_bytes(damaged)
            assert sum(region.size for region in mapped(path).regions) == len(data)
