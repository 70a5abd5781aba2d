"""The page of codes, docs/check.md, made from the table in `bfimg.check.codes`."""

from __future__ import annotations

from bfimg.check.codes import CODES

_HEAD = """# Codes of `bfimg check`

Made from the table in `bfimg/check/codes.py` by `bfimg check --codes`. A code never changes its meaning.

error: data is wrong, lost or cannot be loaded. warning: it works, but not everywhere or not for long. Both make
`check` end with bit 4 unless they are repaired.
"""

_FAMILIES = {
    "BF1": "Layout and boot chain",
    "FAT1": "FAT: boot sector and FSInfo",
    "FAT2": "FAT: allocation table and chains",
    "FAT3": "FAT: directories",
    "MOD1": "Modules",
    "JIT1": "JIT cache",
}


def codes_page() -> str:
    """The page as Markdown: a table for each family of codes."""
    parts = [_HEAD]
    for family, title in _FAMILIES.items():
        parts.append(
            f"\n## {title}\n\n| code | severity | what | why | what to do | `--repair` |\n|---|---|---|---|---|---|\n"
        )
        for code in CODES.values():
            if code.code.startswith(family):
                mends = "yes" if code.repairable else "no"
                parts.append(
                    f"| `{code.code}` | {code.severity} | {code.title} | {code.reason} | {code.remedy} | {mends} |\n"
                )
    return "".join(parts)
