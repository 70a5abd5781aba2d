"""`IMAGE@@OFFSET`: an image that begins inside a larger file, written as mtools users write it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from bfimg.errors import UsageError
from bfimg.units import parse_size

_MARK = "@@"


class ImageSpec(NamedTuple):
    """A file, and where the image begins in it, in bytes."""

    path: Path
    offset: int = 0


def parse_image(text: str | os.PathLike[str]) -> ImageSpec:
    """Read ``disk.img``, ``disk.img@@1M``, ``disk.img@@2048S``: the offset is what follows the last ``@@``.

    A file whose own name holds ``@@`` is written with an offset, if only ``@@0``. Raises UsageError for an offset that
    is no number of bytes (see `parse_size`) and for a missing file name.
    """
    name, mark, offset = os.fspath(text).rpartition(_MARK)
    if not mark:
        return ImageSpec(Path(text))
    if not name:
        raise UsageError(f"{os.fspath(text)!r} names no file", hint="write it as disk.img@@1M")
    try:
        return ImageSpec(Path(name), parse_size(offset))
    except UsageError:
        raise UsageError(
            f"{offset!r} is no offset", path=name, hint="write it as disk.img@@1M, in bytes, or with K, M, G or S"
        ) from None
