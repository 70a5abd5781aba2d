"""Images to boot, volumes made by foreign tools, and ways to look at a run."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from bfimg.boot import BootOptions, BootReport, Terminal, boot
from bfimg.boot.qemu import find_qemu, qemu_command
from bfimg.boot.serial_protocol import Event, parse_machine_lines
from bfimg.build.build import BuildReport, build_image
from bfimg.build.layout import Layout, default_layout, load_layout
from bfimg.build.programs import Program, load_programs
from bfimg.formats.crc import CRC32
from bfimg.formats.memory_map import memory_region
from bfimg.formats.native_module import NATIVE_TABLE_OFFSET, NativeModuleHeader, NativeModuleTable
from bfimg.module.wrap import native_module
from bfimg.toolchain.compiler import select

# Only a run that hangs meets it: many times what the slowest run takes on a busy machine.
TIMEOUT_SECONDS = 120.0


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
        """What the kernel said of the module in this file of the root directory."""
        events = [event for event in self.events("module") if event["file"] == f"/{file}"]
        assert len(events) == 1, self.report.transcript
        return events[0]


@pytest.fixture(scope="session")
def boot_disk() -> Callable[..., Run]:
    """``boot_disk(image, slave=..., cpu=...)``: boot in QEMU, on `terminal` if any. Takes the fields of BootOptions."""

    def start(image: Path, terminal: Terminal | None = None, **options: object) -> Run:
        return Run(boot(BootOptions(image, **{"timeout": TIMEOUT_SECONDS, **options}), terminal=terminal))

    return start


@pytest.fixture(scope="session")
def programs(repository: Path) -> dict[str, Program]:
    """The 12 module programs with their known answers, by name."""
    return {program.name: program for program in load_programs(repository / "kernel")}


@pytest.fixture(scope="session")
def build_padded(
    tmp_path_factory: pytest.TempPathFactory, sources_without_compiler: Path
) -> Callable[[int], BuildReport]:
    """Function that builds a small kernel padded to so many bytes, with an empty volume beside it."""

    def build(pad_to: int) -> BuildReport:
        layout = dataclasses.replace(_empty_layout(), kernel_sources=sources_without_compiler, kernel_pad_to=pad_to)
        return build_image(layout, tmp_path_factory.mktemp("padded") / "disk.img", select("clang"))

    return build


def _empty_layout() -> Layout:
    return dataclasses.replace(default_layout(), embedded_modules=(), native_modules=(), files=())


@pytest.fixture(scope="session")
def kernel_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image whose volume is empty: what a run reports comes from the slave."""
    return build_image(_empty_layout(), tmp_path_factory.mktemp("empty") / "disk.img", select("clang")).image


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


