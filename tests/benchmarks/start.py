"""Speeds of building, inspecting and booting, each beside what it is measured against in the same run.

Prints one table: figure, measured, goal, "met" or "missed". Times are medians of interleaved repetitions, so that
a busy moment of the machine hits both sides of a comparison. Needs mmls, fsstat and fls (sleuthkit) and QEMU.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bfimg
from bfimg.boot import BootOptions, boot
from bfimg.boot.serial_protocol import parse_machine_lines
from bfimg.build.build import build_image
from bfimg.build.layout import default_layout, kernel_sources
from bfimg.module.add import add_modules
from bfimg.toolchain.compiler import select

sys.path.insert(0, str(Path(__file__).parent))
from table import Row, interleaved, milliseconds, print_table, program

REPETITIONS = 15
BUILD_REPETITIONS = 3
REPOSITORY = Path(__file__).parents[2]
SAMPLE = kernel_sources() / "modules" / "sha256.c"


def start_up(python: str, bfimg: str) -> Row:
    bare, help_text = interleaved([program(python, "-c", "pass"), program(bfimg, "--help")], REPETITIONS)
    basis = f"{help_text / bare:.1f}x python -c pass ({bare:.0f} ms)"
    return Row("bfimg --help", help_text, 3 * bare + 40, "ms", basis)


def inspection(bfimg: str, image: Path) -> Row:
    judges = [("mmls",), ("fsstat", "-o", "2048"), ("fls", "-o", "2048", "-r")]
    actions = [*(program(*judge, image) for judge in judges), program(bfimg, "inspect", image)]
    *others, inspect = interleaved(actions, REPETITIONS)
    together = sum(others)
    basis = f"{inspect / together:.1f}x mmls + fsstat + fls ({together:.0f} ms)"
    return Row("bfimg inspect", inspect, together + 60, "ms", basis)


def time_to_done(image: Path) -> float:
    """Milliseconds from the start of QEMU until the kernel's `done` line has arrived."""
    arrived: list[float] = []

    def watch(line: str) -> None:
        if parse_machine_lines([line]).of("done"):
            arrived.append(time.perf_counter())

    started = time.perf_counter()
    report = boot(BootOptions(image), on_line=watch)
    if not report.passed or len(report.modules) != 13:
        raise SystemExit(f"the image does not boot as it should: {report.reason}")
    return (arrived[0] - started) * 1000


def booting(image: Path) -> Row:
    times = [time_to_done(image) for _ in range(REPETITIONS)]
    basis = f"12 native modules run, 1 bitcode module loaded; slowest {max(times):.0f} ms"
    return Row("QEMU start to done", statistics.median(times), 500, "ms", basis)


def building(bfimg: str, folder: Path) -> tuple[Row, Row]:
    first, second = [], []
    for number in range(BUILD_REPETITIONS):
        cache = folder / f"cache{number}"
        build = program(bfimg, "build", "-o", folder / "built.img", "--cache-dir", cache)
        first.append(milliseconds(build))
        second.append(milliseconds(build))
    slow, fast = statistics.median(first), statistics.median(second)
    return (
        Row("first build", slow, None, "ms", "everything compiled"),
        Row("second build", fast, None, "ms", f"{fast / slow:.2f}x the first: nothing compiled"),
    )


def install(folder: Path) -> tuple[str, str]:
    """A fresh virtual environment with bfimg as a user has it (an editable install costs 10 ms): (python, bfimg)."""
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "bfimg", "formats", "kernel", "samples"):
        place = REPOSITORY / name
        shutil.copytree(place, source / name) if place.is_dir() else shutil.copy(place, source)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    programs = folder / "venv" / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", "--use-pep517", source], check=True)
    return str(programs / "python"), str(programs / "bfimg")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bfimg-bench-") as name:
        folder = Path(name)
        image = build_image(default_layout(), folder / "disk.img", select(), cache_dir=folder / "cache").image
        with bfimg.open(image, write=True) as opened:
            add_modules(opened, [SAMPLE])
        python, command = install(folder)
        print_table([start_up(python, command), inspection(command, image), booting(image), *building(command, folder)])


if __name__ == "__main__":
    main()
