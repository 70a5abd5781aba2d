"""Images to boot, volumes made by foreign tools, and ways to look at a run."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bfimg.boot import BootOptions, BootReport, boot
from bfimg.boot.serial_protocol import Event
from bfimg.build.build import BuildReport, build_image
from bfimg.build.layout import default_layout
from bfimg.build.programs import Program, load_programs
from bfimg.formats.native_module import NativeModuleHeader
from bfimg.module.wrap import native_module
from bfimg.toolchain.compiler import select

# Several times what the slowest run takes on a busy machine.
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Run:
    """A boot and what it said."""

    report: BootReport

    def events(self, kind: str) -> list[Event]:
        return [event for event in self.report.events if event["event"] == kind]

    def only(self, kind: str) -> Event:
        """The one event of this kind."""
        events = self.events(kind)
        assert len(events) == 1, self.report.transcript
        return events[0]

    def module(self, file: str) -> Event:
        """What the kernel said of the module with this 8.3 name."""
        events = [event for event in self.events("module") if event["file"] == file]
        assert len(events) == 1, self.report.transcript
        return events[0]


@pytest.fixture(scope="session")
def boot_disk() -> Callable[..., Run]:
    """``boot_disk(image, slave=..., cpu=...)``: boot in QEMU. Takes the fields of BootOptions."""

    def start(image: Path, **options: object) -> Run:
        return Run(boot(BootOptions(image, **{"timeout": TIMEOUT_SECONDS, **options})))

    return start


@pytest.fixture(scope="session")
def programs(repository: Path) -> dict[str, Program]:
    """The 12 module programs with their known answers, by name."""
    return {program.name: program for program in load_programs(repository / "kernel")}


@pytest.fixture(scope="session")
def build_padded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], BuildReport]:
    """Function that builds a kernel padded to so many bytes (0: none), with an empty volume beside it."""

    def build(pad_to: int) -> BuildReport:
        layout = dataclasses.replace(default_layout(), kernel_pad_to=pad_to, native_modules=(), files=())
        return build_image(layout, tmp_path_factory.mktemp("padded") / "disk.img", select("clang"))

    return build


@pytest.fixture(scope="session")
def kernel_disk(build_padded: Callable[[int], BuildReport]) -> Path:
    """An image whose volume is empty: what a run reports comes from the slave."""
    return build_padded(0).image


@pytest.fixture(scope="session")
def module_files(default_build: BuildReport, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The native modules of the default image as mcopy extracts them, by their names in lower case."""
    folder = tmp_path_factory.mktemp("modules")
    subprocess.run(["mcopy", "-i", f"{default_build.image}@@1M", "::*.mod", folder], check=True)
    return {path.stem.lower(): path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def slave_volume(tmp_path: Path) -> Callable[..., Path]:
    """``slave_volume({"SUM.MOD": data})``: a bare FAT16 volume made by mkfs.fat and filled by mcopy, in order."""

    def make(files: Mapping[str, bytes], *, kib: int = 16384, options: Iterable[str] = ()) -> Path:
        volume = tmp_path / "slave.img"
        subprocess.run(
            ["mkfs.fat", "-F", "16", "-n", "SLAVE", *options, "-C", volume, str(kib)], check=True, capture_output=True
        )
        folder = tmp_path / "slave-files"
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        if files:
            subprocess.run(["mcopy", "-i", volume, *(folder / name for name in files), "::"], check=True)
        return volume

    return make


@pytest.fixture
def slave_run(
    boot_disk: Callable[..., Run], kernel_disk: Path, slave_volume: Callable[..., Path]
) -> Callable[[Mapping[str, bytes]], Run]:
    """Function that boots with these files on a slave volume."""
    return lambda files: boot_disk(kernel_disk, slave=slave_volume(files))


@pytest.fixture(scope="session")
def poke() -> Callable[[Path, int, bytes], None]:
    """Function that overwrites bytes of a file."""

    def write(path: Path, offset: int, data: bytes) -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(data)

    return write


@pytest.fixture(scope="session")
def flip_bit(poke: Callable[[Path, int, bytes], None]) -> Callable[[Path, int], None]:
    """Function that inverts the lowest bit of the byte at an offset."""

    def flip(path: Path, offset: int) -> None:
        with path.open("rb") as file:
            file.seek(offset)
            byte = file.read(1)[0]
        poke(path, offset, bytes([byte ^ 1]))

    return flip


@pytest.fixture(scope="session")
def make_native() -> Callable[..., bytes]:
    """``make_native(code, code_size=...)``: a `.mod` file called "test" with header fields replaced."""

    def make(code: bytes, **fields: object) -> bytes:
        data = native_module("test", code)
        header = NativeModuleHeader.parse(data).replace(**fields)
        return header.to_bytes() + data[NativeModuleHeader.SIZE :]

    return make
