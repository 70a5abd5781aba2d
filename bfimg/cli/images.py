"""How verbs that work on files and fields find their image, and how those that change it end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bfimg.cli.options import F, default_image, option
from bfimg.cli.terminal import echo
from bfimg.errors import UsageError

if TYPE_CHECKING:
    from bfimg.image.image import Image
    from bfimg.image.spec import ImageSpec

STANDARD_STREAM = "-"
IMAGE_RULE = (
    "IMAGE may be left out or given with -i: then it is BFIMG_IMAGE, `image =` in bfimg.toml, or disk.img. "
    "IMAGE@@OFFSET opens an image inside a larger file; - is standard input, and -o - standard output."
)


def change_options(function: F) -> F:
    """``-i/--image`` and ``-o/--output``, as every verb has them that changes files or fields."""
    path = click.Path(dir_okay=False, path_type=Path)
    function = option("-o", "--output", type=path, help="Write the changed image here instead.")(function)
    with_image: F = click.option("-i", "--image", help="Image to change.")(function)
    return with_image


def split_image(arguments: Sequence[str], image: str | None, *, least: int = 0) -> tuple[str, list[str]]:
    """The image and the other arguments.

    With -i all arguments are others. Else the first is the image when more than `least` are there, unless it is a
    place (part1:/..., /...), or no file while there is an image to fall back on. Raises UsageError when fewer than
    `least` others are left.
    """
    rest = list(arguments)
    if image is None and len(rest) > least and _is_image(rest[0]):
        image = rest.pop(0)
    if len(rest) < least:
        raise UsageError("arguments are missing", hint="see --help for an example")
    return str(default_image(image)), rest


def _is_image(argument: str) -> bool:
    file, at, _ = argument.partition("@@")
    if at or argument == STANDARD_STREAM or Path(file).is_file():
        return True
    if ":/" in argument or argument.startswith("/"):
        return False
    try:
        default_image()
    except UsageError:
        return True
    return False


@contextmanager
def host_image(spec: str) -> Iterator[ImageSpec]:
    """The file and offset `spec` names; for ``-`` a temporary copy of standard input."""
    from bfimg.image.spec import ImageSpec, parse_image

    if spec != STANDARD_STREAM:
        yield parse_image(spec)
        return
    import shutil
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="bfimg-") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield ImageSpec(Path(copy.name))


def deliver(output: Path, commit: Callable[[Path], None]) -> None:
    """Let `commit` write the image to `output`; for ``-`` the finished image goes to standard output."""
    if str(output) != STANDARD_STREAM:
        commit(output)
        return
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="bfimg-") as folder:
        image = Path(folder) / "image"
        commit(image)
        with image.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)


@contextmanager
def reading(spec: str) -> Iterator[Image]:
    """The image, open for reading."""
    from bfimg.image.image import open_image

    with host_image(spec) as (path, offset), open_image(path, offset=offset) as image:
        yield image


@contextmanager
def changing(spec: str, output: Path | None, dry_run: bool, *, show: bool = True) -> Iterator[Image]:
    """The image, open for one transaction; at the end it is written, or with `dry_run` the difference is shown.

    An image from standard input goes to standard output unless `output` says otherwise. show: False keeps the
    difference back, for a verb that prints JSON.
    """
    from bfimg.image.image import open_image

    if spec == STANDARD_STREAM and output is None:
        output = Path(STANDARD_STREAM)
    in_place = output is None and not dry_run
    with (
        host_image(spec) as (path, offset),
        open_image(path, write=in_place, draft=not in_place, offset=offset) as image,
    ):
        yield image
        if dry_run and not show:
            image.flush()
        elif dry_run:
            from bfimg.cli.diff_text import lines

            for line in lines(image.pending_diff()):
                echo(line)
            echo(f"dry run: {spec} is unchanged")
        elif output is not None:
            deliver(output, image.commit)
