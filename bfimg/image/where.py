"""`WHERE`: one grammar for a place in an image.

stage2                       a region
mbr.partitions[0].lba_start  a field, or all fields below a path
part1:/SHA256.BC             a file; `fat` stands for the first FAT volume
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bfimg.errors import NotFoundError, UsageError
from bfimg.fat.volume import FatVolume
from bfimg.image.report import FieldValue, InspectReport, RegionReport
from bfimg.image.store import Store

FIRST_FAT = "fat"


@dataclass(frozen=True)
class Where:
    """A place: a region, a field path in it ("" for the whole region), or a file path ("" for none)."""

    text: str
    region: str
    field: str
    file: str


def parse_where(text: str) -> Where:
    """Read a WHERE. Raises UsageError for one that names nothing."""
    region, colon, file = text.partition(":")
    if colon:
        if not region or not file.startswith("/"):
            raise UsageError(f"{text!r} is no place in an image", hint="write a file as part1:/NAME.EXT")
        return Where(text, region, "", file)
    region = text.partition(".")[0].partition("[")[0]
    if not region:
        raise UsageError(f"{text!r} is no place in an image", hint="write a region, a field path or part1:/NAME.EXT")
    return Where(text, region, text if text != region else "", "")


def narrow(report: InspectReport, where: Where) -> InspectReport:
    """The part of a report that `where` names. Raises NotFoundError when the image has no such place."""
    region = _region(report, where)
    name = region.region.name
    fields = region.fields
    if where.field:
        path = name + where.field.removeprefix(where.region)
        fields = tuple(field for field in fields if _below(field, path))
        if not fields:
            raise NotFoundError(f"no field {where.field}", path=str(report.image), hint=f"bfimg inspect shows {name}'s")
    volumes = [] if where.field else [volume for volume in report.volumes if volume.region == name]
    modules = [] if where.field else [module for module in report.modules if module.region == name]
    if where.file:
        fields = ()
        path = where.file.casefold()
        volumes = [
            dataclasses.replace(v, files=tuple(f for f in v.files if _holds(path, f.path.casefold()))) for v in volumes
        ]
        modules = [module for module in modules if _holds(path, module.path.casefold())]
        if not any(volume.files for volume in volumes):
            raise NotFoundError(f"no {where.text}", path=str(report.image), hint=f"bfimg inspect lists {name}'s files")
    places = (name, f"{name}.", f"{name}:")
    return dataclasses.replace(
        report,
        regions=(RegionReport(region.region, fields),),
        volumes=tuple(volumes),
        modules=tuple(modules),
        findings=tuple(f for f in report.findings if f.place == name or f.place.startswith(places[1:])),
    )


def read_place(report: InspectReport, where: Where) -> tuple[int, bytes]:
    """(offset, bytes) of the region, field or file: a file's offset counts from its own start.

    Raises NotFoundError as `narrow`, and FormatError for a damaged file.
    """
    part = narrow(report, where)
    with Store.open(report.image) as store:
        region = part.regions[0].region
        if where.file:
            volume = FatVolume(store, region.offset)
            found = volume.find(where.file)
            if found.item.is_directory:
                raise UsageError(f"{where.text} is a directory", path=str(report.image), hint="name a file")
            return 0, volume.read(found.item)
        if where.field:
            fields = part.regions[0].fields
            start = min(field.offset for field in fields)
            end = max(field.offset + field.size for field in fields)
            return start, store.read(start, end - start)
        return region.offset, store.read(region.offset, region.size)


def _region(report: InspectReport, where: Where) -> RegionReport:
    name = where.region
    names = [region.region.name for region in report.regions]
    if name == FIRST_FAT and name not in names and report.volumes:
        name = report.volumes[0].region
    for region in report.regions:
        if region.region.name == name:
            return region
    raise NotFoundError(f"no region {where.region}", path=str(report.image), hint=f"there are: {', '.join(names)}")


def _below(field: FieldValue, path: str) -> bool:
    return field.path == path or field.path.startswith((f"{path}.", f"{path}["))


def _holds(path: str, candidate: str) -> bool:
    return candidate == path or candidate.startswith(path.rstrip("/") + "/")
