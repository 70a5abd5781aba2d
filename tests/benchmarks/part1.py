"""Speeds of building, inspecting and booting, each beside what it is measured against in the same run.

Prints one table: figure, measured, goal, "met" or "missed". Times are medians of interleaved repetitions, so that
a busy moment of the machine hits both sides of a comparison. Needs mmls, fsstat and fls (sleuthkit) and QEMU.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bfimg.boot import BootOptions, boot
from bfimg.boot.serial_protocol import parse_machine_lines
from bfimg.build.build import build_image
from bfimg.build.layout import default_layout, kernel_sources
from bfimg.module.add import add_modules
from bfimg.toolchain.compiler import select

REPETITIONS = 15
BUILD_REPETITIONS = 3
BFIMG = str(Path(sys.executable).with_name("bfimg"))
SAMPLE = kernel_sources() / "modules" / "sha256.c"


@dataclass(frozen=True)
class Row:
    """One line of the table. measured, goal: milliseconds; goal None where none is set. basis: what it is beside."""

    figure: str
    measured: float
    goal: float | None
    basis: str


def milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def program(*command: str | Path) -> Callable[[], object]:
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def interleaved(actions: Sequence[Callable[[], object]], repetitions: int = REPETITIONS) -> list[float]:
    """Median milliseconds of each action; every round runs all of them once. A first round is not counted."""
    rounds = [[milliseconds(action) for action in actions] for _ in range(repetitions + 1)]
    return [statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def start_up() -> Row:
    bare, help_text = interleaved([program(sys.executable, "-c", "pass"), program(BFIMG, "--help")])
    basis = f"{help_text / bare:.1f}x python -c pass ({bare:.0f} ms)"
    return Row("bfimg --help", help_text, 3 * bare + 40, basis)


def inspection(image: Path) -> Row:
    judges = [("mmls",), ("fsstat", "-o", "2048"), ("fls", "-o", "2048", "-r")]
    *others, inspect = interleaved([*(program(*judge, image) for judge in judges), program(BFIMG, "inspect", image)])
    together = sum(others)
    basis = f"{inspect / together:.1f}x mmls + fsstat + fls ({together:.0f} ms)"
    return Row("bfimg inspect", inspect, together + 60, basis)


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
    return Row("QEMU start to done", statistics.median(times), 500, basis)


def building(folder: Path) -> tuple[Row, Row]:
    first, second = [], []
    for number in range(BUILD_REPETITIONS):
        cache = folder / f"cache{number}"
        build = program(BFIMG, "build", "-o", folder / "built.img", "--cache-dir", cache)
        first.append(milliseconds(build))
        second.append(milliseconds(build))
    slow, fast = statistics.median(first), statistics.median(second)
    return (
        Row("first build", slow, None, "everything compiled"),
        Row("second build", fast, None, f"{fast / slow:.2f}x the first: nothing compiled"),
    )


def print_table(rows: Sequence[Row]) -> None:
    print(f"{'figure':<20} {'measured':>10} {'goal':>10}  {'verdict':<8} beside")
    for row in rows:
        goal = "" if row.goal is None else f"{row.goal:.0f} ms"
        verdict = "" if row.goal is None else "met" if row.measured <= row.goal else "missed"
        print(f"{row.figure:<20} {f'{row.measured:.0f} ms':>10} {goal:>10}  {verdict:<8} {row.basis}")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bfimg-bench-") as name:
        folder = Path(name)
        image = build_image(default_layout(), folder / "disk.img", select(), cache_dir=folder / "cache").image
        add_modules(image, [SAMPLE])
        print_table([start_up(), inspection(image), booting(image), *building(folder)])


if __name__ == "__main__":
    main()
