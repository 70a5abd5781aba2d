"""``@FILE`` arguments: a file that holds arguments, one a line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bfimg.errors import UsageError

_MARK = "@"


def expand(arguments: Iterable[str]) -> Iterator[str]:
    """The arguments with each ``@FILE`` replaced by the lines of that file, ``@-`` by those of standard input.

    Lines are taken as they are, empty ones left out. ``@@TEXT`` is the argument ``@TEXT``. Raises UsageError when the
    file cannot be read.
    """
    for argument in arguments:
        if argument.startswith(_MARK * 2):
            yield argument[1:]
        elif argument.startswith(_MARK) and argument != _MARK:
            yield from filter(None, _read(argument[1:]).split("\n"))
        else:
            yield argument


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}", path=name, hint=f"write {_MARK * 2}{name} for an argument with @"
        ) from None
