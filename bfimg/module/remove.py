"""Take modules off an image's volumes."""

from __future__ import annotations

from collections.abc import Sequence

from bfimg.errors import NotFoundError
from bfimg.fat.names import fold
from bfimg.image.image import Image, ImageFile
from bfimg.module.files import is_module_file
from bfimg.module.identify import HEAD_BYTES, identify


def remove_modules(image: Image, names: Sequence[str]) -> list[str]:
    """Remove the module files whose header or file has one of `names`, case ignored; where they were.

    Raises NotFoundError, and removes nothing, when a name is no module's.
    """
    modules = [file for file in image.listing([], recursive=True) if is_module_file(file.file.path)]
    chosen: dict[str, ImageFile] = {}
    for name in names:
        found = [module for module in modules if fold(name) in _names(image, module)]
        if not found:
            known = ", ".join(sorted({module.file.item.name for module in modules})[:8])
            raise NotFoundError(f"no module {name}", path=image.store.name, hint=f"there are: {known or 'none'}")
        chosen |= {module.where: module for module in found}
    for where in chosen:
        image.remove(where)
    return list(chosen)


def _names(image: Image, module: ImageFile) -> set[str]:
    item = module.file.item
    head = image.volume(module.region).read(item, HEAD_BYTES)
    return {fold(item.name), fold(item.short_name), fold(identify(head).name)}
