"""The map of an image as a picture (SVG)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from html import escape

from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.map.report import Cell, ImageMap, RegionMap, Use

_CELL = 9  # pixels from cell to cell, in both directions
_LEFT = 170  # where the cells begin
_LINE = 16  # between lines of text
_COLOURS = {
    Use.BAD: "#000000",
    Use.LOST: "#e45756",
    Use.TABLE: "#4c78a8",
    Use.BOOT: "#f58518",
    Use.KERNEL: "#54a24b",
    Use.CACHE: "#b279a2",
    Use.RESERVED: "#7f3c8d",
    Use.FAT: "#9d755d",
    Use.FRAGMENTED: "#d6a400",
    Use.FILE: "#72b7b2",
    Use.FOLDER: "#1f5f8b",
    Use.DATA: "#8c8c8c",
    Use.FREE: "#e8e8e8",
}


def map_svg(image: ImageMap, width: int) -> str:
    """Text of an SVG file. width: cells in a row. Each cell tells its sectors and use when pointed at."""
    body: list[str] = []
    y = 2 * _LINE
    for region in image.regions:
        body += _region(region, width, y)
        y += max(-(-len(region.cells) // width) * _CELL, _LINE) + 4
    y += _LINE
    shown = {cell.use for region in image.regions for cell in region.cells}
    for use in Use:
        if use in shown:
            body.append(f'  <rect x="8" y="{y - 9}" width="{_CELL}" height="{_CELL}" fill="{_COLOURS[use]}"/>')
            body.append(f'  <text x="24" y="{y}">{use}</text>')
            y += _LINE
    total = _LEFT + width * _CELL + 8
    sectors = image.cell_bytes // SECTOR_SIZE
    title = f"{image.name}: {image.kind}, {image.size} bytes, {sectors} sectors in a cell"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{y}" '
            'font-family="sans-serif" font-size="12">',
            f'  <rect width="{total}" height="{y}" fill="#ffffff"/>',
            f'  <text x="8" y="{_LINE}" font-weight="bold">{_text(title)}</text>',
            *body,
            "</svg>",
            "",
        ]
    )


def _region(region: RegionMap, width: int, y: int) -> Iterator[str]:
    name = region.name or "(gap)"
    yield f'  <text x="8" y="{y + 10}">{_text(name)}<title>{_text(region.note)}</title></text>'
    yield f'  <text x="{_LEFT - 8}" y="{y + 10}" text-anchor="end" fill="#666666">{region.offset // SECTOR_SIZE}</text>'
    for row in range(0, len(region.cells), width):
        x = _LEFT
        for use, group in itertools.groupby(region.cells[row : row + width], key=lambda cell: cell.use):
            cells = list(group)
            yield _bar(cells, use, x, y + row // width * _CELL)
            x += len(cells) * _CELL


def _bar(cells: list[Cell], use: Use, x: int, y: int) -> str:
    """Neighbouring cells of one use."""
    first = cells[0].offset // SECTOR_SIZE
    last = (cells[-1].offset + cells[-1].size - 1) // SECTOR_SIZE
    return (
        f'  <rect x="{x}" y="{y}" width="{len(cells) * _CELL - 1}" height="{_CELL - 1}" fill="{_COLOURS[use]}">'
        f"<title>LBA {first} to {last}: {use}</title></rect>"
    )


def _text(text: str) -> str:
    """Text that XML can hold: control characters and lone surrogates become question marks."""
    return escape("".join(letter if letter.isprintable() else "?" for letter in text))
