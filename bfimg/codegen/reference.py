"""The reference page of all definitions, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from bfimg.formats import catalogue
from bfimg.formats.crc import ALL as ALL_CRCS
from bfimg.formats.disk_layout import DISK_REGIONS
from bfimg.formats.memory_map import MEMORY_REGIONS
from bfimg.formats.structure import FieldSpec, Structure, TextConstant


def reference() -> str:
    """Text of ``docs/formats.md``."""
    lines = [
        "# Formats",
        "",
        "Made by `bfimg formats doc` from the definitions in `formats/`. All integers are little-endian.",
        "",
        "## Disk layout",
        "",
        "| region | first LBA | sectors | what |",
        "|---|---:|---:|---|",
    ]
    lines += [f"| `{r.name}` | {r.first_lba} | {r.sectors or 'chosen'} | {r.meaning} |" for r in DISK_REGIONS]
    lines += [
        "",
        "## Memory map",
        "",
        "| region | start | end | size | access | what |",
        "|---|---:|---:|---:|---|---|",
    ]
    lines += [
        f"| `{r.name}` | {r.start:#x} | {r.end:#x} | {r.size:,} | {r.access.name.lower()} | {r.meaning} |"
        for r in MEMORY_REGIONS
    ]
    lines += ["", "## CRCs", "", "| name | polynomial | initial | xor out | reflected | CRC of `123456789` |"]
    lines.append("|---|---|---|---|---|---|")
    for crc in ALL_CRCS:
        reflected = "yes" if crc.reflected else "no"
        lines.append(
            f"| {crc.name} | {crc.polynomial:#x} | {crc.initial:#x} | {crc.xor_out:#x} | {reflected} | {crc.check:#x} |"
        )
    for module in catalogue.MODULES:
        title = (module.__doc__ or "").strip().splitlines()[0]
        lines += ["", f"## `formats/{module.__name__.rpartition('.')[2]}.py`", "", title]
        for structure in catalogue.structures(module):
            lines += ["", *_structure(structure)]
        for enumeration in catalogue.enumerations(module):
            lines += ["", f"### {enumeration.__name__}", "", (enumeration.__doc__ or "").splitlines()[0], ""]
            lines += ["| value | name |", "|---:|---|"]
            lines += [f"| {member.value:#x} | `{member.name}` |" for member in enumeration]
        constants = catalogue.constants(module)
        if constants:
            lines += ["", "### Constants", "", "| name | value | unit | meaning |", "|---|---:|---|---|"]
        for name, constant in constants.items():
            if isinstance(constant, TextConstant):
                lines.append(f"| `{name}` | `{constant}` | text | {constant.meaning} |")
            else:
                lines.append(f"| `{name}` | {constant:#x} | {constant.unit or ''} | {constant.meaning} |")
    return "\n".join(lines) + "\n"


def _structure(structure: type[Structure]) -> Iterator[str]:
    yield f"### {structure.__name__}"
    yield ""
    yield f"{(structure.__doc__ or '').splitlines()[0]} `struct bf_{structure.C_NAME}`, {structure.SIZE} bytes."
    yield f"Source: {structure.SOURCE}."
    yield ""
    yield "| offset | size | type | field | meaning | unit | legal |"
    yield "|---:|---:|---|---|---|---|---|"
    for spec in structure.FIELDS:
        cells = (spec.offset, spec.size, _type(spec), f"`{spec.name}`", spec.meaning, spec.unit or "", spec.legal())
        yield "| " + " | ".join(str(cell) for cell in cells) + " |"


def _type(spec: FieldSpec) -> str:
    if spec.element is None:
        return spec.kind
    return f"{spec.element.__name__}[{spec.count}]" if spec.kind == "array" else spec.element.__name__
