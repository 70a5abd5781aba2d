"""Fields of structures that have other values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bfimg.diff.regions import Pair
from bfimg.diff.report import FieldChange
from bfimg.image.probe import Region
from bfimg.image.store import Store
from bfimg.image.structures import region_structures

if TYPE_CHECKING:
    from bfimg.formats.structure import Structure
    from bfimg.image.report import FieldValue


def region_fields(old: Store, new: Store, pair: Pair) -> Iterator[FieldChange]:
    """Fields of all structures in one region. Raises FormatError where a structure is damaged."""
    before, after = _structures(old, pair[0]), _structures(new, pair[1])
    for prefix in before | after:
        yield from structure_fields(before.get(prefix), after.get(prefix), prefix)


def _structures(store: Store, region: Region | None) -> dict[str, Structure]:
    return {} if region is None else {found.prefix: found.value for found in region_structures(store, region)}


def structure_fields(old: Structure | None, new: Structure | None, prefix: str) -> Iterator[FieldChange]:
    """Fields of one structure; None where it does not exist. Of two kinds of structure, all fields."""
    if old == new:
        return
    before, after = _values(old, prefix), _values(new, prefix)
    for path in before | after:
        left, right = before.get(path), after.get(path)
        if left is None or right is None or left.value != right.value:
            known = left or right
            assert known is not None
            yield FieldChange(
                path=path,
                old=left.value if left else None,
                new=right.value if right else None,
                meaning=known.meaning,
                unit=known.unit,
                old_name=left.name if left else "",
                new_name=right.name if right else "",
            )


def _values(structure: Structure | None, prefix: str) -> dict[str, FieldValue]:
    from bfimg.image.report import field_values

    return {} if structure is None else {field.path: field for field in field_values(structure, prefix, 0)}
