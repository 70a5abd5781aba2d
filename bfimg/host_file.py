"""Files of the host, read whole. Only regular files: a pipe or device may never end."""

from __future__ import annotations

import stat
from pathlib import Path

from bfimg.errors import InputError


def host_file_size(path: Path, *, hint: str) -> int:
    """Bytes in a regular file. Raises InputError, with `hint`, when there is none at `path`."""
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path), hint=hint) from None
    if not stat.S_ISREG(status.st_mode):
        raise InputError("cannot be read: it is no regular file", path=str(path), hint=hint)
    return status.st_size


def read_host_file(path: Path, *, hint: str) -> bytes:
    """The contents of a regular file. Raises InputError, with `hint`, when it cannot be read."""
    host_file_size(path, hint=hint)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path), hint=hint) from None
