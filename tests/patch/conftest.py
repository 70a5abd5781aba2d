"""Images in memory that patches are made from."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from bfimg.image.store import Store
from bfimg.patch import Patch, read_patch, write_patch

SIZE = 3 * 65_536 + 100


@pytest.fixture(scope="session")
def image() -> Callable[..., Store]:
    """An image of SIZE bytes with some bytes in it: ``image((100, b"abc"), ...)``."""

    def make(*writes: tuple[int, bytes]) -> Store:
        store = Store.blank(SIZE)
        for offset, data in writes:
            store.write(offset, data[: SIZE - offset])
        return store

    return make


@pytest.fixture(scope="session")
def patch_of() -> Callable[[Store, Store], Patch]:
    """The patch between two images, written and read."""

    def make(old: Store, new: Store) -> Patch:
        stream = io.BytesIO()
        write_patch(old, new, stream)
        return read_patch(stream)

    return make
