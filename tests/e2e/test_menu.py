"""The kernel's menu, by keys of a script and on a terminal, and the profile of a run as a file."""

from __future__ import annotations

import os
import pty
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bfimg.boot import Terminal
from bfimg.profile import read_profile

Boot = Callable[..., Any]
CALLS = 150
# Each call of the entry calls the leaf once, so that both are called as often as the module is.
WORK = """
#include <stdint.h>
volatile uint32_t sink;
__attribute__((noinline)) static uint32_t leaf(uint32_t n)
{
    sink += n;
    return sink;
}
uint32_t work_main(uint32_t n)
{
    return leaf(n) + 1;
}
"""


def ran(run: Any) -> list[tuple[str, str]]:
    return [(event["name"], event["status"]) for event in run.events("module")]


def test_keys_choose_run_and_leave(boot_disk: Boot, disk: Path) -> None:
    run = boot_disk(disk, keys=("down", "r", "4", "ret", "q"))
    assert run.report.passed, run.report.reason
    assert ran(run) == [("sum", "passed"), ("primes", "passed")]
    assert len(run.events("wait_key")) == 5


def test_keys_that_do_not_leave_end_the_run(boot_disk: Boot, disk: Path) -> None:
    report = boot_disk(disk, keys=("r",)).report
    assert report.reason.startswith("stopped: the kernel waits for another key")
    assert report.seconds < 15


def test_keys_after_the_end_are_named(boot_disk: Boot, disk: Path) -> None:
    report = boot_disk(disk, keys=("r", "q", "a", "b")).report
    assert report.reason == "the kernel did not wait for these keys: a b"


def test_the_menu_on_a_terminal(boot_disk: Boot, disk: Path) -> None:
    side, terminal = pty.openpty()
    typed = iter([b"\x1b[B", b"r", b"eq"])  # the arrow down first
    shown = []

    def show(text: str) -> None:
        shown.append(text)
        # The menu says what it did, or that it is there, before it waits.
        if any(mark in text for mark in ("quit", ">  2 sum", "OK  answer")):
            os.write(side, next(typed, b"q"))

    run = boot_disk(disk, interactive=True, terminal=Terminal(terminal, show))
    os.close(side)
    os.close(terminal)
    assert run.report.passed, run.report.transcript
    assert ran(run) == [("sum", "passed")]
    assert "--- BEGIN JSON ---" in run.report.transcript
    assert "JSON" not in "".join(shown) and "@@" not in "".join(shown)


def test_settings_go_before_those_on_the_volume(boot_disk: Boot, disk: Path) -> None:
    run = boot_disk(disk, config=("modules=sum,primes", "iterations=3"))
    assert run.report.passed, run.report.reason
    chosen = [event for event in run.events("module") if event["status"] == "passed"]
    assert [(event["name"], event["calls"]) for event in chosen] == [("sum", 3), ("primes", 3)]


def test_a_setting_that_the_kernel_does_not_know_fails_the_run(boot_disk: Boot, disk: Path) -> None:
    report = boot_disk(disk, config=("iterations=2", "colour=red")).report
    assert report.reason == "the kernel refused setting 2: unknown key"


def test_the_profile_counts_each_call(bfimg: Boot, boot_disk: Boot, disk: Path, tmp_path: Path) -> None:
    (tmp_path / "work.c").write_text(WORK)
    assert bfimg("add-module", "-i", disk, "--native", "--instrument", tmp_path / "work.c").code == 0
    out = tmp_path / "out.json"
    options = {"config": ("modules=work,sum", f"iterations={CALLS}"), "profile": out, "icount": True}
    run = boot_disk(disk, **options)
    assert run.report.passed, run.report.reason
    profile = read_profile(out)
    modules = {module.name: module for module in profile.modules}
    assert modules["sum"].calls == modules["sum"].cycles.count == CALLS
    work = modules["work"]
    assert {function.name: function.calls for function in work.functions} == {"work_main": CALLS, "leaf": CALLS}
    assert [(edge.caller, edge.callee, edge.calls) for edge in work.edges] == [("work_main", "leaf", CALLS)]
    assert "work;work_main;leaf " in bfimg("profile", out, "--module", "work", "--folded", "-").out
    # Under icount cycles are instructions: the second run took as many.
    boot_disk(disk, **options | {"profile": tmp_path / "again.json"})
    assert [module.cycles for module in read_profile(tmp_path / "again.json").modules] == [
        module.cycles for module in profile.modules
    ]
