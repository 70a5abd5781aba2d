"""``bfimg profile``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bfimg.cli.options import format_option, option
from bfimg.cli.output import write_text
from bfimg.cli.terminal import echo, print_json
from bfimg.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from bfimg.profile import Change, Comparison, FunctionProfile, ModuleProfile, Profile, Statistics

_STATISTICS = ("average", "minimum", "maximum", "deviation")


@click.command("profile")
@click.argument("files", nargs=-1, required=True, metavar="FILE [OTHER]")
@option("--module", metavar="NAME", help="Only the modules of this name.")
@option("--svg", metavar="FILE", help="Draw a flame graph into this file instead, - for standard output.")
@option("--folded", metavar="FILE", help="Write the stacks, a line each, to this file instead.")
@format_option
def command(
    files: tuple[str, ...], module: str | None, svg: str | None, folded: str | None, output_format: str
) -> None:
    """Show what the kernel measured: modules, functions, calls; or compare two runs.

    FILE is what `bfimg boot --profile FILE` wrote. Functions are known of modules that were built instrumented. Cycles
    are those of the time stamp counter; with `boot --icount` they count instructions and repeat exactly.

    With two files the ratio is of the cycles for a call: below 1 where OTHER is faster.

    Example: bfimg profile out.json --svg flame.svg
    """
    from bfimg.profile import compare, flame_svg, read_profile
    from bfimg.profile import folded as folded_stacks

    if len(files) > 2:
        raise UsageError(f"{len(files)} profiles cannot be compared", hint="name one or two")
    if len(files) == 2 and (svg or folded):
        raise UsageError("a flame graph is of one profile", hint="name one")
    profiles = [_narrowed(read_profile(Path(file)), module) for file in files]
    if len(profiles) == 2:
        comparison = compare(*profiles)
        if output_format == "json":
            print_json(_comparison_document(comparison, *files))
        else:
            _print_comparison(comparison)
        return
    (profile,) = profiles
    if svg is not None:
        write_text(svg, flame_svg(profile.modules, f"{Path(files[0]).name}: kernel {profile.build_id}"))
    if folded is not None:
        write_text(folded, "".join(line + "\n" for line in folded_stacks(profile.modules)))
    if svg is None and folded is None:
        if output_format == "json":
            print_json(_document(profile, files[0]))
        else:
            _print_profile(profile)


def _narrowed(profile: Profile, name: str | None) -> Profile:
    import dataclasses

    if name is None:
        return profile
    modules = tuple(module for module in profile.modules if module.name == name)
    if not modules:
        names = ", ".join(dict.fromkeys(module.name for module in profile.modules))
        raise NotFoundError(f"no module {name} in the profile", hint=f"there are: {names}" if names else "it has none")
    return dataclasses.replace(profile, modules=modules)


def _print_profile(profile: Profile) -> None:
    echo(f"kernel {profile.build_id}; cycles, without {profile.probe_outer} for each pair of probes")
    echo()
    rows: list[tuple[str, ...]] = [("module", "kind", "status", "calls", "total", *_STATISTICS)]
    rows += [
        (
            module.name,
            module.kind,
            module.status,
            f"{module.calls:,}",
            f"{module.cycles.total:,}",
            *_numbers(module.cycles),
        )
        for module in profile.modules
    ]
    _print_table(rows, left=3)
    for module in profile.modules:
        if module.functions:
            _print_functions(module)


def _print_functions(module: ModuleProfile) -> None:
    echo()
    rows: list[tuple[str, ...]] = [(module.name, "self", "self cycles", "calls", "total", *_STATISTICS)]
    rows += [
        (
            function.name,
            f"{_share(function, module):.1%}",
            f"{function.self_cycles:,}",
            f"{function.calls:,}",
            f"{function.inclusive.total:,}",
            *_numbers(function.inclusive),
        )
        for function in module.hottest()
    ]
    _print_table(rows, left=1)
    if module.edges:
        echo()
        edges = sorted(module.edges, key=lambda edge: (-edge.calls, edge.caller, edge.callee))
        _print_table([("caller", "callee", "calls"), *((e.caller, e.callee, f"{e.calls:,}") for e in edges)], left=2)
    if module.dropped_calls:
        echo(f"{module.dropped_calls:,} calls found no room in the tree of calls; their cycles are with their callers")


def _print_comparison(comparison: Comparison) -> None:
    rows: list[tuple[str, ...]] = [
        ("module", "kind", "function", "old calls", "new calls", "old cycles", "new cycles", "ratio")
    ]
    for change in comparison.changes:
        if not (change.old_calls or change.new_calls):
            continue  # in neither run was it called
        numbers = (change.old_calls, change.new_calls, change.old_cycles, change.new_cycles)
        ratio = "" if change.ratio is None else f"{change.ratio:.3f}"
        texts = ("-" if number is None else f"{number:,}" for number in numbers)
        rows.append((change.module, change.kind, change.function or "", *texts, ratio))
    _print_table(rows, left=3)
    if not comparison.same_kernel:
        echo("the kernels of the two runs differ")


def _print_table(rows: Sequence[Sequence[str]], left: int) -> None:
    """Columns of texts; the first `left` are aligned to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell:{'<' if column < left else '>'}{widths[column]}}" for column, cell in enumerate(row)]
        echo("  ".join(cells).rstrip())


def _numbers(statistics: Statistics) -> tuple[str, ...]:
    values = (statistics.average, statistics.minimum, statistics.maximum, statistics.deviation)
    return tuple("" if value is None else f"{value:,}" for value in values)


def _share(function: FunctionProfile, module: ModuleProfile) -> float:
    """Of the cycles of all functions of the module, those of this one itself."""
    return function.self_cycles / module.self_total if module.self_total else 0.0


def _document(profile: Profile, file: str) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "file": file,
        "build_id": profile.build_id,
        "probe": {"inner": profile.probe_inner, "outer": profile.probe_outer},
        "modules": [
            {
                **{key: getattr(module, key) for key in ("name", "kind", "source", "file", "status", "calls")},
                "cycles": _statistics_document(module.cycles),
                "functions": [
                    {
                        "name": function.name,
                        "calls": function.calls,
                        "self_cycles": function.self_cycles,
                        "self_share": round(_share(function, module), 6),
                        "cycles": _statistics_document(function.inclusive),
                    }
                    for function in module.hottest()
                ],
                "edges": [{"caller": e.caller, "callee": e.callee, "calls": e.calls} for e in module.edges],
                "dropped_calls": module.dropped_calls,
            }
            for module in profile.modules
        ],
    }


def _statistics_document(statistics: Statistics) -> dict[str, Any]:
    keys = ("count", "total", "minimum", "maximum", "average", "variance", "deviation")
    return {key: getattr(statistics, key) for key in keys}


def _comparison_document(comparison: Comparison, old: str, new: str) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "old": old,
        "new": new,
        "same_kernel": comparison.same_kernel,
        "changes": [_change_document(change) for change in comparison.changes],
    }


def _change_document(change: Change) -> dict[str, Any]:
    keys = ("module", "kind", "function", "old_calls", "new_calls", "old_cycles", "new_cycles")
    ratio = None if change.ratio is None else round(change.ratio, 6)
    return {**{key: getattr(change, key) for key in keys}, "ratio": ratio}
