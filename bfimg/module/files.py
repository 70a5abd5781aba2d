"""How module files are called on a volume."""

from __future__ import annotations

from bfimg.fat.names import check_name, exact_short_name

MODULE_SUFFIXES = (".mod", ".bc")


def volume_name(name: str, suffix: str) -> str:
    """File name for the module `name`: 8.3 in upper case where it fits, else a long name.

    suffix: "mod" or "bc". Example: sha256 gives SHA256.BC, matrix_mul gives matrix_mul.bc.
    Raises UsageError for a module name that is no file name: with a slash or backslash, blank, a dot, too long.
    """
    check_name(name)
    check_name(f"{name}.{suffix}")
    upper = f"{name}.{suffix}".upper()
    return upper if exact_short_name(upper) is not None else f"{name}.{suffix}"


def is_module_file(path: str) -> bool:
    """True when the kernel takes the file for a module, by its suffix."""
    return path.lower().endswith(MODULE_SUFFIXES)
