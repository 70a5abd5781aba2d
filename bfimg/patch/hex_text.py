"""Apply a hexdump that someone has edited: each line's bytes go to the line's offset."""

from __future__ import annotations

import re

from bfimg.errors import FormatError
from bfimg.image.store import Store

_LINE = re.compile(r"\s*(?:([0-9A-Fa-f]{1,16}):|([0-9A-Fa-f]{7,16})(?=\s|$))\s*(.*)")
_PAIR = "[0-9A-Fa-f]{2} "
# The hexdump package would take digits that are not in pairs for bytes, text behind them included, and drop a
# seventeenth byte without a word.
_UNSAFE = re.compile(rf"[0-9A-Fa-f]{{2}}\S|(?:{_PAIR}){{8}} ?(?:{_PAIR}){{8}}[0-9A-Fa-f]")
_WIDTH = 60  # of a full line; the package finds the columns of a shorter one by its blanks
_HINT = "write lines as bfimg inspect --hex prints them, at most 16 bytes each"


def apply_hex_text(store: Store, text: str, name: str = "hexdump") -> None:
    """Write the bytes of a hexdump at its offsets, which count from the start of the image, as pending changes.

    text: as `bfimg inspect --hex`, `hexdump -C` or Python's hexdump package write it, up to 16 bytes a line; lines
    may be left out. Nothing tells what must be there before. Raises FormatError, and changes nothing, for a line that
    cannot be read or is outside the image.
    """
    writes = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        offset, data = _parse(line, number, name)
        if offset + len(data) > store.size:
            raise FormatError(
                f"line {number} ends at {offset + len(data):#x}, the image at {store.size:#x}", path=name, hint=_HINT
            )
        writes.append((offset, data))
    if not writes:
        raise FormatError("holds no bytes", path=name, hint=_HINT)
    for offset, data in writes:
        store.write(offset, data)


def _parse(line: str, number: int, name: str) -> tuple[int, bytes]:
    """(offset, bytes) of one line. The hexdump package reads the bytes; it would drop the offset."""
    import hexdump

    found = _LINE.fullmatch(line)
    if found is not None:
        colon, bare, rest = found.groups()
        offset = int(colon or bare, 16)
        if not rest:
            return offset, b""
        if not _UNSAFE.match(rest):
            try:
                return offset, hexdump.restore(f"0: {rest}".ljust(_WIDTH) + "|")
            except ValueError:
                pass
    raise FormatError(f"line {number} is no line of a hexdump: {line[:60]!r}", path=name, hint=_HINT)
