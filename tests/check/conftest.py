"""Volumes that mkfs.fat and mtools made, for damage by hand, and fsck.fat as the judge."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bfimg.check.image import check_image
from bfimg.check.repair import Repair, repair
from bfimg.check.report import Finding
from bfimg.fat.volume import FatVolume
from bfimg.image.store import Store

KIB = {12: 2048, 16: 16384, 32: 34000}
SECTORS_PER_CLUSTER = {12: 4, 16: 4, 32: 1}
FILES = {f"/F{n}.BIN": bytes([n]) * (n * 3000) for n in (1, 2, 3)}
LONG_FILES = {f"/SUB/a long file name {n}.txt": bytes([n + 8]) * (n * 3000) for n in (1, 2, 3)}


@dataclass(frozen=True)
class Judgement:
    clean: bool
    text: str


def fsck(image: Path) -> Judgement:
    """fsck.fat's opinion. Some damage it reports without offering to mend it, and then exits with 0."""
    command = ["fsck.fat", "-n", image]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=20)
    return Judgement(result.returncode == 0 and "Not auto-correcting" not in result.stdout, result.stdout)


class Patient:
    """An image in a file, to be damaged, checked and repaired."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def volume(self) -> FatVolume:
        return FatVolume(Store.open(self.path))

    def write(self, offset: int, data: bytes) -> None:
        with self.path.open("r+b") as stream:
            stream.seek(offset)
            stream.write(data)

    def read(self, offset: int, size: int) -> bytes:
        with self.path.open("rb") as stream:
            stream.seek(offset)
            return stream.read(size)

    def set_entry(self, cluster: int, value: int, copies: tuple[int, ...] = (0, 1)) -> None:
        """Set one FAT entry."""
        geometry = self.volume().geometry
        for copy in copies:
            start = geometry.fat_offset(copy) + cluster * geometry.bits // 8
            if geometry.bits == 12:
                old = int.from_bytes(self.read(start, 2), "little")
                new = old & 0x000F | value << 4 if cluster & 1 else old & 0xF000 | value
                self.write(start, new.to_bytes(2, "little"))
            else:
                self.write(start, value.to_bytes(geometry.bits // 8, "little"))

    def chain(self, path: str) -> list[int]:
        volume = self.volume()
        return volume.table.chain(volume.find(path).item.first_cluster)

    def slot(self, path: str, slot: int | None = None) -> int:
        """Byte offset of the 8.3 entry of `path`, or of slot `slot` of the directory it is in."""
        volume = self.volume()
        folder = volume.folder_cluster(path.rpartition("/")[0])
        number = volume.find(path).item.entry_slot if slot is None else slot
        start = volume.geometry.cluster_offset(folder) if folder else volume.geometry.root_offset
        return start + number * 32

    def check(self) -> list[Finding]:
        with Store.open(self.path) as store:
            return list(check_image(store).findings)

    def codes(self) -> set[str]:
        return {finding.code for finding in self.check()}

    def repair(self) -> list[Repair]:
        with Store.open(self.path, write=True) as store:
            done = repair(store)
            store.commit()
        return done

    def contents(self) -> dict[str, bytes]:
        volume = self.volume()
        return {f.path: volume.read(f.item) for f in volume.walk() if not f.item.is_directory}


@pytest.fixture(scope="session")
def sound_volumes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A sound FAT12, FAT16 and FAT32 volume, each with a label, a folder, and long names in it."""
    folder = tmp_path_factory.mktemp("volumes")
    made = {}
    for bits in KIB:
        image = folder / f"fat{bits}.img"
        make = ["mkfs.fat", "-F", str(bits), "-s", str(SECTORS_PER_CLUSTER[bits]), "-n", "PATIENT", "-C", image]
        subprocess.run([*make, str(KIB[bits])], check=True, capture_output=True)
        subprocess.run(["mmd", "-i", image, "::/SUB"], check=True)
        for path, data in (FILES | LONG_FILES).items():
            subprocess.run(["mcopy", "-i", image, "-", f"::{path}"], input=data, check=True)
        assert fsck(image).clean
        made[bits] = image
    return made


@pytest.fixture
def patient(sound_volumes: dict[int, Path], tmp_path: Path) -> Callable[[int], Patient]:
    """Function that makes a fresh sound volume of 12, 16 or 32 bits."""

    def make(bits: int = 16) -> Patient:
        path = tmp_path / f"patient{bits}.img"
        shutil.copy(sound_volumes[bits], path)
        return Patient(path)

    return make


@pytest.fixture
def disk_patient(disk: Path) -> Patient:
    """A copy of the default image."""
    return Patient(disk)


@pytest.fixture(name="fsck")
def fsck_fixture() -> Callable[[Path], Judgement]:
    """Function that asks fsck.fat."""
    return fsck
