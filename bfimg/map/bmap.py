"""Block map of an image, for bmaptool: which 4 KiB blocks hold data, and their SHA-256.

With it an image is copied to a card or disk without its holes, and every range is verified. Format: bmap 2.0, the
XML form bmaptool reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from bfimg.image.store import Store

BLOCK_SIZE = 4096
_CHUNK = 1 << 20
_NO_CHECKSUM = "0" * 64


def bmap(store: Store) -> str:
    """The block map as XML. Its own checksum is taken with that field set to zeros, as the format asks."""
    ranges = list(_block_ranges(store))
    mapped = sum(last - first + 1 for first, last in ranges)
    rows = "\n".join(
        f'        <Range chksum="{_digest(store, first, last)}"> {_range(first, last)} </Range>'
        for first, last in ranges
    )
    text = f"""<?xml version="1.0" ?>
<bmap version="2.0">
    <ImageSize> {store.size} </ImageSize>
    <BlockSize> {BLOCK_SIZE} </BlockSize>
    <BlocksCount> {-(-store.size // BLOCK_SIZE)} </BlocksCount>
    <MappedBlocksCount> {mapped} </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <BmapFileChecksum> {_NO_CHECKSUM} </BmapFileChecksum>
    <BlockMap>
{rows}
    </BlockMap>
</bmap>
"""
    return text.replace(_NO_CHECKSUM, hashlib.sha256(text.encode("ascii")).hexdigest(), 1)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _block_ranges(store: Store) -> Iterator[tuple[int, int]]:
    """(first, last) block of each run that holds data; runs that share a block are joined."""
    current: tuple[int, int] | None = None
    for extent in store.data_extents():
        first, last = extent.offset // BLOCK_SIZE, (extent.offset + extent.size - 1) // BLOCK_SIZE
        if current is not None and first <= current[1] + 1:
            current = (current[0], max(current[1], last))
        else:
            if current is not None:
                yield current
            current = (first, last)
    if current is not None:
        yield current


def _digest(store: Store, first: int, last: int) -> str:
    digest = hashlib.sha256()
    end = min((last + 1) * BLOCK_SIZE, store.size)
    for start in range(first * BLOCK_SIZE, end, _CHUNK):
        digest.update(store.read(start, min(_CHUNK, end - start)))
    return digest.hexdigest()
