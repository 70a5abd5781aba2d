"""Which function of a module is the one to call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bfimg.errors import NotFoundError

_MOST_SHOWN = 8


def choose_entry(path: Path, defined: Sequence[str], name: str, wanted: str | None) -> str:
    """The function to call: as asked for, else NAME_main, NAME, module_main, main, else the only external one.

    path: the file, for messages. defined: its external functions. name: of the module. Raises NotFoundError.
    """
    if wanted is not None:
        if wanted not in defined:
            raise NotFoundError(
                f"no external function {wanted!r} is defined", path=str(path), field="entry", hint=_there_are(defined)
            )
        return wanted
    for candidate in (f"{name}_main", name, "module_main", "main"):
        if candidate in defined:
            return candidate
    if len(defined) == 1:
        return defined[0]
    raise NotFoundError(
        "which function is the entry cannot be told",
        path=str(path),
        field="entry",
        hint=f"choose one with --entry; {_there_are(defined)}",
    )


def _there_are(defined: Sequence[str]) -> str:
    if not defined:
        return "the module defines no external function"
    shown = ", ".join(defined[:_MOST_SHOWN])
    more = len(defined) - _MOST_SHOWN
    return f"there are: {shown}" + (f" and {more} more" if more > 0 else "")
