"""``bfimg extract``."""

from __future__ import annotations

from pathlib import Path

import click

from bfimg.cli.images import IMAGE_RULE, reading, split_image
from bfimg.cli.options import option
from bfimg.cli.terminal import echo


@click.command("extract", epilog=IMAGE_RULE)
@click.argument("arguments", nargs=-1, metavar="[IMAGE] WHERE...")
@click.option("-i", "--image", help="Image to read.")
@option(
    "-C", "--directory", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder to write to."
)
@option("-v", "--verbose", is_flag=True, help="Name each file.")
def command(arguments: tuple[str, ...], image: str | None, directory: Path, verbose: bool) -> None:
    """Copy files and folders of an image to the host.

    WHERE is a file or folder, with patterns. Folders come with all below them.

    Example: bfimg extract disk.img 'part1:/*.MOD' -C modules
    """
    from bfimg.cli.progress import progress_bar
    from bfimg.image.transfer import extract

    spec, wheres = split_image(arguments, image, least=1)
    with reading(spec) as opened, progress_bar("extracting") as progress:
        transfers = extract(opened, wheres, directory, progress)
    if verbose:
        for transfer in transfers:
            echo(str(transfer.host))
