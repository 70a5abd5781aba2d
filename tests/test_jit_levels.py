"""The page on the levels of the micro-JIT: complete, consistent, and about the compiler there is now."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import pytest

from bfimg.build.programs import load_programs
from tests.benchmarks.jit import BASE, BEGIN, CLANG, END, GOALS, LEVELS, ratios, run, with_figures

HEADINGS = [*(f"clang {level}" for level in CLANG if level != BASE), *(f"O{level}" for level in LEVELS)]
# A change of the compiler that makes more of a difference has to come with new figures.
TOLERANCE = 0.25


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "jit-levels.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tables(page: str) -> dict[str, dict[str, dict[str, str]]]:
    """By section: the rows by their first cell; a row: the other cells by the heading of their column."""
    figures = page.partition(BEGIN)[2].partition(END)[0]
    found = {}
    for section in figures.split("\n## ")[1:]:
        lines = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)
        cells = [[cell.strip() for cell in line.split("|")] for line in lines]
        assert len({len(row) for row in cells}) == 1
        rows: dict[str, dict[str, str]] = {}
        for name, *row in cells[1:]:
            rows.setdefault(name, dict(zip(cells[0][1:], row, strict=True)))
        found[section.partition("\n")[0]] = rows
    return found


@pytest.mark.parametrize("section", ["Retired instructions", "Wall time under TCG"])
def test_every_module_has_a_ratio_in_every_column(repository: Path, tables, section: str) -> None:
    rows = tables[section]
    names = [program.name for program in load_programs(repository / "kernel")]
    assert len(names) == 12
    for heading in HEADINGS:
        column = [float(rows[name][heading]) for name in names]
        mean = float(rows["geometric mean"][heading].strip("*"))
        assert mean == pytest.approx(statistics.geometric_mean(column), abs=0.02)


def test_goals_stand_beside_the_figures(tables) -> None:
    goals = tables["Retired instructions"]["goal"]
    assert {level: float(goals[f"O{level}"]) for level in LEVELS} == {level: GOALS[level] for level in LEVELS}
    assert [re.fullmatch(r"\d+ of 12", tables["Retired instructions"]["better than the level before"][f"O{level}"])
            for level in LEVELS[1:]].count(None) == 0  # fmt: skip


def test_costs_and_sizes_are_there(repository: Path, tables) -> None:
    assert all(int(tables["Cost of compiling"][f"O{level}"]["instructions a byte"]) > 10 for level in LEVELS)
    rows = tables["Size of verifier and compiler"]
    sizes = {name: int(row["code, bytes"].strip("*").replace(",", "")) for name, row in rows.items()}
    assert sizes.pop("goal") == 16 * 1024
    counted = [size for name, size in sizes.items() if name.startswith(("verifier: ", "compiler: "))]
    assert sizes["verifier and compiler"] == sum(counted)


def test_figures_are_of_this_compiler(repository: Path, tables, disk: Path, bfimg) -> None:
    names = ("sha256", "matrix_mul")
    assert bfimg("add-module", "-i", disk, *(repository / "samples" / f"{name}.bc" for name in names)).code == 0
    settings = f"modules={','.join(names)}"
    table = {f"clang {BASE}": run(disk, "native", settings, icount=True, modules=2)}
    for level in LEVELS:
        table[f"O{level}"] = run(disk, "bitcode", settings, f"jit_level={level}", icount=True, modules=2)
        for name, ratio in ratios(table, f"O{level}").items():
            shown = float(tables["Retired instructions"][name][f"O{level}"])
            assert ratio == pytest.approx(shown, rel=TOLERANCE), f"{name}, O{level}: run make bench-jit"


def test_figures_take_the_place_of_the_old_ones(page: str) -> None:
    changed = with_figures(page, "new\n")
    assert f"{BEGIN}new\n{END}" in changed
    assert changed.partition(BEGIN)[0] == page.partition(BEGIN)[0]
