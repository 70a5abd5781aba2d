"""Put modules on the FAT volume of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bfimg.errors import UsageError
from bfimg.fat.names import fold
from bfimg.image.image import Image
from bfimg.image.where import FIRST_FAT
from bfimg.module.prepare import ModuleRequest, PreparedModule, prepare


@dataclass(frozen=True)
class AddedModule:
    """A module on the volume at `where`. `replaced` tells that a file of that name was there."""

    module: PreparedModule
    where: str
    short_name: str
    replaced: bool


def add_modules(image: Image, sources: Sequence[Path], request: ModuleRequest | None = None) -> list[AddedModule]:
    """Prepare each file of `sources` and write it to the root of the image's first FAT volume.

    A module of the same file name is replaced. The changes are pending until the image is committed. Raises as
    `prepare`, and FormatError, FitError or NotFoundError when the image has no usable volume or no room.
    """
    modules = [prepare(source, request or ModuleRequest()) for source in sources]
    names = [fold(module.file_name) for module in modules]
    for module, name in zip(modules, names, strict=True):
        if names.count(name) > 1:
            raise UsageError(
                f"two modules would be called {module.file_name}", path=str(module.source), hint="add them with --name"
            )
    added = []
    for module in modules:
        where = f"{FIRST_FAT}:/{module.file_name}"
        replaced = where in image
        file = image.write(where, module.data)
        added.append(AddedModule(module, file.where, file.file.item.short_name, replaced))
    return added
