"""Patch files: made from two images, applied to the old one, reversed on the new one."""

from bfimg.patch.apply import apply_patch
from bfimg.patch.hex_text import apply_hex_text
from bfimg.patch.make import save_patch, write_patch
from bfimg.patch.read import Hunk, Patch, read_patch

__all__ = ["Hunk", "Patch", "apply_hex_text", "apply_patch", "read_patch", "save_patch", "write_patch"]
