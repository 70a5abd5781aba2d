"""Rules that hold for every definition, and the maps."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from bfimg.formats import catalogue
from bfimg.formats.disk_layout import DISK_REGIONS, KERNEL_MAX_SECTORS, disk_region
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.formats.memory_map import MEMORY_REGIONS, memory_region
from bfimg.formats.structure import Structure

ALL = [structure for module in catalogue.MODULES for structure in catalogue.structures(module)]


def test_every_definition_file_is_in_the_catalogue(repository: Path) -> None:
    helpers = {"__init__", "catalogue", "crc", "structure"}
    names = {path.stem for path in (repository / "formats").glob("*.py")} - helpers
    assert names == {module.__name__.rpartition(".")[2] for module in catalogue.MODULES}


@pytest.mark.parametrize("structure", ALL, ids=lambda s: s.__name__)
def test_every_field_and_structure_is_documented(structure: type[Structure]) -> None:
    assert structure.__doc__ and structure.SOURCE
    for spec in structure.FIELDS:
        assert spec.meaning, spec.name


@pytest.mark.parametrize("structure", ALL, ids=lambda s: s.__name__)
def test_round_trip_of_any_bytes(structure: type[Structure]) -> None:
    data = bytes((7 * i + 3) % 256 for i in range(structure.SIZE))
    assert structure.parse(data).to_bytes() == data


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Mbr", 512),
        ("PartitionEntry", 16),
        ("Stage2Descriptor", 32),
        ("KernelHeader", 64),
        ("FatBootSector16", 512),
        ("FatBootSector32", 512),
        ("FsInfo", 512),
        ("DirectoryEntry", 32),
        ("LongNameEntry", 32),
        ("NativeModuleHeader", 48),
        ("NativeModuleTable", 64),
        ("NativeFunction", 12),
        ("Elf32Header", 52),
        ("Elf32SectionHeader", 40),
        ("Elf32Symbol", 16),
        ("LlvmWrapperHeader", 20),
        ("BitcodeHeader", 128),
        ("LegacyBitcodeHeader", 120),
        ("LegacyPackedBitcodeHeader", 124),
        ("PatternDescriptor", 32),
        ("JitCacheSuperblock", 512),
        ("JitCacheEntry", 128),
    ],
)
def test_sizes_the_design_fixes(name: str, size: int) -> None:
    structure = next(s for s in ALL if s.__name__ == name)
    assert structure.SIZE == size == len(structure().to_bytes())


def test_c_names_are_unique_identifiers() -> None:
    names = [structure.C_NAME for structure in ALL]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


def test_memory_regions_do_not_overlap_and_stay_below_firmware() -> None:
    ordered = sorted(MEMORY_REGIONS, key=lambda region: region.start)
    assert all(a.end <= b.start for a, b in itertools.pairwise(ordered))
    low = [region for region in MEMORY_REGIONS if region.start < 0x100000]
    assert max(region.end for region in low) == 0x90000


def test_addresses_the_design_fixes() -> None:
    assert memory_region("mbr").start == 0x7C00
    assert memory_region("stage2").start == 0x7E00
    assert memory_region("boot_info").start == 0x9000
    assert (memory_region("kernel").start, memory_region("kernel").end) == (0x10000, 0x80000)
    assert memory_region("stack").end == 0x90000
    assert (memory_region("heap").start, memory_region("heap").size) == (0x100000, 256 * 1024)
    assert sum(memory_region(f"jit_{pool}").size for pool in ("code", "data", "metadata")) == 80 * 1024


def test_disk_regions_follow_one_another() -> None:
    assert [(region.name, region.first_lba) for region in DISK_REGIONS] == [
        ("mbr", 0),
        ("stage2", 1),
        ("kernel", 9),
        ("jit_cache", 1024),
        ("part1", 2048),
    ]
    assert all(a.end_lba == b.first_lba for a, b in itertools.pairwise(DISK_REGIONS))
    assert memory_region("kernel").size == KERNEL_MAX_SECTORS * SECTOR_SIZE
    assert disk_region("kernel").sectors >= KERNEL_MAX_SECTORS
