"""A flame graph (SVG): a bar for each place in the tree of calls, as wide as its share of all cycles."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Sequence
from html import escape

from bfimg.profile.model import ModuleProfile
from bfimg.profile.stacks import Frame, frames

_WIDTH = 1200  # pixels of all cycles
_MARGIN = 10
_BAR = 18  # from bar to bar
_HEAD = 44  # what stands above the bars
_FONT = 12
_LETTER = 0.62 * _FONT  # no monospaced font is wider
_NARROWEST = 0.1  # a bar narrower than this, in pixels, cannot be seen and is left out


def flame_svg(modules: Sequence[ModuleProfile], title: str) -> str:
    """Text of an SVG file, which needs no script and nothing from outside.

    The modules stand side by side at the bottom, on each the functions it called, and so on. A bar says its calls and
    cycles when pointed at. A name has the same colour in every picture.
    """
    bars = frames(modules)
    total = sum(bar.cycles for bar in bars if bar.parent is None)
    levels = 1 + max((bar.depth for bar in bars), default=0)
    height = _HEAD + levels * _BAR + _MARGIN
    body: list[str] = []
    left: list[int] = []  # cycles in front of each bar
    taken: list[int] = []  # cycles of the bars that stand on each bar so far
    floor = 0
    for bar in bars:
        if bar.parent is None:
            left.append(floor)
            floor += bar.cycles
        else:
            left.append(left[bar.parent] + taken[bar.parent])
            taken[bar.parent] += bar.cycles
        taken.append(0)
        if total and bar.cycles * _WIDTH / total >= _NARROWEST:
            body += _drawn(bar, left[-1], total, height)
    width = _WIDTH + 2 * _MARGIN
    summary = f"{total:,} cycles; the wider, the more. Point at a bar for its calls."
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="monospace" font-size="{_FONT}">',
            f"<title>{_text(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            f'<text x="{_MARGIN}" y="16" font-weight="bold">{_text(title)}</text>',
            f'<text x="{_MARGIN}" y="34" fill="#555555">{_text(summary)}</text>',
            *body,
            "</svg>",
            "",
        ]
    )


def _drawn(bar: Frame, start: int, total: int, height: int) -> list[str]:
    x = _MARGIN + start * _WIDTH / total
    width = bar.cycles * _WIDTH / total
    y = height - _MARGIN - (bar.depth + 1) * _BAR
    place = bar.name if bar.parent is None else f"{bar.module}: {bar.name}"
    calls = "1 call" if bar.calls == 1 else f"{bar.calls:,} calls"
    words = f"{place}, {calls}, {bar.cycles:,} cycles ({bar.cycles / total:.2%})"
    if bar.self_cycles != bar.cycles:
        words += f", {bar.self_cycles:,} of its own"
    lines = [
        f"<g><title>{_text(words)}</title>",
        f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{_BAR - 1}" rx="1" fill="{_colour(bar)}"/>',
    ]
    if name := _fitting(bar.name, width - 6):
        lines.append(f'<text x="{x + 3:.2f}" y="{y + _BAR - 5}">{_text(name)}</text>')
    return [*lines, "</g>"]


def _fitting(name: str, width: float) -> str:
    """The name, or as much of it as is not wider than `width` pixels; nothing when that says nothing."""
    letters = int(width / _LETTER)
    if len(name) <= letters:
        return name
    return name[: letters - 1] + "…" if letters >= 3 else ""


def _colour(bar: Frame) -> str:
    """Modules are grey, functions warm, by their name. Black text can be read on all of them."""
    if bar.parent is None:
        return "#c8c8c8"
    crc = zlib.crc32(bar.name.encode("utf-8", "surrogatepass"))
    hue, lightness = (crc & 0xFF) / 0xFF * 55 / 360, 0.62 + (crc >> 8 & 0xFF) / 0xFF * 0.14
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, 0.9))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _text(text: str) -> str:
    """Text that XML can hold: control characters and lone surrogates become question marks."""
    return escape("".join(letter if letter.isprintable() else "?" for letter in text))
