"""Text for a terminal: nothing in it may steer the terminal or fail to encode. Signals that end a command."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click


def printable(text: str) -> str:
    """`text` with control characters and lone surrogates written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def echo(line: str = "", *, err: bool = False) -> None:
    """Print one line that may hold names from an image, a host or a guest."""
    stream = sys.stderr if err else sys.stdout
    encoding = stream.encoding or "utf-8"
    click.echo(printable(line).encode(encoding, "backslashreplace").decode(encoding), err=err)


def print_json(document: dict[str, Any]) -> None:
    """Print a document for programs, with everything outside ASCII as escapes."""
    import json

    click.echo(json.dumps(document, indent=2))


@contextmanager
def termination_raises() -> Iterator[None]:
    """Make SIGTERM and SIGHUP unwind the stack, as Ctrl-C does, so that no temporary file is left behind."""

    def unwind(number: int, frame: FrameType | None) -> None:
        # A shell's status for a program that a signal ended.
        raise SystemExit(128 + number)

    # Only default actions are replaced: under nohup a hang-up stays ignored.
    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, unwind)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
