"""File names on FAT: 8.3 names, long names, and the generation of one from the other.

Source: Microsoft FAT Specification (2005), sections 6 and 7.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from bfimg.errors import UsageError
from bfimg.formats.fat_directory import FAT_ENTRY_FREE, FAT_ENTRY_KANJI_E5, FAT_LONG_NAME_MAX, FatNameCase

_FORBIDDEN = set('"*/:<>?\\|') | {chr(code) for code in range(32)} | {"\x7f"}
_SHORT_EXTRA = set("!#$%&'()-@^_`{}~")
_MOST_TAILS = 999_999


def fold(name: str) -> str:
    """A name or path as FAT compares it: each character in upper case where that is one character.

    Not str.casefold, which takes ``straße`` and ``STRASSE`` for one name: on FAT they are two.
    """
    return "".join(_upper(character) for character in name)


def _upper(character: str) -> str:
    upper = character.upper()
    if len(upper) != 1 or (upper.isascii() and not character.isascii()):
        return character
    return upper


def check_name(name: str) -> None:
    """Raises UsageError when `name` cannot be a file name on FAT."""
    if not name or name in (".", ".."):
        raise UsageError(f"{name!r} is no file name", hint="choose another name")
    bad = sorted(_FORBIDDEN & set(name))
    if bad:
        raise UsageError(f"{name!r} has {bad[0]!r}, which FAT does not allow in names", hint="choose another name")
    if name[-1] in ". ":
        raise UsageError(f"{name!r} ends in a dot or space, which FAT drops", hint="choose another name")
    try:
        units = len(name.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        raise UsageError(f"{name!r} is not valid Unicode", hint="choose another name") from None
    if units > FAT_LONG_NAME_MAX:
        raise UsageError(f"name of {units} UTF-16 units, at most {FAT_LONG_NAME_MAX} fit", hint="choose a shorter name")


def _is_short_character(character: str) -> bool:
    return character in _SHORT_EXTRA or (character.isascii() and character.isalnum())


def exact_short_name(name: str) -> bytes | None:
    """The 11 bytes of an 8.3 name when `name` is one as it stands (upper case), else None."""
    base, dot, extension = name.rpartition(".")
    if not dot:
        base, extension = name, ""
    if not 1 <= len(base) <= 8 or len(extension) > 3 or (dot and not extension):
        return None
    if name != name.upper() or not all(_is_short_character(c) for c in base + extension):
        return None
    return (base.ljust(8) + extension.ljust(3)).encode("ascii")


@dataclass(frozen=True, slots=True)
class ShortNameBase:
    """What the numbered 8.3 names of a long name have in common: base of up to 8, extension of 3 characters."""

    base: str
    extension: str

    def numbered(self, number: int) -> bytes:
        """``BASE~N.EXT`` as 11 bytes, the base cut so that the tail fits."""
        tail = f"~{number}"
        return ((self.base[: 8 - len(tail)] + tail).ljust(8) + self.extension).encode("ascii")


def short_name_base(name: str) -> ShortNameBase:
    """The base of generated names: dots and blanks out, upper case, what 8.3 does not allow as underscores."""
    stripped = name.replace(" ", "").lstrip(".")
    base, dot, extension = stripped.rpartition(".")
    if not dot:
        base, extension = stripped, ""
    base, extension = (_to_short(part.replace(".", "")) for part in (base, extension))
    return ShortNameBase(base[:8] or "_", extension[:3].ljust(3))


def generate_short_name(name: str, taken: Container[bytes], tails: dict[ShortNameBase, int]) -> bytes:
    """An 8.3 name for the long name `name` that is not in `taken`.

    The name in upper case where that is one, else ``BASE~1.EXT`` with the first number that is free. `tails` keeps
    the last number used for each base, so that a thousand alike names do not take a thousand tries each.
    Raises UsageError when every numeric tail is taken.
    """
    plain = exact_short_name(fold(name))
    if plain is not None and plain not in taken:
        return plain
    base = short_name_base(name)
    for number in range(tails.get(base, 0) + 1, _MOST_TAILS + 1):
        candidate = base.numbered(number)
        if candidate not in taken:
            tails[base] = number
            return candidate
    raise UsageError(f"no 8.3 name is left for {name!r}", hint="choose another name")


def _to_short(text: str) -> str:
    return "".join(c if _is_short_character(c) else "_" for c in text.upper())


def short_name_text(raw: bytes, case_flags: int = 0) -> str:
    """An 8.3 name as people write it; bytes outside ASCII are read as code page 437."""
    if raw[0] == FAT_ENTRY_KANJI_E5:
        raw = bytes([FAT_ENTRY_FREE]) + raw[1:]
    text = raw.decode("cp437")
    base, extension = text[:8].rstrip(" "), text[8:].rstrip(" ")
    if case_flags & FatNameCase.BASE_LOWER:
        base = base.lower()
    if case_flags & FatNameCase.EXTENSION_LOWER:
        extension = extension.lower()
    return f"{base}.{extension}" if extension else base


def short_name_checksum(raw: bytes) -> int:
    """The checksum that ties long-name entries to their 8.3 entry (section 7.2)."""
    total = 0
    for byte in raw:
        total = ((total << 7 | total >> 1) + byte) & 0xFF
    return total
