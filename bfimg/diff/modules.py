"""Header, table and payload of a module file in two images."""

from __future__ import annotations

from dataclasses import replace

from bfimg.diff.compare import difference
from bfimg.diff.fields import structure_fields
from bfimg.diff.report import FieldChange
from bfimg.fat.directory import Item
from bfimg.fat.volume import FatVolume
from bfimg.formats.memory_map import memory_region
from bfimg.module.files import is_module_file
from bfimg.module.identify import ModuleInfo, identify
from bfimg.module.native_table import without_table

File = tuple[FatVolume, Item]


def module_changes(where: str, old: File, new: File) -> tuple[tuple[FieldChange, ...], int | None]:
    """(fields of the header and of a native module's table, differing bytes of the payload as far as both reach).

    No fields and None for a file that is no module in both images, or is too large to be loaded as one. Raises
    FormatError when a file is damaged.
    """
    room = memory_region("file_buffer").size
    if not is_module_file(where) or any(item.is_directory or item.size > room for _, item in (old, new)):
        return (), None
    before, after = (volume.read(item) for volume, item in (old, new))
    left, right = identify(before), identify(after)
    if left.header is None or right.header is None:
        return (), None
    found = [
        *structure_fields(left.header, right.header, f"{where}#"),
        *structure_fields(left.table, right.table, f"{where}#table"),
    ]
    fields = tuple(replace(field, path=field.path.replace("#.", "#")) for field in found)
    return fields, difference(_payload(before, left), _payload(after, right))[0]


def _payload(data: bytes, info: ModuleInfo) -> bytes:
    return without_table(data) if info.table is not None else data[info.payload_offset :]
