"""``bfimg add``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bfimg.cli.images import IMAGE_RULE, change_options, changing, split_image
from bfimg.cli.options import dry_run_option, option
from bfimg.cli.terminal import echo


@click.command("add", epilog=IMAGE_RULE)
@click.argument("arguments", nargs=-1, metavar="[IMAGE] SOURCE... WHERE")
@change_options
@dry_run_option
@option("-v", "--verbose", is_flag=True, help="Name each file.")
def command(arguments: tuple[str, ...], image: str | None, output: Path | None, dry_run: bool, verbose: bool) -> None:
    """Copy host files and folders into an image.

    WHERE is a folder (part1:/DOCS/), or for one SOURCE the new file's path. SOURCE - is standard input. Existing
    files are replaced. All are added or none.

    Example: bfimg add disk.img notes.txt part1:/NOTES.TXT
    """
    from bfimg.cli.progress import progress_bar
    from bfimg.image.transfer import add

    spec, rest = split_image(arguments, image, least=2)
    sources, target = [Path(name) for name in rest[:-1]], rest[-1]
    with changing(spec, output, dry_run) as opened, progress_bar("adding") as progress:
        transfers = add(opened, sources, target, stdin=sys.stdin.buffer, progress=progress)
    if verbose:
        for transfer in transfers:
            echo(transfer.where)
