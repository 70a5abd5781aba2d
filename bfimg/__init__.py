"""Image surgery for bare-metal builds: build, inspect, patch and boot disk images.

    with bfimg.open("disk.img", write=True) as image:
        image["part1:/SHA256.BC"] = data

`bfimg.open` and `bfimg.Image` are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bfimg.image.image import Image
    from bfimg.image.image import open_image as open

__all__ = ["Image", "open"]

_LAZY = {"open": "open_image", "Image": "Image"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from bfimg.image import image

        return getattr(image, _LAZY[name])
    raise AttributeError(f"module 'bfimg' has no attribute {name!r}")
