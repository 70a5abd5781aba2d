"""`WHERE`: one grammar for a place in an image.

stage2                       a region
mbr.partitions[0].lba_start  a field, or all fields below a path
part1:/SHA256.BC             a file; `fat` stands for the first FAT volume
/SHA256.BC                   a file on the first FAT volume
part1:/*.BC                  files by pattern, where a verb takes several
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bfimg.errors import NotFoundError, UsageError
from bfimg.fat.names import fold
from bfimg.image.report import InspectReport, RegionReport

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
    if text.startswith("/"):
        return Where(text, FIRST_FAT, "", text)
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
        fields = tuple(field for field in fields if below(field.path, path))
        if not fields:
            raise NotFoundError(f"no field {where.field}", path=str(report.image), hint=f"bfimg inspect shows {name}'s")
    volumes = [] if where.field else [volume for volume in report.volumes if volume.region == name]
    modules = [] if where.field else [module for module in report.modules if module.region == name]
    if where.file:
        fields = ()
        path = fold(where.file)
        volumes = [
            dataclasses.replace(v, files=tuple(f for f in v.files if _holds(path, fold(f.path)))) for v in volumes
        ]
        modules = [module for module in modules if _holds(path, fold(module.path))]
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


def _region(report: InspectReport, where: Where) -> RegionReport:
    name = where.region
    names = [region.region.name for region in report.regions]
    if name == FIRST_FAT and name not in names and report.volumes:
        name = report.volumes[0].region
    for region in report.regions:
        if region.region.name == name:
            return region
    raise NotFoundError(f"no region {where.region}", path=str(report.image), hint=f"there are: {', '.join(names)}")


def below(path: str, above: str) -> bool:
    """True when the field path `path` is `above`, or names a part of it."""
    return path == above or path.startswith((f"{above}.", f"{above}[", f"{above}#"))


def _holds(path: str, candidate: str) -> bool:
    return candidate == path or candidate.startswith(path.rstrip("/") + "/")
