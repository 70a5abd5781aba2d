"""FAT attributes as letters, as DOS users know them."""

from __future__ import annotations

from bfimg.formats.fat_directory import FatAttribute

_LETTERS = (
    ("D", FatAttribute.DIRECTORY),
    ("R", FatAttribute.READ_ONLY),
    ("H", FatAttribute.HIDDEN),
    ("S", FatAttribute.SYSTEM),
    ("A", FatAttribute.ARCHIVE),
)


def attribute_letters(attributes: int) -> str:
    """``DRHSA`` with a dash for each that is not set."""
    return "".join(letter if attributes & bit else "-" for letter, bit in _LETTERS)
