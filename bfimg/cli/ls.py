"""``bfimg ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bfimg.cli.images import IMAGE_RULE, reading, split_image
from bfimg.cli.options import format_option, option
from bfimg.cli.terminal import echo, print_json

if TYPE_CHECKING:
    from bfimg.image.image import ImageFile


@click.command("ls", epilog=IMAGE_RULE)
@click.argument("arguments", nargs=-1, metavar="[IMAGE] [WHERE]...")
@click.option("-i", "--image", help="Image to list.")
@option("-l", "--long", "long_form", is_flag=True, help="Attributes, size, time, 8.3 name too.")
@option("-R", "--recursive", is_flag=True, help="What is below folders, too.")
@option("--sha256", "with_digest", is_flag=True, help="The SHA-256 of each file first, as sha256sum prints it.")
@format_option
def command(
    arguments: tuple[str, ...],
    image: str | None,
    long_form: bool,
    recursive: bool,
    with_digest: bool,
    output_format: str,
) -> None:
    """List files on the FAT volumes of an image.

    WHERE is a folder or file, with patterns: part1:/, part1:/*.BC, /DOCS. Without one every volume is listed.

    Example: bfimg ls -l disk.img part1:/*.MOD
    """
    spec, wheres = split_image(arguments, image)
    with reading(spec) as opened:
        files = list(opened.listing(wheres, recursive=recursive))
        digests = {f.where: opened.sha256(f.where) for f in files if with_digest and not f.file.item.is_directory}
    if output_format == "json":
        documents = [_document(f, digests.get(f.where)) for f in files]
        print_json({"schema_version": 1, "image": spec, "files": documents})
        return
    for file in files:
        digest = f"{digests.get(file.where, '-' * 64)}  " if with_digest else ""
        echo(digest + (_long(file) if long_form else file.where))


def _long(file: ImageFile) -> str:
    from bfimg.fat.attributes import attribute_letters

    item = file.file.item
    time = item.modified.strftime("%Y-%m-%d %H:%M:%S") if item.modified else "-"
    short = "" if item.name == item.short_name else f"  {item.short_name}"
    return f"{attribute_letters(item.attributes)} {item.size:>10}  {time:<19}  {file.where}{short}"


def _document(file: ImageFile, digest: str | None) -> dict[str, Any]:
    item = file.file.item
    return {
        "where": file.where,
        "region": file.region,
        "path": file.file.path,
        "short_name": item.short_name,
        "size": item.size,
        "directory": item.is_directory,
        "attributes": item.attributes,
        "first_cluster": item.first_cluster,
        "modified": item.modified.isoformat() if item.modified else None,
        "sha256": digest,
    }
