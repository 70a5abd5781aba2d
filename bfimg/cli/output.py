"""Where a verb's text goes: a file, or standard output."""

from __future__ import annotations

from pathlib import Path

import click

from bfimg.cli.images import STANDARD_STREAM
from bfimg.errors import InputError


def write_text(target: str, text: str) -> None:
    """Write `text` to the file `target`, or to standard output when that is ``-``. Raises InputError."""
    if target == STANDARD_STREAM:
        click.echo(text, nl=False)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=target, hint="choose another file") from None
