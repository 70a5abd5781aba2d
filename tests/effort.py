"""Counts the work that a piece of code does, so that a test can bound it on any machine, however loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Effort:
    """calls: functions called so far, those in C and resumed generators included."""

    calls: int = 0


@contextmanager
def counted() -> Iterator[Effort]:
    """Counts the calls made inside the `with` block, in this thread."""
    effort = Effort()

    def count(frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            effort.calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield effort
    finally:
        sys.setprofile(before)
