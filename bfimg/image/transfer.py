"""Files between the host and an image: out with `extract`, in with `add`, trees and patterns included."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bfimg.errors import InputError, UsageError
from bfimg.host_file import replaced_file
from bfimg.image.image import Image, ImageFile, refuse_same_names

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One file or folder that went between host and image. `size` in bytes, 0 for a folder."""

    where: str
    host: Path
    size: int
    is_folder: bool


def extract(image: Image, wheres: Sequence[str], folder: Path, progress: Progress | None = None) -> list[Transfer]:
    """Copy files and trees of the image to `folder`, under their own names, with their times.

    Each file is written whole under another name, then renamed. Raises NotFoundError when a WHERE matches nothing,
    UsageError when two of them would get one name, InputError when the host refuses, FormatError for damage.
    """
    plan = list(_plan_extraction(image, wheres, folder))
    _refuse_clashes(plan)
    total = sum(transfer.size for transfer, _ in plan)
    done = 0
    for transfer, found in plan:
        try:
            if transfer.is_folder:
                transfer.host.mkdir(parents=True, exist_ok=True)
            else:
                transfer.host.parent.mkdir(parents=True, exist_ok=True)
                with replaced_file(transfer.host) as stream:
                    stream.writelines(image.chunks(transfer.where))
                if found.file.item.modified is not None:
                    seconds = found.file.item.modified.timestamp()
                    os.utime(transfer.host, (seconds, seconds))
        except OSError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"cannot be written: {error.strerror}", path=str(transfer.host), hint="choose another folder with -C"
            ) from None
        done += transfer.size
        if progress is not None:
            progress(done, total)
    return [transfer for transfer, _ in plan]


def _plan_extraction(image: Image, wheres: Sequence[str], folder: Path) -> Iterator[tuple[Transfer, ImageFile]]:
    for where in wheres:
        root = where.rstrip("/").endswith(":") or not where.strip("/")
        tops = image.list_folder(where) if root else image.find(where)
        for top in tops:
            yield _extracted(top, folder, top.file.item.name)
            if top.file.item.is_directory:
                above = len(top.file.path) - len(top.file.item.name)
                for file in image.walk(top.where):
                    yield _extracted(file, folder, file.file.path[above:])


def _extracted(file: ImageFile, folder: Path, relative: str) -> tuple[Transfer, ImageFile]:
    is_folder = file.file.item.is_directory
    size = 0 if is_folder else file.file.item.size
    return Transfer(file.where, folder.joinpath(*relative.split("/")), size, is_folder), file


def _refuse_clashes(plan: Sequence[tuple[Transfer, ImageFile]]) -> None:
    seen: dict[Path, str] = {}
    for transfer, _ in plan:
        other = seen.setdefault(transfer.host, transfer.where)
        if other != transfer.where and not transfer.is_folder:
            raise UsageError(
                f"{other} and {transfer.where} have one name", path=str(transfer.host), hint="extract them apart"
            )


def add(
    image: Image,
    sources: Sequence[Path],
    target: str,
    *,
    stdin: BinaryIO | None = None,
    progress: Progress | None = None,
) -> list[Transfer]:
    """Copy host files and folders into the image, as cp does.

    target: a folder of the image, which keeps the sources' names, or for one source the new file's path. A source
    called ``-`` is read from `stdin`. Existing files are replaced. Raises InputError for a source that cannot be
    read, UsageError for names FAT does not allow, FitError when there is no room.
    """
    into_folder = target.endswith("/") or image.is_folder(target)
    if len(sources) > 1 and not image.is_folder(target):
        raise UsageError(f"{target} is no folder", path=image.store.name, hint="make it first: bfimg mkdir")
    plan: list[Transfer] = []
    for source in sources:
        if str(source) == "-":
            if into_folder:
                raise UsageError("- has no name", hint="give the new file's path, such as part1:/NAME.EXT")
            plan.append(Transfer(target, source, 0, False))
            continue
        name = source.name or source.resolve().name
        top = f"{target.rstrip('/')}/{name}" if into_folder else target
        plan += _plan_addition(source, top)
    refuse_same_names([transfer.where for transfer in plan])
    total = sum(transfer.size for transfer in plan)
    done = 0
    for transfer in plan:
        _add_one(image, transfer, stdin)
        done += transfer.size
        if progress is not None:
            progress(done, total)
    return plan


def _plan_addition(source: Path, where: str) -> Iterator[Transfer]:
    """A file, or a folder before its contents, in the order of names so that the image does not depend on the host."""
    try:
        if source.is_dir():
            yield Transfer(where, source, 0, True)
            for child in sorted(source.iterdir()):
                yield from _plan_addition(child, f"{where}/{child.name}")
        elif stat.S_ISREG((status := source.stat()).st_mode):
            yield Transfer(where, source, status.st_size, False)
        else:
            raise InputError("is no regular file", path=str(source), hint="name files and folders; - is standard input")
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot be read: {error.strerror}", path=str(source), hint="name a file or folder") from None


def _add_one(image: Image, transfer: Transfer, stdin: BinaryIO | None) -> None:
    if transfer.is_folder:
        image.make_folder(transfer.where, parents=True)
    elif str(transfer.host) == "-":
        assert stdin is not None
        image.write(transfer.where, stdin)
    else:
        try:
            with transfer.host.open("rb") as stream:
                # What fits in memory anyway is checked for room before a byte is placed.
                image.write(transfer.where, stream.read() if transfer.size <= 1 << 20 else stream)
        except OSError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"cannot be read: {error.strerror}", path=str(transfer.host), hint="name a file or folder"
            ) from None
