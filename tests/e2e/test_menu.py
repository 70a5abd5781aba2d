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


def test_unloaded_module_gives_way_to_the_one_it_overrode(boot_disk: Boot, disk: Path) -> None:
    run = boot_disk(disk, keys=("u", "r", "u", "r", "q"))
    assert run.report.passed, run.report.reason
    assert [(event["name"], event["source"]) for event in run.events("unload")] == [
        ("fibonacci", "disk"),
        ("fibonacci", "embedded"),
    ]
    assert [(event["name"], event["source"]) for event in run.events("active")] == [("fibonacci", "embedded")]
    # When both are gone, the next in the list is chosen.
    assert [(event["name"], event["source"]) for event in run.events("module")] == [
        ("fibonacci", "embedded"),
        ("sum", "disk"),
    ]


def test_all_run_and_their_lists_and_profiles_are_shown(boot_disk: Boot, disk: Path) -> None:
    run = boot_disk(disk, keys=("a", "c", "l", "p", "x", "q"), config=("iterations=2",))
    assert run.report.passed, run.report.reason
    assert run.only("done")["passed"] == len(ran(run)) == 12
    cycles = {event["name"]: (event["calls"], event["cycles"]) for event in run.events("module")}
    calls, total = cycles["fibonacci"]
    lines = run.report.transcript.splitlines()
    assert sum(line.split()[1:] == ["1", "fibonacci", "native", "disk", "passed"] for line in lines) == 2
    row = ["(not", "instrumented)", "2", str(total), str(total), str(total // 2)]
    assert calls == 2 and row in [line.split() for line in lines]
    assert sum("q: quit" in line for line in lines) == 4  # at first, cleared, listed, and for a key without meaning


def test_keys_that_do_not_leave_end_the_run(boot_disk: Boot, disk: Path) -> None:
    report = boot_disk(disk, keys=("r",)).report
    assert report.reason.startswith("stopped: the kernel waits for another key")
    assert report.seconds < 15


def test_keys_after_the_end_are_named(boot_disk: Boot, disk: Path) -> None:
    report = boot_disk(disk, keys=("r", "q", "a", "b")).report
    assert report.reason == "the kernel did not wait for these keys: a b"


def test_the_menu_on_a_terminal(boot_disk: Boot, disk: Path) -> None:
    side, terminal = pty.openpty()
    # What the menu says when it is there, or what it did, before it waits; what is typed then, the arrow down first.
    steps = [("quit", b"\x1b[B"), (">  2 sum", b"r"), ("OK  answer", b"eq")]
    shown: list[str] = []

    def show(text: str) -> None:
        shown.append(text)
        if steps and steps[0][0] in "".join(shown):
            os.write(side, steps.pop(0)[1])

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
