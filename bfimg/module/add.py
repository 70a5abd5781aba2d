"""Put modules on the FAT volume of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bfimg.clock import now
from bfimg.errors import UsageError
from bfimg.fat.editor import FatEditor
from bfimg.image.probe import first_fat_volume, probe
from bfimg.image.store import Store
from bfimg.module.prepare import ModuleRequest, PreparedModule, prepare


@dataclass(frozen=True)
class AddedModule:
    """A module on the volume. `replaced` tells that a file of that name was there."""

    module: PreparedModule
    path: str
    short_name: str
    replaced: bool


@dataclass(frozen=True)
class AddReport:
    """What `add_modules` did. `written` is False after a dry run."""

    image: Path
    region: str
    added: tuple[AddedModule, ...]
    written: bool


def add_modules(
    image: Path,
    sources: Sequence[Path],
    request: ModuleRequest | None = None,
    *,
    output: Path | None = None,
    dry_run: bool = False,
) -> AddReport:
    """Prepare each file of `sources` and write it to the root of the image's first FAT volume.

    A module of the same file name is replaced. All modules are added or none; with `output` the changed image
    goes there and `image` stays as it is. Raises as `prepare`, and FormatError, FitError or NotFoundError when
    the image has no usable volume or no room.
    """
    modules = [prepare(source, request or ModuleRequest()) for source in sources]
    names = [module.file_name.casefold() for module in modules]
    for module, name in zip(modules, names, strict=True):
        if names.count(name) > 1:
            raise UsageError(
                f"two modules would be called {module.file_name}", path=str(module.source), hint="add them with --name"
            )
    with Store.open(image, write=output is None and not dry_run) as store:
        region, volume = first_fat_volume(store, probe(store))
        editor = FatEditor(volume, now())
        added = []
        for module in modules:
            path = f"/{module.file_name}"
            replaced = volume.exists(path)
            file = editor.write(path, module.data)
            added.append(AddedModule(module, file.path, file.item.short_name, replaced))
        editor.flush()
        if not dry_run:
            store.commit(output)
    return AddReport(output or image, region.name, tuple(added), not dry_run)
