"""The levels of the micro-JIT in figures, beside the same sources compiled natively: the tables of docs/jit-levels.md.

    python tests/benchmarks/jit.py [--write PAGE]

Counts are QEMU's icount: one guest instruction is one cycle, the same on every run. All twelve modules run in one boot
for each column: natively made with clang -O0, -O1 and -O2, and from bitcode with every function compiled at one level.
The second table is wall time under TCG. Prints the tables; with --write they take the place of those in the page.

Native modules have their data on pages of their own here. As they come, data shares a page with code, and each store to
such a page costs QEMU a microsecond.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bfimg.boot import BootOptions, boot
from bfimg.build.build import build_image
from bfimg.build.cache import BuildCache
from bfimg.build.layout import default_layout, kernel_sources
from bfimg.build.objects import ObjectBuilder
from bfimg.build.programs import load_programs
from bfimg.module.elf import read_elf
from bfimg.toolchain.compiler import Toolchain, select

CLANG = ("-O0", "-O1", "-O2")
BASE = "-O2"
LEVELS = (0, 1, 2, 3)
GOALS = {0: 3.0, 1: 2.0, 2: 1.35, 3: 1.20}
BETTER_GOAL = 10
COMPILE_GOALS = {0: 150, 3: 1500}
CODE_GOAL = 16 * 1024
TIMED_CALLS, REPETITIONS = 20, 3
# Files of kernel/jit/ that are the verifier, and those that neither verify nor compile; the others are the compiler.
VERIFIER = ("verify", "program", "section")
AROUND = ("code", "config", "dump", "find", "fixed", "load", "measure", "module", "promote", "report", "summary")
DATA = "        . = ALIGN(16);\n        *(.data .data.*)"
BEGIN, END = "<!-- Figures, made by `make bench-jit`. -->\n", "<!-- End of the figures. -->\n"


@dataclass(frozen=True)
class Levelled(Toolchain):
    """A toolchain that compiles the module programs, not what they are linked with, at another level than -O2."""

    level: str = BASE

    def module_command(self, source: str, output: str, include: tuple[str, ...]) -> tuple[str, ...]:
        command = super().module_command(source, output, include)
        if not source.startswith("modules/"):
            return command
        return tuple(self.level if argument == BASE else argument for argument in command)


@dataclass(frozen=True)
class Images:
    """An image for each of CLANG, all with the native modules; that of BASE has the bitcode modules too."""

    native: Mapping[str, Path]

    @property
    def bitcode(self) -> Path:
        return self.native[BASE]


def sources_with_data_apart(folder: Path) -> Path:
    """A copy of the kernel folder whose modules have their data on pages of their own."""
    sources = Path(shutil.copytree(kernel_sources(), folder / "kernel"))
    script = sources / "module.ld.S"
    before, after = script.read_text(encoding="utf-8").split(DATA)
    script.write_text(f"{before}{DATA.replace('16', 'BF_PAGE_SIZE')}{after}", encoding="utf-8")
    return sources


def make_images(folder: Path) -> Images:
    layout, clang = (
        dataclasses.replace(default_layout(), kernel_sources=sources_with_data_apart(folder)),
        select("clang"),
    )
    made = {}
    for level in CLANG:
        toolchain = Levelled(clang.family, clang.compiler, clang.linker, clang.version, level)
        bitcode = layout.native_modules if level == BASE else ()
        wanted = dataclasses.replace(layout, embedded_modules=(), bitcode_modules=bitcode, files=())
        path = folder / f"clang{level}.img"
        made[level] = build_image(wanted, path, toolchain, cache_dir=folder / "cache").image
    return Images(made)


@dataclass(frozen=True)
class Column:
    """What one boot says of the twelve modules, by name.

    cycles: of all calls. code_bytes, compile_cycles: of the functions that were called, what verifying takes left out.
    """

    cycles: Mapping[str, int]
    code_bytes: Mapping[str, int]
    compile_cycles: Mapping[str, int]


def run(image: Path, kind: str, *settings: str, icount: bool, calls: int = 1, modules: int = 12) -> Column:
    """Boot and run the modules of one kind, so many. Raises SystemExit unless all give their answers."""
    config = (f"iterations={calls}", "time_limit=60000", *settings)
    report = boot(BootOptions(image, icount=icount, config=config, timeout=300))
    events = [event for event in report.events if event["event"] == "module" and event["kind"] == kind]
    events = [event for event in events if event["status"] != "not selected"]
    wrong = [event for event in events if event["status"] != "passed" or event["calls"] != calls]
    problems = [event for event in report.events if event["event"] == "config" and "problem" in event]
    if wrong or problems or not report.passed or len(events) != modules:
        raise SystemExit(f"{image.name} {' '.join(settings)}: {report.reason} {wrong} {problems}")
    names = {str(event["name"]): int(event["cycles"]) for event in events}
    functions = [event for event in report.events if event["event"] == "function"]

    def total(key: str) -> dict[str, int]:
        return {name: sum(event[key] for event in functions if event["module"] == name) for name in names}

    return Column(names, total("code_bytes"), total("compile_cycles"))


Table = dict[str, Column]


def columns(images: Images, levels: tuple[int, ...], *, icount: bool, calls: int = 1) -> Table:
    """By heading: a column for each way of compiling."""
    found = {f"clang {level}": run(images.native[level], "native", icount=icount, calls=calls) for level in CLANG}
    for level in levels:
        found[f"O{level}"] = run(images.bitcode, "bitcode", f"jit_level={level}", icount=icount, calls=calls)
    return found


def fastest(tables: list[Table]) -> Table:
    """The least cycles of several tables, module by module: what else the host does only ever adds to them."""
    return {
        heading: dataclasses.replace(
            column, cycles={name: min(table[heading].cycles[name] for table in tables) for name in column.cycles}
        )
        for heading, column in tables[0].items()
    }


def ratios(table: Table, heading: str) -> dict[str, float]:
    base = table[f"clang {BASE}"].cycles
    return {name: cycles / base[name] for name, cycles in table[heading].cycles.items()}


def better(table: Table, heading: str, before: str) -> int:
    """In how many modules a level takes less than the one before."""
    return sum(table[heading].cycles[name] < cycles for name, cycles in table[before].cycles.items())


def line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


def header(first: str, *others: str) -> str:
    return line(first, *others) + "|---|" + "---:|" * len(others) + "\n"


def ratio_table(table: Table, unit: str, *, goals: bool) -> Iterator[str]:
    base = f"clang {BASE}"
    headings = [heading for heading in table if heading != base]
    levels = [heading for heading in headings if heading.startswith("O")]
    yield header("module", f"{base}, {unit}", *headings)
    found = {heading: ratios(table, heading) for heading in headings}
    for name, cycles in table[base].cycles.items():
        yield line(name, f"{cycles:,}", *(f"{found[heading][name]:.2f}" for heading in headings))
    means = [statistics.geometric_mean(found[heading].values()) for heading in headings]
    yield line("geometric mean", "", *(f"**{mean:.2f}**" for mean in means))
    if not goals:
        return
    limits = {f"O{level}": goal for level, goal in GOALS.items()}
    yield line("goal", "", *(f"{limits[heading]:.2f}" if heading in limits else "" for heading in headings))
    counts = {heading: f"{better(table, heading, before)} of 12" for before, heading in pairwise(levels)}
    yield line("better than the level before", "", *(counts.get(heading, "") for heading in headings))
    yield line("goal", "", *(f"{BETTER_GOAL} of 12" if heading in counts else "" for heading in headings))


def compile_table(table: Table) -> Iterator[str]:
    yield header("level", "instructions a byte", "goal", "most in one module", "bytes of code, all modules")
    for level in LEVELS:
        if (column := table.get(f"O{level}")) is None:
            continue
        code, cycles = sum(column.code_bytes.values()), sum(column.compile_cycles.values())
        most = max(column.compile_cycles[name] / size for name, size in column.code_bytes.items())
        goal = f"{COMPILE_GOALS[level]:,}" if level in COMPILE_GOALS else ""
        yield line(f"O{level}", f"{cycles / code:.0f}", goal, f"{most:.0f}", f"{code:,}")


def part_of(file: str) -> str:
    group = file.split("_")[0]
    return "verifier" if group in VERIFIER else "around" if group in AROUND else "compiler"


def compiler_sizes(folder: Path) -> dict[str, tuple[int, int]]:
    """Bytes of machine code and of constants, by the names of the files."""
    sources = kernel_sources()
    sizes: dict[str, tuple[int, int]] = {}
    with BuildCache(folder / "cache") as cache:
        builder = ObjectBuilder(sources, select("clang"), cache, load_programs(sources))
        for source in sorted((sources / "jit").glob("*.c")):
            if source.name == "helpers.c":  # what programs call
                continue
            sections = read_elf(builder.kernel_object(source).data).sections
            code = sum(section.size for section in sections if section.name.startswith(".text"))
            data = sum(len(s.contents) for s in sections if s.is_allocated and not s.name.startswith(".text"))
            sizes[source.stem] = code, data
    return sizes


def size_table(sizes: dict[str, tuple[int, int]]) -> Iterator[str]:
    yield header("files of `kernel/jit/`", "code, bytes", "texts and tables, bytes")
    for part in ("verifier", "compiler", "around"):
        for file, (code, data) in sizes.items():
            if part_of(file) == part:
                yield line(f"{part}: `{file}.c`", f"{code:,}", f"{data:,}")
    counted = [size for file, size in sizes.items() if part_of(file) != "around"]
    code, data = (sum(column) for column in zip(*counted, strict=True))
    yield line("verifier and compiler", f"**{code:,}**", f"{data:,}")
    yield line("goal", f"{CODE_GOAL:,}", "")


def figures(folder: Path) -> str:
    """The part of the page between BEGIN and END."""
    images = make_images(folder)
    counted = columns(images, LEVELS, icount=True)
    timed = fastest([columns(images, LEVELS, icount=False, calls=TIMED_CALLS) for _ in range(REPETITIONS)])
    parts = [
        "\n## Retired instructions\n\n",
        *ratio_table(counted, "instructions", goals=True),
        f"\n## Wall time under TCG\n\nOf {TIMED_CALLS} calls, the fastest of {REPETITIONS} runs.\n\n",
        *ratio_table(timed, "cycles of the host", goals=False),
        "\n## Cost of compiling\n\n",
        *compile_table(counted),
        "\n## Size of verifier and compiler\n\n",
        *size_table(compiler_sizes(folder)),
        "\n",
    ]
    return "".join(parts)


def with_figures(page: str, text: str) -> str:
    """The page with these figures in the place of its own."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + text + END + rest.split(END)[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the levels of the micro-JIT.")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the figures into this page")
    page = parser.parse_args().write
    with tempfile.TemporaryDirectory(prefix="bfimg-bench-") as name:
        text = figures(Path(name))
    print(text)
    if page is not None:
        page.write_text(with_figures(page.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
