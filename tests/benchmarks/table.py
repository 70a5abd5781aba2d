"""What the benchmark scripts share: timing in turn, and one table of figures against goals."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Action = Callable[[], object]

# Program -> the most memory one of its processes took, in MiB.
peaks: dict[str, float] = {}


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, the goal (None where none is set), and what it stands beside."""

    figure: str
    measured: float
    goal: float | None
    unit: str
    beside: str


def milliseconds(action: Action) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def program(*command: str | Path) -> Action:
    """Run a program to its end, its output thrown away. Any exit code but a signal or 2 counts as done."""

    def run() -> None:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            raise SystemExit(f"{command} ended with {process.returncode}")
        name = Path(command[0]).name
        peaks[name] = max(peaks.get(name, 0), usage.ru_maxrss / 1024)

    return run


def interleaved(actions: Sequence[Action], repetitions: int) -> list[float]:
    """Median milliseconds of each action; every round runs all of them once. A first round is not counted."""
    rounds = [[milliseconds(action) for action in actions] for _ in range(repetitions + 1)]
    return [statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def print_table(rows: Sequence[Row]) -> None:
    print(f"{'figure':<34} {'measured':>10} {'goal':>10}  {'verdict':<8} beside")
    for row in rows:
        measured, goal = f"{row.measured:.2f} {row.unit}", "" if row.goal is None else f"{row.goal:.2f} {row.unit}"
        verdict = "" if row.goal is None else "met" if row.measured <= row.goal else "missed"
        print(f"{row.figure:<34} {measured:>10} {goal:>10}  {verdict:<8} {row.beside}")
