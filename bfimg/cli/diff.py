"""``bfimg diff``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bfimg.cli.options import format_option, option
from bfimg.cli.terminal import print_json
from bfimg.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from bfimg.image.store import Store

_EPILOG = """OLD@@OFFSET opens an image inside a larger file. A patch is for images of one size.

Exit codes: 0 the images are the same, 1 they differ, 2 usage or unreadable input.
Example: bfimg diff old.img new.img -o change.bfpatch"""


@click.command("diff", epilog=_EPILOG)
@click.argument("old")
@click.argument("new")
@option("-o", "--output", metavar="FILE", help="Write a patch that turns OLD into NEW; - for standard output.")
@option("--bytes", "with_bytes", is_flag=True, help="Show the differing bytes, too.")
@format_option
def command(old: str, new: str, output: str | None, with_bytes: bool, output_format: str) -> None:
    """Show what differs between two images: regions, fields, files, bytes.

    With -o - only the patch is printed.
    """
    from bfimg.diff.diff import diff
    from bfimg.image.spec import parse_image
    from bfimg.image.store import Store

    left, right = parse_image(old), parse_image(new)
    with Store.open(left.path, base=left.offset) as before, Store.open(right.path, base=right.offset) as after:
        report = diff(before, after)
        if output is not None:
            _save(before, after, output)
        if output != "-":
            if output_format == "json":
                from bfimg.cli.diff_text import document

                print_json({"schema_version": 1, **document(report)})
            elif not report.same:
                from bfimg.cli.diff_text import lines

                for line in lines(report, (before, after) if with_bytes else None):
                    click.echo(line)
    if not report.same:
        raise SystemExit(EXIT_FAILED)


def _save(old: Store, new: Store, output: str) -> None:
    from bfimg.patch.make import save_patch, write_patch

    if output == "-":
        write_patch(old, new, sys.stdout.buffer)
    elif Path(output).exists() and any(store.path and store.path.samefile(output) for store in (old, new)):
        raise UsageError("is one of the images", path=output, hint="write the patch to another file")
    else:
        save_patch(old, new, Path(output))
