"""``bfimg build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bfimg.cli.options import IMAGE_NAME, dry_run_option, format_option, option
from bfimg.cli.terminal import echo, print_json

if TYPE_CHECKING:
    from bfimg.build.build import BuildReport

_BAR = 32


@click.command("build")
@click.argument("layout", required=False, type=click.Path(dir_okay=False, path_type=Path))
@option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path(IMAGE_NAME),
    show_default=True,
    help="Image to write.",
)
@option("--toolchain", type=click.Choice(["clang", "gcc"]), help="Compiler family; CC and LD choose the programs.")
@option("--cache-dir", type=click.Path(file_okay=False, path_type=Path), help="Where compiled parts are kept.")
@dry_run_option
@format_option
def command(
    layout: Path | None, output: Path, toolchain: str | None, cache_dir: Path | None, dry_run: bool, output_format: str
) -> None:
    """Build an image from kernel sources and files.

    LAYOUT is a TOML file; without one the default layout is built, which documents every key. The same inputs
    give the same bytes: timestamps are SOURCE_DATE_EPOCH, or 1980.

    Example: bfimg build -o disk.img
    """
    from bfimg.build.build import build_image
    from bfimg.build.layout import default_layout, load_layout
    from bfimg.cli.progress import progress_bar
    from bfimg.toolchain.compiler import select

    chosen = default_layout() if layout is None else load_layout(layout)
    with progress_bar("building") as progress:
        report = build_image(chosen, output, select(toolchain), cache_dir=cache_dir, dry_run=dry_run, progress=progress)
    if output_format == "json":
        _print_json(report)
    else:
        _print_map(report)


def _print_map(report: BuildReport) -> None:
    echo(f"{'region':<10} {'LBA':>6} {'sectors':>8} {'used':>10} {'free':>10}  map")
    for region in report.regions:
        filled = -(-region.used * _BAR // region.room)
        bar = "#" * filled + "." * (_BAR - filled)
        row = f"{region.name:<10} {region.first_lba:>6} {region.sectors:>8} {region.used:>10} {region.free:>10}"
        echo(f"{row}  {bar}")
    embedded = ", ".join(name for name, _ in report.embedded) or "none"
    echo(f"{len(report.files)} files on part1, modules in the kernel: {embedded}")
    echo(f"kernel build {report.kernel.build_id.hex()}")
    verb = "wrote" if report.written else "would write"
    echo(f"{verb} {report.image}: {report.size} bytes ({report.compiled} steps made, {report.reused} reused)")


def _print_json(report: BuildReport) -> None:
    document = {
        "schema_version": 1,
        "image": str(report.image),
        "size": report.size,
        "written": report.written,
        "toolchain": report.toolchain,
        "build_id": report.kernel.build_id.hex(),
        "kernel_bytes": report.kernel.image_bytes,
        "regions": [
            {"name": r.name, "lba": r.first_lba, "sectors": r.sectors, "used": r.used, "free": r.free}
            for r in report.regions
        ],
        "files": [{"path": path, "size": size} for path, size in report.files],
        "embedded": [{"name": name, "size": size} for name, size in report.embedded],
        "compiled": report.compiled,
        "reused": report.reused,
    }
    print_json(document)
