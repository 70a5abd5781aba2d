"""``bfimg get``."""

from __future__ import annotations

import click

from bfimg.cli.images import IMAGE_RULE, reading, split_image
from bfimg.cli.options import format_option
from bfimg.cli.terminal import echo, print_json


@click.command("get", epilog=IMAGE_RULE)
@click.argument("arguments", nargs=-1, metavar="[IMAGE] FIELD...")
@click.option("-i", "--image", help="Image to read.")
@format_option
def command(arguments: tuple[str, ...], image: str | None, output_format: str) -> None:
    """Print fields of an image.

    FIELD is a path as `bfimg inspect` shows it, or the front of one; part1:/NAME.BC#name is a field of a module's
    header. One field prints its value alone.

    Example: bfimg get disk.img stage2.kernel_sectors
    """
    spec, paths = split_image(arguments, image, least=1)
    with reading(spec) as opened:
        fields = [field for path in paths for field in opened.field.find(path)]
    if output_format == "json":
        print_json({"schema_version": 1, "fields": {f.path: f.value for f in fields}})
    elif len(fields) == 1:
        echo(str(fields[0].value))
    else:
        for field in fields:
            echo(f"{field.path}={field.value!s}")
