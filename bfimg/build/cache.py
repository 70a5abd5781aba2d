"""Compiled results, kept by the hash of everything they were made from, so a second build compiles nothing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from bfimg.errors import InputError


def default_cache_dir() -> Path:
    """``$XDG_CACHE_HOME/bfimg``, else ``~/.cache/bfimg``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bfimg"


class BuildCache:
    """Files named by their key. Several builds may use one folder at the same time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()  # compilers run in another folder
        self.made = 0
        self.reused = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot be made: {error.strerror}", path=str(folder), hint="choose another --cache-dir"
            ) from None

    def obtain(self, parts: Iterable[bytes | str], suffix: str, make: Callable[[Path], None]) -> Path:
        """The file made from `parts`; `make` writes it to the path it is given when it is not there yet."""
        digest = hashlib.sha256()
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            digest.update(len(data).to_bytes(8, "little") + data)
        path = self.folder / f"{digest.hexdigest()}{suffix}"
        if path.exists():
            self.reused += 1
            return path
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            fresh = Path(folder) / f"result{suffix}"
            make(fresh)
            fresh.replace(path)
        self.made += 1
        return path
