"""``bfimg rm``."""

from __future__ import annotations

from pathlib import Path

import click

from bfimg.cli.images import IMAGE_RULE, change_options, changing, split_image
from bfimg.cli.options import dry_run_option, option


@click.command("rm", epilog=IMAGE_RULE)
@click.argument("arguments", nargs=-1, metavar="[IMAGE] WHERE...")
@change_options
@option("-r", "--recursive", is_flag=True, help="Remove folders with all below them.")
@dry_run_option
def command(arguments: tuple[str, ...], image: str | None, output: Path | None, recursive: bool, dry_run: bool) -> None:
    """Remove files and folders from an image.

    WHERE is a file or folder, with patterns. All are removed or none.

    Example: bfimg rm disk.img 'part1:/*.TMP'
    """
    spec, wheres = split_image(arguments, image, least=1)
    with changing(spec, output, dry_run) as opened:
        for where in opened.expand(wheres):
            opened.remove(where, recursive=recursive)
