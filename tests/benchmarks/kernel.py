"""The kernel in figures: size, instructions from the MBR to `done`, speed of loading from FAT16.

Counts come from QEMU's icount: one guest instruction is one cycle. What the firmware executes before the MBR is counted
by an MBR that only says how far the clock is, on the same machine.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import bfimg
from bfimg.boot import BootOptions, boot
from bfimg.boot.qemu import find_qemu, qemu_command
from bfimg.build.build import build_image
from bfimg.build.layout import default_layout, kernel_sources
from bfimg.formats.boot_protocol import DEBUG_EXIT_PORT, ExitValue
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.toolchain.compiler import select

sys.path.insert(0, str(Path(__file__).parent))
from table import Row, print_table

KIB, MIB = 1024, 1024 * 1024
REPETITIONS = 5
COM1 = 0x3F8

# cli; rdtsc; mov dx, COM1; mov cx, 4; again: out dx, al; shr eax, 8; loop again; mov al, value; out port, al; hlt
CLOCK_MBR = (
    b"\xfa\x0f\x31\xba" + COM1.to_bytes(2, "little") + b"\xb9\x04\x00\xee\x66\xc1\xe8\x08\xe2\xf9"
    b"\xb0" + bytes([ExitValue.PASSED]) + b"\xe6" + bytes([DEBUG_EXIT_PORT]) + b"\xf4"
)


def clock_at_mbr(folder: Path) -> int:
    """Instructions that the firmware has executed when the MBR gets control."""
    image = folder / "clock.img"
    image.write_bytes((CLOCK_MBR.ljust(SECTOR_SIZE - 2, b"\0") + b"\x55\xaa").ljust(MIB, b"\0"))
    command = qemu_command(BootOptions(image, icount=True), find_qemu(), "0" * 32)
    output = subprocess.run(command, capture_output=True, timeout=30, check=False).stdout
    return int.from_bytes(output[-4:], "little")


def kernel_bytes(folder: Path, *, compiler: bool) -> int:
    """Size of the default kernel image, with its compiler of pattern programs or without."""
    layout = default_layout()
    if not compiler:
        sources = Path(shutil.copytree(layout.kernel_sources, folder / "without_compiler"))
        for source in [*(sources / "jit").glob("*.c"), *(sources / "jit").glob("*.S")]:
            source.unlink()
        layout = dataclasses.replace(layout, kernel_sources=sources)
    image = build_image(layout, folder / "size.img", select(), cache_dir=folder / "cache").image
    return int(bfimg.open(image).field["kernel.image_bytes"])


def clock_at_end(image: Path, *, slave: Path | None = None) -> int:
    """Instructions until the kernel has sent its `done` line. The least of some runs, since the kernel polls a disk
    that takes real time."""
    clocks = []
    for _ in range(REPETITIONS):
        report = boot(BootOptions(image, slave=slave, icount=True))
        clocks += [int(event["value"]) for event in report.events if event["event"] == "clock"]
    return min(clocks)


def reading(image: Path, slave: Path, folder: Path) -> float:
    """Milliseconds for 1 MiB of the volume `slave`, by the kernel's own timer."""
    profile = folder / "profile.json"
    boot(BootOptions(image, slave=slave, profile=profile))
    volume = json.loads(profile.read_text(encoding="utf-8"))["volumes"][-1]
    if volume["bytes_read"] < MIB:
        raise SystemExit(f"the kernel did not read the file: {volume}")
    return float(volume["milliseconds"] * MIB / volume["bytes_read"])


def image_with_clock(folder: Path) -> Path:
    """An image without modules whose kernel tells its time stamp counter behind the `done` line."""
    sources = folder / "kernel"
    shutil.copytree(kernel_sources(), sources)
    main = sources / "main.c"
    line = "    report_done(&totals);\n"
    before, after = main.read_text(encoding="utf-8").split(line)
    clock = '    json_begin("clock");\n    json_number("value", rdtsc());\n    json_end();\n'
    main.write_text(f'#include "report/json.h"\n{before}{line}{clock}{after}', encoding="utf-8")
    layout = dataclasses.replace(
        default_layout(), kernel_sources=sources, embedded_modules=(), native_modules=(), files=()
    )
    return build_image(layout, folder / "disk.img", select(), cache_dir=folder / "cache").image


def volume_with_a_mebibyte(folder: Path) -> Path:
    """A bare FAT16 volume with one file of 1 MiB that the kernel reads, since it has a module's name."""
    volume = folder / "volume.img"
    subprocess.run(["mkfs.fat", "-F", "16", "-C", volume, str(32 * KIB)], check=True, stdout=subprocess.DEVNULL)
    with bfimg.open(volume, write=True) as opened:
        opened["fat:/LARGE.MOD"] = bytes(range(256)) * (MIB // 256)
    return volume


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bfimg-bench-") as name:
        folder = Path(name)
        size = kernel_bytes(folder, compiler=False)
        compiler = kernel_bytes(folder, compiler=True) - size
        image, volume = image_with_clock(folder), volume_with_a_mebibyte(folder)
        firmware, end = clock_at_mbr(folder), clock_at_end(image)
        load = clock_at_end(image, slave=volume) - end
        per_mib = statistics.median(reading(image, volume, folder) for _ in range(REPETITIONS))
        boot_note = f"{end - firmware:,} instructions to the `done` line; the firmware before them {firmware:,}"
        load_note = f"{1000 / per_mib:.0f} MiB/s under TCG; {load:,} instructions with icount, CRC and report included"
        print_table(
            [
                Row("kernel image without compiler", size / KIB, 40, "KiB", f"{size:,} bytes, clang"),
                Row("verifier and compiler", compiler / KIB, 16, "KiB", f"{compiler:,} bytes, texts included"),
                Row("MBR to the end of an empty run", (end - firmware) / 1e6, 5, "M", boot_note),
                Row("1 MiB from FAT16", per_mib, 1000 / 20, "ms", load_note),
            ]
        )


if __name__ == "__main__":
    main()
