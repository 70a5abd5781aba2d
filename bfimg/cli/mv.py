"""``bfimg mv``."""

from __future__ import annotations

from pathlib import Path

import click

from bfimg.cli.images import IMAGE_RULE, change_options, changing, split_image
from bfimg.cli.options import dry_run_option


@click.command("mv", epilog=IMAGE_RULE)
@click.argument("arguments", nargs=-1, metavar="[IMAGE] SOURCE... WHERE")
@change_options
@dry_run_option
def command(arguments: tuple[str, ...], image: str | None, output: Path | None, dry_run: bool) -> None:
    """Rename or move files and folders in an image.

    WHERE is the new path, or an existing folder to move into. A file of that name is replaced.

    Example: bfimg mv disk.img part1:/OLD.TXT part1:/NEW.TXT
    """
    spec, rest = split_image(arguments, image, least=2)
    with changing(spec, output, dry_run) as opened:
        opened.move_all(opened.expand(rest[:-1]), rest[-1])
