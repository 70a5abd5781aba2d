"""``bfimg set``."""

from __future__ import annotations

from pathlib import Path

import click

from bfimg.cli.images import IMAGE_RULE, change_options, changing, split_image
from bfimg.cli.options import dry_run_option, option
from bfimg.errors import UsageError


@click.command("set", epilog=IMAGE_RULE)
@click.argument("arguments", nargs=-1, metavar="[IMAGE] FIELD=VALUE...")
@change_options
@option("--raw", is_flag=True, help="Set illegal values, too, and leave CRCs and copies as they are.")
@dry_run_option
def command(arguments: tuple[str, ...], image: str | None, output: Path | None, raw: bool, dry_run: bool) -> None:
    """Set fields of an image.

    FIELD is a path as `bfimg inspect` shows it. VALUE is an integer (12, 0x0c), a name the field knows (fat16_lba),
    text, or bytes in hexadecimal. CRCs and copies that depend on a field are put right.

    Example: bfimg set disk.img mbr.partitions[0].type=fat16 fat.bpb.volume_id=0x12345678
    """
    first = arguments[0] if arguments else ""
    has_image = image is None and first and "=" not in first
    spec, _ = split_image(arguments[:1] if has_image else (), image)
    values: dict[str, int | str | bytes] = {}
    for assignment in arguments[1:] if has_image else arguments:
        path, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"{assignment!r} sets nothing", hint="write FIELD=VALUE")
        values[path] = value
    if not values:
        raise UsageError("no field to set", hint="write FIELD=VALUE")
    with changing(spec, output, dry_run) as opened:
        opened.field.assign(values, raw=raw)
