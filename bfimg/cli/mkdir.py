"""``bfimg mkdir``."""

from __future__ import annotations

from pathlib import Path

import click

from bfimg.cli.images import IMAGE_RULE, change_options, changing, split_image
from bfimg.cli.options import dry_run_option, option


@click.command("mkdir", epilog=IMAGE_RULE)
@click.argument("arguments", nargs=-1, metavar="[IMAGE] WHERE...")
@change_options
@option("-p", "--parents", is_flag=True, help="Make folders above it, too; an existing one is fine.")
@dry_run_option
def command(arguments: tuple[str, ...], image: str | None, output: Path | None, parents: bool, dry_run: bool) -> None:
    """Make folders in an image.

    Example: bfimg mkdir -p disk.img part1:/DOCS/OLD
    """
    spec, wheres = split_image(arguments, image, least=1)
    with changing(spec, output, dry_run) as opened:
        for where in wheres:
            opened.make_folder(where, parents=parents)
