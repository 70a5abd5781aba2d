"""What differs between two images: regions, fields, files, bytes."""

from bfimg.diff.diff import diff, pending_diff
from bfimg.diff.report import ByteChanges, ByteRun, DiffReport, FieldChange, FileChange, RegionChange

__all__ = [
    "ByteChanges",
    "ByteRun",
    "DiffReport",
    "FieldChange",
    "FileChange",
    "RegionChange",
    "diff",
    "pending_diff",
]
