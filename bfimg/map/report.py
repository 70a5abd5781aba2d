"""What the map of an image is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bfimg.image.probe import ImageKind


class Use(StrEnum):
    """What sectors are used for. A cell shows the first of these, in this order, that is in it."""

    BAD = "bad cluster"
    LOST = "in use, but by no file"
    TABLE = "partition table"
    BOOT = "boot code"
    KERNEL = "kernel"
    CACHE = "JIT cache"
    RESERVED = "boot sector and reserved sectors of a volume"
    FAT = "file allocation table"
    FRAGMENTED = "file in several pieces"
    FILE = "file"
    FOLDER = "directory"
    DATA = "other data"
    FREE = "free, or zeros"


@dataclass(frozen=True, slots=True)
class Cell:
    """A run of sectors in one region. Offset, size, and how much of it is used, in bytes."""

    offset: int
    size: int
    use: Use
    used: int


@dataclass(frozen=True, slots=True)
class RegionMap:
    """A region, or a part of one that others stand in, or a gap between them (name ""). Offset and size in bytes."""

    name: str
    offset: int
    size: int
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring clusters of one file: byte offset in the image, and bytes."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class FragmentedFile:
    """A file whose clusters are not all neighbours."""

    region: str
    path: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class VolumeUse:
    """How full a FAT volume is. `problem`: why the map of it is not complete, or empty."""

    region: str
    files: int
    cluster_bytes: int
    cluster_count: int
    free_clusters: int
    fragmented: tuple[FragmentedFile, ...]
    problem: str


@dataclass(frozen=True, slots=True)
class ImageMap:
    """The map of one image. `cell_bytes`: what one cell stands for; the last of a region may be smaller."""

    name: str
    size: int
    kind: ImageKind
    cell_bytes: int
    regions: tuple[RegionMap, ...]
    volumes: tuple[VolumeUse, ...]
