"""Damaged images of every kind: nothing hangs, nothing raises but our own errors, memory stays bounded.

The seed is fixed; BFIMG_TEST_MUTANTS sets how many (`make test-long` runs 100,000).
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bfimg.build.build import BuildReport
from bfimg.check import check_volume
from bfimg.check.image import check_image
from bfimg.clock import FAT_EPOCH
from bfimg.errors import BfimgError
from bfimg.fat.editor import FatEditor
from bfimg.fat.volume import FatVolume
from bfimg.formats.disk_layout import disk_region
from bfimg.image.image import Image
from bfimg.image.inspect import inspect_store
from bfimg.image.store import Store
from tests.effort import counted

MUTANTS = int(os.environ.get("BFIMG_TEST_MUTANTS", "1500"))
SEED = 20240229
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFF7, 0xFFF8, 0xFFFF, 0x7FFFFFFF, 0x0FFFFFF8, 0xFFFFFFFF)
MOST_CALLS = 2_000_000
MOST_MEMORY_GROWTH = 256 << 20

Area = tuple[int, int]


def make_volume(path: Path, bits: int, sectors: int) -> list[Area]:
    """A volume with files and folders by mtools; the areas that hold its structures."""
    path.write_bytes(bytes(sectors * 512))
    source = path.with_suffix(".d")
    (source / "SUB" / "a long folder name").mkdir(parents=True)
    for index in range(20):
        (source / "SUB" / f"file number {index}.txt").write_bytes(b"x" * index * 700)
    (source / "SUB" / "a long folder name" / "M.MOD").write_bytes(b"BDOM" + bytes(100))
    subprocess.run(["mkfs.fat", "-F", str(bits), "-s", "1", path], check=True, capture_output=True)
    subprocess.run(["mcopy", "-s", "-i", path, source / "SUB", "::/"], check=True)
    with Store.open(path) as store:
        volume = FatVolume(store)
        geometry = volume.geometry
        folders = [f.item.first_cluster for f in volume.walk() if f.item.is_directory]
        fat = (geometry.fat_offset(), min(geometry.fat_bytes, 2000))
        root = geometry.cluster_offset(2) if bits == 32 else geometry.root_offset
        clusters = [(geometry.cluster_offset(cluster), 512) for cluster in folders]
    return [(0, 90), (0, 512), fat, fat, (root, 600), *clusters]


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory, default_build: BuildReport) -> list[tuple[Path, list[Area]]]:
    folder = tmp_path_factory.mktemp("mutants")
    found = []
    for bits, sectors in ((12, 2880), (16, 8800), (32, 70000)):
        path = folder / f"fat{bits}.img"
        found.append((path, make_volume(path, bits, sectors)))
    disk = folder / "disk.img"
    subprocess.run(["cp", "--sparse=always", default_build.image, disk], check=True)
    part = disk_region("part1").first_lba * 512
    kernel = disk_region("kernel").first_lba * 512
    with Store.open(disk) as store:
        volume = FatVolume(store, part)
        modules = [part + volume.geometry.cluster_offset(volume.find(f"/{n}.MOD").item.first_cluster) for n in ("SUM",)]
        root = part + volume.geometry.root_offset
    areas = [(440, 72), (512, 64), (kernel, 64), (part, 90), (part + 512, 400), (root, 800), (1024 * 512, 1024)]
    found.append((disk, [*areas, *((place, 48) for place in modules)]))
    return found


def mutate(rng: random.Random, store: Store, areas: list[Area]) -> None:
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        start, size = rng.choice(areas)
        width = rng.choice((1, 2, 4))
        offset = start + rng.randrange(max(size - width, 1))
        if offset + width > store.size:
            continue
        value = rng.choice(EXTREMES) if rng.random() < 0.6 else rng.randrange(1 << 32)
        if rng.random() < 0.3:
            value = int.from_bytes(store.read(offset, width), "little") ^ 1 << rng.randrange(8 * width)
        store.write(offset, (value % (1 << 8 * width)).to_bytes(width, "little"))


def exercise(store: Store, path: Path) -> None:
    """Everything that reads an image, and a change to it; our own errors are the answer, others escape."""
    inspect_store(store, path)
    check_image(store)
    image = Image(store)
    for region in image.regions:
        if region.content != "fat":
            continue
        check_volume(store, region.name, region.offset)
        try:
            for file in list(image.walk(f"{region.name}:/"))[:5]:
                image.volume(region.name).read(file.file.item, 100_000)
        except BfimgError:
            pass
        try:
            editor = FatEditor(FatVolume(store, region.offset), FAT_EPOCH)
            editor.write("/NEW FILE.TXT", b"new" * 1000)
            editor.flush()
        except BfimgError:
            pass


def mutants(subjects: list[tuple[Path, list[Area]]]) -> Iterator[tuple[int, Store, Path]]:
    rng = random.Random(SEED)
    opened = [(Store.open(path), areas, path) for path, areas in subjects]
    for number in range(MUTANTS):
        store, areas, path = opened[number % len(opened)]
        whole = store.size
        if rng.random() < 0.05:
            store.size = rng.randrange(whole)  # cut short
        mutate(rng, store, areas)
        yield number, store, path
        store.discard()
        store.size = whole


def test_no_mutant_hangs_or_raises(subjects: list[tuple[Path, list[Area]]]) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number, store, path in mutants(subjects):
        try:
            with counted() as effort:
                exercise(store, path)
        except BfimgError as error:
            pytest.fail(f"mutant {number} of {path.name}: reading raised {error!r}")
        except Exception as error:  # the point of the test: name the mutant
            raise AssertionError(f"mutant {number} of {path.name}: {error!r}") from error
        assert effort.calls < MOST_CALLS, f"mutant {number} of {path.name} took {effort.calls} calls"
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) * 1024
    assert growth < MOST_MEMORY_GROWTH
