"""A picture of the disk layout, as SVG."""

from __future__ import annotations

from bfimg.formats.disk_layout import DISK_REGIONS

_WIDTH = 760
_ROW = 44
_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#72b7b2")


def layout_svg() -> str:
    """Text of ``docs/disk-layout.svg``: one bar for each region, in disk order, not to scale."""
    height = _ROW * len(DISK_REGIONS) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        f'  <rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for index, (region, colour) in enumerate(zip(DISK_REGIONS, _COLOURS, strict=True)):
        y = 6 + index * _ROW
        last = "end of image" if region.end_lba is None else str(region.end_lba - 1)
        span = f"LBA {region.first_lba}" if region.sectors == 1 else f"LBA {region.first_lba} to {last}"
        lines += [
            f'  <rect x="6" y="{y}" width="230" height="{_ROW - 6}" rx="3" fill="{colour}"/>',
            f'  <text x="16" y="{y + 17}" fill="#ffffff" font-weight="bold">{region.name}</text>',
            f'  <text x="16" y="{y + 32}" fill="#ffffff" font-size="11">{span}</text>',
            f'  <text x="250" y="{y + 24}" fill="#222222">{region.meaning}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
