"""Options that several verbs share, and the rule that finds the image when none is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bfimg.errors import InputError, UsageError

F = TypeVar("F", bound=Callable[..., Any])

CONFIG_NAME = "bfimg.toml"
IMAGE_NAME = "disk.img"
COMPLETE_VARIABLE = "_BFIMG_COMPLETE"  # set by a shell that asks for completions
IMAGE_RULE = f"Without IMAGE: BFIMG_IMAGE, then `image =` in {CONFIG_NAME}, then {IMAGE_NAME}."


def option(*declarations: str, **attributes: Any) -> Callable[[F], F]:
    """`click.option` that can also be set by the environment variable BFIMG_<OPTION>."""
    name = next(text for text in declarations if text.startswith("--")).split("/")[0]
    attributes.setdefault("envvar", "BFIMG_" + name.lstrip("-").replace("-", "_").upper())
    return click.option(*declarations, **attributes)


def format_option(function: F) -> F:
    """``--format human|json``."""
    choice = click.Choice(["human", "json"])
    return option("--format", "output_format", type=choice, default="human", help="Output for people or programs.")(
        function
    )


def dry_run_option(function: F) -> F:
    """``-n/--dry-run``."""
    return option("-n", "--dry-run", is_flag=True, help="Show what would be done; write nothing.")(function)


def default_image(image: str | None = None) -> Path:
    """The image to work on: `image` when given, else BFIMG_IMAGE, else bfimg.toml, else disk.img.

    Raises UsageError when none of them names an existing choice, InputError when bfimg.toml cannot be read.
    """
    if image is not None:
        return Path(image)
    if named := os.environ.get("BFIMG_IMAGE"):
        return Path(named)
    config = Path(CONFIG_NAME)
    if config.is_file():
        import tomllib

        try:
            settings = tomllib.loads(config.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"cannot be read: {error}", path=CONFIG_NAME, hint="mend or remove it") from None
        configured = settings.get("image")
        if isinstance(configured, str):
            return Path(configured)
    if Path(IMAGE_NAME).exists():
        return Path(IMAGE_NAME)
    raise UsageError("no image named", hint=f"give one, set BFIMG_IMAGE, or make one: bfimg build -o {IMAGE_NAME}")
