"""``bfimg patch``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from bfimg.cli.images import STANDARD_STREAM, deliver
from bfimg.cli.options import dry_run_option, format_option, option
from bfimg.cli.terminal import print_json

if TYPE_CHECKING:
    from bfimg.image.store import Store

_MOST_TEXT = 4 << 20
_EPILOG = """IMAGE@@OFFSET opens an image inside a larger file. FILE is - for standard input.

A hexdump says nothing of what must be there before: its bytes are written whatever they replace. Its offsets count
from the start of IMAGE.

Exit codes: 0 patched, 1 the patch does not fit the image, 2 usage or unreadable input.
Example: bfimg patch disk.img change.bfpatch"""


@click.command("patch", epilog=_EPILOG)
@click.argument("image")
@click.argument("file")
@option("--reverse", is_flag=True, help="Put the old bytes back.")
@option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the changed image here instead.")
@dry_run_option
@format_option
def command(image: str, file: str, reverse: bool, output: Path | None, dry_run: bool, output_format: str) -> None:
    """Change an image as a patch file says, if it has the bytes the patch expects.

    FILE is a patch that `bfimg diff -o` wrote, or a hexdump as `bfimg inspect --hex` prints it.
    """
    from bfimg.diff.diff import pending_diff
    from bfimg.image.spec import parse_image
    from bfimg.image.store import Store

    spec = parse_image(image)
    in_place = output is None and not dry_run
    with _open(file) as stream, Store.open(spec.path, write=in_place, base=spec.offset) as store:
        _apply(store, stream, file, reverse)
        report = pending_diff(store)
        if output is not None and not dry_run:
            deliver(output, store.commit)
        elif not dry_run:
            store.commit()
        if str(output) == STANDARD_STREAM and not dry_run:
            return
        if output_format == "json":
            from bfimg.cli.diff_text import document

            result = {"schema_version": 1, "image": image, "written": not dry_run, "diff": document(report)}
            print_json(result)
            return
        from bfimg.cli.diff_text import lines

        for line in lines(report):
            click.echo(line)
        click.echo(f"dry run: {image} is unchanged" if dry_run else f"wrote {output or image}")


@contextmanager
def _open(file: str) -> Iterator[BinaryIO]:
    """The patch file, able to seek."""
    from bfimg.errors import InputError

    if file == "-":
        import shutil

        with tempfile.TemporaryFile() as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
            stream.seek(0)
            yield stream
        return
    try:
        opened = Path(file).open("rb")  # noqa: SIM115 - closed below, an error while it is open is not its own
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=file, hint="name a patch file") from None
    with opened:
        yield opened


def _apply(store: Store, stream: BinaryIO, name: str, reverse: bool) -> None:
    from bfimg.errors import UsageError
    from bfimg.formats.patch import PATCH_MAGIC

    magic = stream.read(4)
    stream.seek(0)
    if magic == int(PATCH_MAGIC).to_bytes(4, "little"):
        from bfimg.patch.apply import apply_patch
        from bfimg.patch.read import read_patch

        apply_patch(store, read_patch(stream, name), reverse=reverse)
        return
    from bfimg.patch.hex_text import apply_hex_text

    if reverse:
        raise UsageError("a hexdump cannot be reversed", path=name, hint="patch with the old bytes instead")
    data = stream.read(_MOST_TEXT + 1)
    if len(data) > _MOST_TEXT:
        raise UsageError("is no patch, and too large for a hexdump", path=name, hint="name a patch file")
    apply_hex_text(store, data.decode("utf-8", "replace"), name)
