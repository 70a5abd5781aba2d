"""Sizes as people write them: 64MiB, 1440K, 2880s, 0x8000."""

from __future__ import annotations

import re

from bfimg.errors import UsageError
from bfimg.formats.mbr import SECTOR_SIZE

# K, M and G are powers of 1024, as in mtools and dd; S counts sectors.
_UNITS = {"": 1, "B": 1, "S": int(SECTOR_SIZE)}
_UNITS |= {
    name: 1 << shift for shift, names in ((10, ("K", "KIB")), (20, ("M", "MIB")), (30, ("G", "GIB"))) for name in names
}
_SIZE = re.compile(r"(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}(?:\.[0-9]{1,20})?)\s*([A-Za-z]*)")


def parse_size(text: str) -> int:
    """Bytes from an integer or fraction with a unit: K, M, G (or KiB, MiB, GiB), S for sectors of 512, none for bytes.

    Raises UsageError for anything else, and for a size that is no whole number of bytes.
    """
    match = _SIZE.fullmatch(text.strip())
    unit = _UNITS.get(match[2].upper()) if match else None
    if match is None or unit is None:
        raise UsageError(f"{text!r} is no size", hint="write bytes, or a number with K, M, G or S such as 64M")
    if match[1][:2] in ("0x", "0X"):
        return int(match[1], 16) * unit
    whole, _, fraction = match[1].partition(".")
    scale: int = 10 ** len(fraction)
    part, rest = divmod(int(fraction or "0") * unit, scale)
    if rest:
        raise UsageError(f"{text!r} is no whole number of bytes", hint="round it")
    return int(whole) * unit + part
