"""The fast path for directory entries equals the Construct definition on any bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bfimg.formats.fat_directory import DirectoryEntry, LongNameEntry


@given(st.binary(min_size=32, max_size=32))
def test_equal_on_any_bytes(data: bytes) -> None:
    for structure in (DirectoryEntry, LongNameEntry):
        slow = structure.parse(data)
        fast = structure.unpacker().unpack(data)
        assert fast == tuple(getattr(slow, spec.name) for spec in structure.FIELDS)
