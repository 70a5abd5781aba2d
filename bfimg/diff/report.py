"""What `diff` finds, as typed objects. Offsets and sizes in bytes, offsets from the start of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a diff of equal images never loads what is needed to understand them
    from bfimg.image.probe import Region

Value = int | str | None


@dataclass(frozen=True, slots=True)
class RegionChange:
    """A region that is not the same in both images; `old` or `new` is None where it does not exist.

    kind: "added", "removed", "moved", "resized" or "changed" (its type, or that the image ends first).
    """

    name: str
    kind: str
    old: Region | None
    new: Region | None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field with another value; None where its structure does not exist.

    path: as `bfimg get` takes it; for the directory entry of a file just the name of the field.
    """

    path: str
    old: Value
    new: Value
    meaning: str
    unit: str = ""
    old_name: str = ""  # what an enumerated value is called
    new_name: str = ""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file or directory that is not the same in both images.

    kind: "added", "removed", "changed", or "moved" (same contents, another path). where: in the new image, or in the
    old one for a removed file, such as ``part1:/SHA256.BC``. differing, first_difference: of the contents, as far as
    both files reach. entry: fields of the directory entry. header, payload_differing: of a module file.
    """

    kind: str
    where: str
    is_directory: bool
    old_where: str | None = None
    old_size: int | None = None
    new_size: int | None = None
    differing: int = 0
    first_difference: int | None = None
    entry: tuple[FieldChange, ...] = ()
    header: tuple[FieldChange, ...] = ()
    payload_differing: int | None = None


@dataclass(frozen=True, slots=True)
class ByteRun:
    """A run of bytes that differ; runs with fewer than 64 equal bytes between them are one. region: "" in none."""

    region: str
    offset: int
    size: int
    differing: int


@dataclass(frozen=True, slots=True)
class ByteChanges:
    """All differing bytes. Only the first 10,000 runs are kept, all are counted."""

    runs: tuple[ByteRun, ...]
    run_count: int
    differing: int


@dataclass(frozen=True, slots=True)
class DiffReport:
    """Differences of two images. Bytes are compared as far as both reach.

    notes: what could not be compared, and why.
    """

    old: str
    new: str
    old_size: int
    new_size: int
    regions: tuple[RegionChange, ...]
    fields: tuple[FieldChange, ...]
    files: tuple[FileChange, ...]
    contents: ByteChanges
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """True when the images are equal, byte for byte."""
        return self.old_size == self.new_size and not self.contents.differing