class Machine:
    """A QEMU that goes on when the kernel has ended, with its monitor, its serial port and what came from there."""

    def __init__(self, process: subprocess.Popen[bytes], serial: Path, monitor: IO[bytes]) -> None:
        self._process = process
        self._serial = serial
        self._monitor = monitor
        monitor.readline()  # its greeting
        self._call("qmp_capabilities")

    def _call(self, command: str, **arguments: object) -> Any:
        self._monitor.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self._monitor.readline())
            if "event" not in answer:
                return answer["return"]

    def monitor(self, command: str) -> str:
        """What QEMU's monitor says to a command for people, such as ``info pci``."""
        text = self._call("human-monitor-command", **{"command-line": command})
        return str(text).replace("\r", "")

    def type(self, data: bytes) -> None:
        """Send bytes to COM1."""
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    @property
    def lines(self) -> list[str]:
        """The serial lines that are complete."""
        return self._serial.read_text("latin-1").replace("\r", "").split("\n")[:-1]

    def events(self, kind: str) -> list[Event]:
        return list(parse_machine_lines(self.lines).of(kind))

    def wait_for(self, kind: str, count: int = 1) -> list[Event]:
        """The events of this kind, once there are so many."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(self.events(kind)) < count:
            assert self._process.poll() is None and time.monotonic() < deadline, "\n".join(self.lines)
            time.sleep(0.01)
        return self.events(kind)


@pytest.fixture
def start_machine(tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    """``start_machine(image, "-device", ..., machine="q35")``: boots, ends with the test. More arguments are QEMU's."""
    with contextlib.ExitStack() as stack:

        def start(image: Path, *extra: str, machine: str = "pc") -> Machine:
            command = list(qemu_command(BootOptions(image), find_qemu(), "0" * 32))
            command[command.index("-M") + 1] = machine
            exit_device = command.index(next(text for text in command if text.startswith("isa-debug-exit")))
            del command[exit_device - 1 : exit_device + 1]  # without it the kernel halts at its end
            # Paths of sockets are limited to some 100 bytes, which tmp_path may exceed.
            path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "qmp"
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(path))
            listener.listen()
            listener.settimeout(TIMEOUT_SECONDS)
            serial = tmp_path / "serial.txt"
            process = subprocess.Popen(
                [*command, "-qmp", f"unix:{path}", *extra],
                stdin=subprocess.PIPE, stdout=stack.enter_context(serial.open("wb")),
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.kill)
            connection = stack.enter_context(listener.accept()[0])
            connection.settimeout(TIMEOUT_SECONDS)
            return Machine(process, serial, stack.enter_context(connection.makefile("rwb", buffering=0)))

        yield start


@pytest.fixture(scope="session")
def build_changed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, str]], Path]:
    """``build_changed({"main.c": text})``: an image of the kernel with these source files replaced."""

    def build(sources: Mapping[str, str]) -> Path:
        folder = tmp_path_factory.mktemp("changed")
        shutil.copytree(repository / "kernel", folder / "kernel")
        for name, text in sources.items():
            (folder / "kernel" / name).write_text(text)
        layout = folder / "layout.toml"
        layout.write_text('[image]\nsize = "33MiB"\n[kernel]\nsources = "kernel"\n')
        return build_image(load_layout(layout), folder / "disk.img", select("clang")).image

    return build


@pytest.fixture(scope="session")
def make_sealed() -> Callable[..., bytes]:
    """``make_sealed(code, init=...)``: a `.mod` file called "test" with a table, its fields replaced, the CRCs right.

    The code stands at offset 80, behind a jump to byte `entry` of it, and the table. Offsets in fields count from the
    jump. `behind` is not part of the image.
    """

    def make(code: bytes, *, name: str = "test", entry: int = 0, behind: bytes = b"", **fields: object) -> bytes:
        start = NATIVE_TABLE_OFFSET + NativeModuleTable.SIZE
        jump = (b"\xe9" + (start + entry - 5).to_bytes(4, "little")).ljust(NATIVE_TABLE_OFFSET, b"\x90")
        data = native_module(name, jump + bytes(NativeModuleTable.SIZE) + code + behind)
        head, tail = data[: NativeModuleHeader.SIZE + NATIVE_TABLE_OFFSET], data[NativeModuleHeader.SIZE + start :]
        values = {"image_size": start + len(code), "file_crc": CRC32.compute(head + tail), **fields}
        return head + NativeModuleTable().replace(**values).sealed().to_bytes() + tail

    return make


@pytest.fixture(scope="session")
def assemble(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """Function from Intel assembly to machine code at the start of the module arena."""
    folder = tmp_path_factory.mktemp("assembled")

    def make(text: str) -> bytes:
        source, unlinked, flat = folder / "code.S", folder / "code.o", folder / "code.bin"
        source.write_text(f".intel_syntax noprefix\n{text}\nret\n", encoding="ascii")
        subprocess.run(["clang", "--target=i686-unknown-none-elf", "-msse2", "-c", source, "-o", unlinked], check=True)
        at = hex(memory_region("module_arena").start)
        link = ["ld.lld", "-m", "elf_i386", "--oformat", "binary", "-Ttext", at, unlinked, "-o", flat]
        subprocess.run([*link, "--entry", at], check=True)
        return flat.read_bytes()

    return make
