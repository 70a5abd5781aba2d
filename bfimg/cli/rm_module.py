"""``bfimg rm-module``."""

from __future__ import annotations

from pathlib import Path

import click

from bfimg.cli.images import IMAGE_RULE, change_options, changing, split_image
from bfimg.cli.options import dry_run_option
from bfimg.cli.terminal import echo


@click.command("rm-module", epilog=IMAGE_RULE)
@click.argument("names", nargs=-1, required=True)
@change_options
@dry_run_option
def command(names: tuple[str, ...], image: str | None, output: Path | None, dry_run: bool) -> None:
    """Remove modules from an image's FAT volume.

    NAMES are module names as in their headers, or file names. A name takes every module file that has it, native and
    bitcode.

    Example: bfimg rm-module -i disk.img sha256
    """
    from bfimg.module.remove import remove_modules

    spec, _ = split_image((), image)
    with changing(spec, output, dry_run) as opened:
        for where in remove_modules(opened, names):
            echo(f"removed {where}")
