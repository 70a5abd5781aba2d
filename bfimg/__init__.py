"""Image surgery for bare-metal builds: build, inspect, patch and boot disk images.

    with bfimg.open("disk.img", write=True) as image:
        image["part1:/SHA256.BC"] = data

``dir(bfimg)`` lists the whole public interface. Each name is loaded on first use, so that importing the package costs
nothing. A verb ends in ``_image`` because packages such as `bfimg.check` and `bfimg.boot` have the short names.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bfimg import errors
    from bfimg.boot.options import BootOptions
    from bfimg.boot.session import boot as boot_image
    from bfimg.build.build import build_image
    from bfimg.build.layout import load_layout
    from bfimg.check.image import check_image
    from bfimg.check.repair import repair as repair_image
    from bfimg.diff.diff import diff as diff_images
    from bfimg.errors import BfimgError
    from bfimg.fat.mkfs import FatOptions, format_volume
    from bfimg.image.image import Image
    from bfimg.image.image import open_image as open
    from bfimg.image.inspect import inspect as inspect_image
    from bfimg.image.new_volume import Place, make_volume
    from bfimg.image.store import Store
    from bfimg.image.transfer import add as add_files
    from bfimg.image.transfer import extract as extract_files
    from bfimg.module.add import add_modules
    from bfimg.patch.apply import apply_patch
    from bfimg.patch.make import save_patch
    from bfimg.patch.read import read_patch
    from bfimg.toolchain.compiler import select as select_toolchain

__all__ = [
    "BfimgError",
    "BootOptions",
    "FatOptions",
    "Image",
    "Place",
    "Store",
    "add_files",
    "add_modules",
    "apply_patch",
    "boot_image",
    "build_image",
    "check_image",
    "diff_images",
    "errors",
    "extract_files",
    "format_volume",
    "inspect_image",
    "load_layout",
    "make_volume",
    "open",
    "read_patch",
    "repair_image",
    "save_patch",
    "select_toolchain",
]

# Where each name stands; `errors` is a module.
_PLACES = {
    "BfimgError": "errors:BfimgError",
    "BootOptions": "boot.options:BootOptions",
    "FatOptions": "fat.mkfs:FatOptions",
    "Image": "image.image:Image",
    "Place": "image.new_volume:Place",
    "Store": "image.store:Store",
    "add_files": "image.transfer:add",
    "add_modules": "module.add:add_modules",
    "apply_patch": "patch.apply:apply_patch",
    "boot_image": "boot.session:boot",
    "build_image": "build.build:build_image",
    "check_image": "check.image:check_image",
    "diff_images": "diff.diff:diff",
    "extract_files": "image.transfer:extract",
    "format_volume": "fat.mkfs:format_volume",
    "inspect_image": "image.inspect:inspect",
    "load_layout": "build.layout:load_layout",
    "make_volume": "image.new_volume:make_volume",
    "open": "image.image:open_image",
    "read_patch": "patch.read:read_patch",
    "repair_image": "check.repair:repair",
    "save_patch": "patch.make:save_patch",
    "select_toolchain": "toolchain.compiler:select",
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("bfimg.errors")
    if name not in _PLACES:
        raise AttributeError(f"module 'bfimg' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    return getattr(import_module(f"bfimg.{module}"), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
