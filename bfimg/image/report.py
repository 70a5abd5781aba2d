"""What `inspect` finds, as typed objects that people's and programs' output are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from bfimg.fat.volume import FatFile
from bfimg.formats.structure import FieldSpec, Structure, decode_text
from bfimg.image.probe import ImageKind, Region
from bfimg.module.identify import ModuleInfo


@dataclass(frozen=True)
class FieldValue:
    """One field of a structure in the image. `offset` counts bytes from the start of the image.

    value: an integer, text, or the bytes of the field in hexadecimal. name: what an enumerated value or its bits are
    called.
    """

    path: str
    offset: int
    size: int
    value: int | str
    name: str
    meaning: str
    unit: str
    problem: str


@dataclass(frozen=True)
class Finding:
    """Something wrong: where, and what."""

    place: str
    offset: int | None
    message: str


@dataclass(frozen=True)
class RegionReport:
    """A region and the fields of the structures in it."""

    region: Region
    fields: tuple[FieldValue, ...]


@dataclass(frozen=True)
class VolumeReport:
    """A FAT volume: type, geometry, and everything on it. Sizes in bytes and clusters."""

    region: str
    bits: int
    label: str
    cluster_bytes: int
    cluster_count: int
    free_clusters: int
    files: tuple[FatFile, ...]


@dataclass(frozen=True)
class ModuleReport:
    """A module file on a volume."""

    region: str
    path: str
    size: int
    info: ModuleInfo
    fields: tuple[FieldValue, ...]  # of its header and table; offsets count from the start of the file


@dataclass(frozen=True)
class InspectReport:
    """Everything `inspect` found in one image. Sizes in bytes. `base`: where the image begins in its file."""

    image: Path
    base: int
    size: int
    kind: ImageKind
    regions: tuple[RegionReport, ...]
    volumes: tuple[VolumeReport, ...]
    modules: tuple[ModuleReport, ...]
    findings: tuple[Finding, ...]


def field_values(structure: Structure, prefix: str, base: int) -> Iterator[FieldValue]:
    """Every field of `structure`, nested ones included, which begins at byte `base`."""
    problems = {problem.field: problem.message for problem in structure.problems(prefix)}
    yield from _values(structure, prefix, base, problems)


def _values(structure: Structure, prefix: str, base: int, problems: dict[str, str]) -> Iterator[FieldValue]:
    for spec in structure.FIELDS:
        path = f"{prefix}.{spec.name}"
        value = getattr(structure, spec.name)
        if spec.kind == "struct":
            yield from _values(value, path, base + spec.offset, problems)
        elif spec.kind == "array":
            for index, item in enumerate(value):
                yield from _values(item, f"{path}[{index}]", base + spec.offset + index * item.SIZE, problems)
        else:
            yield FieldValue(
                path=path,
                offset=base + spec.offset,
                size=spec.size,
                value=_shown(spec, value),
                name=_bit_names(spec.bits, value) if spec.bits else _name(spec.values or spec.names, value),
                meaning=spec.meaning,
                unit=spec.unit or "",
                problem=problems.get(path, ""),
            )


def _shown(spec: FieldSpec, value: int | bytes) -> int | str:
    if isinstance(value, int):
        return value
    return decode_text(value).rstrip(" ") if spec.kind == "text" else value.hex()


def _name(values: type[IntEnum] | None, value: int | bytes) -> str:
    if values is None or not isinstance(value, int) or value not in values._value2member_map_:
        return ""
    return values(value).name.lower()


def _bit_names(bits: type[IntEnum], value: int | bytes) -> str:
    return ", ".join(bit.name.lower() for bit in bits if isinstance(value, int) and value & bit)
