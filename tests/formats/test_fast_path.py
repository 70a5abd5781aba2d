"""Reading and packing by the derived `struct` format equal the Construct definition, for every structure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimg.formats import catalogue
from bfimg.formats.fat_directory import DirectoryEntry, LongNameEntry
from bfimg.formats.structure import Structure

ALL = [structure for module in catalogue.MODULES for structure in catalogue.structures(module)]


def plain(container: Any) -> Any:
    """A Construct container as dictionaries and lists."""
    if isinstance(container, dict):
        return {name: plain(value) for name, value in container.items() if name != "_io"}
    return [plain(item) for item in container] if isinstance(container, list) else container


@pytest.mark.parametrize("structure", ALL, ids=lambda s: s.__name__)
@given(data=st.data())
def test_equal_on_any_bytes(structure: type[Structure], data: st.DataObject) -> None:
    raw = data.draw(st.binary(min_size=structure.SIZE, max_size=structure.SIZE))
    parsed = structure.parse(raw)
    assert parsed._to_container() == plain(structure.construct().parse(raw))
    assert parsed.packed() == parsed.to_bytes() == parsed.replace().packed() == raw


@given(st.binary(min_size=32, max_size=32))
def test_reading_many_directory_entries_equals_reading_one(data: bytes) -> None:
    for structure in (DirectoryEntry, LongNameEntry):
        one = structure.construct().parse(data)
        assert structure.unpacker().unpack(data) == tuple(one[spec.name] for spec in structure.FIELDS)
