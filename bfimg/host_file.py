"""Files of the host: read whole, only regular ones, as a pipe or device may never end; written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

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


@contextmanager
def replaced_file(path: Path) -> Iterator[BinaryIO]:
    """A stream into a new file that takes the place of `path` when the block ends; `path` stays as it is otherwise.

    Raises OSError as the host does.
    """
    import tempfile

    handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        # What a plain open() would have given it; a temporary file is for its owner only.
        Path(temporary).chmod(0o666 & ~umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_host_file(path: Path, data: bytes) -> None:
    """Write a file, in the place of one that is there. Raises InputError when it cannot be written."""
    try:
        with replaced_file(path) as stream:
            stream.write(data)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=str(path), hint="name another file") from None


def umask() -> int:
    """The process's umask, which can only be read by setting it; the kernel also tells it without."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o022
