"""Progress of long work: one line on standard error, only on a terminal, only when the work takes over a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE = 1.0  # seconds before the line appears
_INTERVAL = 0.1  # seconds between two updates
_BAR = 30
_ERASE = "\r\x1b[K"


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """What a library function takes as `progress`: called with (units done, units in all).

    None when standard error is no terminal. The line is erased at the end, however the block ends.
    """
    if not sys.stderr.isatty():
        yield None
        return
    line = _Line(label)
    try:
        yield line.update
    finally:
        line.erase()


class _Line:
    def __init__(self, label: str) -> None:
        self._label = label
        self._due = time.monotonic() + _PATIENCE
        self._shown = False

    def update(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _INTERVAL
        self._shown = True
        share = min(done / total, 1.0) if total else 0.0
        bar = ("#" * round(share * _BAR)).ljust(_BAR, ".")
        sys.stderr.write(f"{_ERASE}{self._label} {bar} {share:4.0%}")
        sys.stderr.flush()

    def erase(self) -> None:
        if self._shown:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
