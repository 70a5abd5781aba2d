"""``bfimg cat``."""

from __future__ import annotations

import sys

import click

from bfimg.cli.images import IMAGE_RULE, reading, split_image


@click.command("cat", epilog=IMAGE_RULE)
@click.argument("arguments", nargs=-1, metavar="[IMAGE] WHERE...")
@click.option("-i", "--image", help="Image to read.")
def command(arguments: tuple[str, ...], image: str | None) -> None:
    """Write files, regions or fields of an image to standard output.

    WHERE is a file, with patterns (part1:/*.CFG), a region (kernel) or a field (mbr.code).

    Example: bfimg cat disk.img part1:/BAREFLOW.CFG
    """
    spec, wheres = split_image(arguments, image, least=1)
    stream = sys.stdout.buffer
    with reading(spec) as opened:
        for where in opened.expand(wheres):
            for chunk in opened.chunks(where):
                stream.write(chunk)
