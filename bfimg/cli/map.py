"""``bfimg map``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from bfimg.cli.images import IMAGE_RULE, host_image
from bfimg.cli.options import default_image, format_option, option
from bfimg.cli.output import write_text
from bfimg.cli.terminal import echo, print_json

if TYPE_CHECKING:
    from bfimg.map.report import Cell, FragmentedFile, ImageMap

_WIDTH = 64
_LABEL = 24  # columns in front of the cells
_MOST_FILES = 10
# Use (its name in bfimg.map.report.Use) -> character, colour.
_SYMBOLS = {
    "BAD": ("x", "red"),
    "LOST": ("?", "red"),
    "TABLE": ("T", "blue"),
    "BOOT": ("B", "yellow"),
    "KERNEL": ("K", "green"),
    "CACHE": ("J", "magenta"),
    "RESERVED": ("R", "magenta"),
    "FAT": ("F", "yellow"),
    "FRAGMENTED": ("%", "bright_yellow"),
    "FILE": ("#", "cyan"),
    "FOLDER": ("d", "blue"),
    "DATA": ("=", "white"),
    "FREE": (".", "bright_black"),
}
_PARTLY = "+"  # a cell with files that is not full


@click.command("map", epilog=IMAGE_RULE)
@click.argument("image", required=False)
@option("--width", type=click.IntRange(8, 4096), metavar="N", help="Characters in a row; the terminal's by default.")
@option("--svg", metavar="FILE", help="Draw a picture into this file instead, - for standard output.")
@option("--bmap", metavar="FILE", help="Write the block map that bmaptool reads instead.")
@format_option
def command(image: str | None, width: int | None, svg: str | None, bmap: str | None, output_format: str) -> None:
    """Draw an image as sectors, by region, with what is used, free and fragmented.

    A character stands for some sectors of one region and shows the first thing of the legend that is in them. Colours
    are for terminals; NO_COLOR turns them off.

    Example: bfimg map disk.img --svg disk.svg
    """
    from bfimg.image.store import Store
    from bfimg.map.survey import survey

    columns = width or _terminal_width()
    spec = str(default_image(image))
    with host_image(spec) as (path, offset), Store.open(path, base=offset) as store:
        if bmap is not None:
            from bfimg.map.bmap import bmap as block_map

            write_text(bmap, block_map(store))
            return
        found = survey(store, columns)
    if svg is not None:
        from bfimg.map.svg import map_svg

        write_text(svg, map_svg(found, columns))
    elif output_format == "json":
        print_json(_document(found))
    else:
        _print_map(found, columns)


def _terminal_width() -> int:
    if not sys.stdout.isatty():
        return _WIDTH
    import shutil

    return max(shutil.get_terminal_size().columns - _LABEL - 1, 16)


def _print_map(found: ImageMap, columns: int) -> None:
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    sectors = found.cell_bytes // 512
    stands = "1 sector" if sectors == 1 else f"{sectors} sectors"
    echo(f"{found.name}: {found.kind}, {found.size} bytes, {stands} in a character")
    for region in found.regions:
        name = region.name or "(gap)"
        for start in range(0, len(region.cells), columns):
            row = region.cells[start : start + columns]
            label = f"{row[0].offset // 512:>10}  {name:<10}  "
            # The label has no text from the image, so it needs no escaping; the colours must not get any.
            click.echo(label + "".join(_drawn(cell, colours) for cell in row))
            name = ""
    echo()
    for text in _legend(found):
        echo(text)
    for volume in found.volumes:
        echo()
        if volume.cluster_count == 0:
            echo(f"{volume.region}: cannot be read as a volume: {volume.problem}")
            continue
        pieces = f"{len(volume.fragmented)} in pieces" if volume.fragmented else "none in pieces"
        echo(
            f"{volume.region}: {volume.files} files, {pieces}, "
            f"{volume.free_clusters} of {volume.cluster_count} clusters of {volume.cluster_bytes} bytes free"
        )
        if volume.problem:
            echo(f"  not complete: {volume.problem}; bfimg check tells more")
        for file in volume.fragmented[:_MOST_FILES]:
            echo(f"  {file.region}:{file.path}  {_pieces(file)}")
        if len(volume.fragmented) > _MOST_FILES:
            echo(f"  and {len(volume.fragmented) - _MOST_FILES} more; --format json has all")


def _symbol(cell: Cell) -> str:
    symbol = _SYMBOLS[cell.use.name][0]
    return _PARTLY if cell.use.name == "FILE" and cell.used < cell.size else symbol


def _drawn(cell: Cell, colours: bool) -> str:
    return click.style(_symbol(cell), fg=_SYMBOLS[cell.use.name][1]) if colours else _symbol(cell)


def _legend(found: ImageMap) -> list[str]:
    """The symbols that are in the map."""
    from bfimg.map.report import Use

    cells = [cell for region in found.regions for cell in region.cells]
    uses = {cell.use for cell in cells}
    lines = [f"  {_SYMBOLS[use.name][0]} {use}" for use in Use if use in uses]
    if any(_symbol(cell) == _PARTLY for cell in cells):
        lines.append(f"  {_PARTLY} file, and free room")
    return lines


def _pieces(file: FragmentedFile) -> str:
    shown = ", ".join(f"{p.offset // 512}-{(p.offset + p.size) // 512 - 1}" for p in file.pieces[:5])
    more = ", ..." if len(file.pieces) > 5 else ""
    return f"{len(file.pieces)} pieces: LBA {shown}{more}"


def _document(found: ImageMap) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "image": found.name,
        "size": found.size,
        "kind": str(found.kind),
        "cell_bytes": found.cell_bytes,
        "regions": [
            {
                "name": region.name,
                "offset": region.offset,
                "size": region.size,
                "note": region.note,
                "cells": [
                    {"offset": cell.offset, "size": cell.size, "use": cell.use.name.lower(), "used": cell.used}
                    for cell in region.cells
                ],
            }
            for region in found.regions
        ],
        "volumes": [
            {
                "region": volume.region,
                "files": volume.files,
                "cluster_bytes": volume.cluster_bytes,
                "cluster_count": volume.cluster_count,
                "free_clusters": volume.free_clusters,
                "problem": volume.problem,
                "fragmented": [
                    {"path": file.path, "pieces": [{"offset": p.offset, "size": p.size} for p in file.pieces]}
                    for file in volume.fragmented
                ],
            }
            for volume in found.volumes
        ],
    }
