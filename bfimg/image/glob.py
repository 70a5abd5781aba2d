"""Name patterns in paths on a FAT volume. Case does not count, as everywhere on FAT."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator

from bfimg.fat.names import fold
from bfimg.fat.volume import FatFile, FatVolume, split_path

_GLOB = re.compile(r"[*?\[]")
_ANY_DEPTH = "**"


def has_glob(path: str) -> bool:
    """True when a path holds ``*``, ``?`` or ``[``."""
    return _GLOB.search(path) is not None


def matching(volume: FatVolume, pattern: str) -> Iterator[FatFile]:
    """Files and directories whose path matches; ``*`` stays within a name, ``**`` is any number of folders.

    Raises FormatError on damaged directories.
    """
    seen: set[str] = set()
    for file in _match(volume, "/", split_path(pattern)):
        if file.path not in seen:
            seen.add(file.path)
            yield file


def _match(volume: FatVolume, folder: str, parts: list[str]) -> Iterator[FatFile]:
    first, rest = parts[0], parts[1:]
    if first == _ANY_DEPTH:
        yield from _match(volume, folder, rest or ["*"])
        for file in volume.list_folder(folder):
            if file.item.is_directory:
                yield from _match(volume, file.path, parts)
        return
    accept = re.compile(fnmatch.translate(fold(first))).match
    for file in volume.list_folder(folder):
        if accept(fold(file.item.name)) or accept(fold(file.item.short_name)):
            if not rest:
                yield file
            elif file.item.is_directory:
                yield from _match(volume, file.path, rest)
