"""``bfimg inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bfimg.cli.images import host_image
from bfimg.cli.options import IMAGE_RULE, default_image, format_option, option
from bfimg.cli.terminal import echo, print_json

if TYPE_CHECKING:
    from bfimg.image.report import FieldValue, InspectReport, ModuleReport, RegionReport, VolumeReport

_HEX_SHOWN = 32
_MOST_DUMPED = 1 << 20


@click.command("inspect", epilog=IMAGE_RULE)
@click.argument("image", required=False)
@click.argument("where", required=False)
@format_option
@option("--hex", "as_hex", is_flag=True, help="Dump the bytes of WHERE instead.")
def command(image: str | None, where: str | None, output_format: str, as_hex: bool) -> None:
    """Show regions, fields, files and modules of an image.

    WHERE is a region (stage2), a field path (mbr.partitions[0]) or a file (part1:/SHA256.BC).
    IMAGE@@OFFSET is an image inside a larger file: disk.img@@1M. What is wrong is listed last.

    Example: bfimg inspect disk.img stage2.kernel_sectors
    """
    from bfimg.errors import UsageError
    from bfimg.image.inspect import inspect
    from bfimg.image.where import narrow, parse_where

    if as_hex and where is None:
        raise UsageError("--hex needs a place", hint="name a region, a field or a file")
    with host_image(str(default_image(image))) as (path, offset):
        if as_hex and where is not None:
            _print_hex(path, offset, where)
            return
        report = inspect(path, offset)
    if where is not None:
        report = narrow(report, parse_where(where))
    if output_format == "json":
        print_json(_document(report))
    else:
        _print_report(report, whole=where is None)


def _print_hex(path: Path, offset: int, where: str) -> None:
    from hexdump import hexdump

    from bfimg.errors import UsageError
    from bfimg.image.image import open_image

    with open_image(path, offset=offset) as image:
        extent = image.extent(where)
        if extent.size > _MOST_DUMPED:
            raise UsageError(f"{extent.size} bytes are too many to dump", hint="name a smaller place, or use bfimg cat")
        data = image[where]
    if ":" in where or where.startswith("/"):
        # Keeps `patch` from taking the offsets for places in the image.
        echo(f"# {where}, offsets from the start of the file")
    for index, line in enumerate(hexdump(data, result="generator")):
        echo(f"{extent.offset + index * 16:08X}{line[8:]}")


def _print_report(report: InspectReport, whole: bool) -> None:
    if whole:
        echo(f"{report.image}: {report.kind}, {report.size} bytes")
        echo(f"{'region':<12} {'LBA':>8} {'sectors':>8} {'bytes':>12}  what")
        for part in report.regions:
            region = part.region
            row = f"{region.name:<12} {region.first_lba:>8} {-(-region.size // 512):>8} {region.size:>12}"
            echo(f"{row}  {region.note or region.content}")
    for part in report.regions:
        _print_fields(part)
    for volume in report.volumes:
        _print_volume(volume)
    if report.modules:
        echo()
        echo("modules")
        for module in report.modules:
            _print_module(module, with_fields=not whole)
    if report.findings:
        echo()
        echo("problems")
        for finding in report.findings:
            place = finding.place if finding.offset is None else f"{finding.place} at {finding.offset:#x}"
            echo(f"  {place}: {finding.message}")
    elif whole:
        echo()
        echo("no problems found")


def _print_fields(part: RegionReport) -> None:
    if not part.fields:
        return
    echo()
    echo(f"{part.region.name}")
    for field in part.fields:
        _print_field(field)


def _print_field(field: FieldValue) -> None:
    if isinstance(field.value, int):
        shown = f"{field.value} ({field.value:#x})" if field.value > 9 else str(field.value)
    elif len(field.value) > _HEX_SHOWN and field.size * 2 == len(field.value):
        shown = field.value[:_HEX_SHOWN] + "..."
    else:
        shown = field.value
    notes = [note for note in (field.name, field.unit) if note]
    note = f" {', '.join(notes)}" if notes else ""
    problem = f"  <- {field.problem}" if field.problem else ""
    echo(f"  {field.offset:#010x} {field.size:>4}  {field.path} = {shown}{note}{problem}")


def _print_volume(volume: VolumeReport) -> None:
    clusters = f"{volume.free_clusters} of {volume.cluster_count} clusters of {volume.cluster_bytes} bytes free"
    echo()
    echo(f"{volume.region}: FAT{volume.bits} {volume.label or '(no label)'}, {clusters}")
    for file in volume.files:
        item = file.item
        time = item.modified.strftime("%Y-%m-%d %H:%M:%S") if item.modified else "-"
        size = "dir" if item.is_directory else str(item.size)
        short = "" if item.name == item.short_name else f"  {item.short_name}"
        echo(f"  {size:>10}  {time:<19}  {file.path}{short}")


def _print_module(module: ModuleReport, with_fields: bool) -> None:
    info = module.info
    state = "CRC and header correct" if not info.problems else "; ".join(info.problems)
    if not info.problems and info.kind == "native" and info.table is None:
        state = "header correct, no table"
    entry = f", entry {info.entry}" if info.entry else ""
    echo(f"  {module.path}: {info.kind}, {info.name or '(no name)'}{entry}, {module.size} bytes, {state}")
    if with_fields:
        for field in module.fields:
            _print_field(field)


def _document(report: InspectReport) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "image": str(report.image),
        "base": report.base,
        "size": report.size,
        "kind": str(report.kind),
        "regions": [
            {
                "name": part.region.name,
                "offset": part.region.offset,
                "size": part.region.size,
                "content": part.region.content,
                "note": part.region.note,
                "truncated": part.region.truncated,
                "fields": [_field_document(field) for field in part.fields],
            }
            for part in report.regions
        ],
        "volumes": [_volume_document(volume) for volume in report.volumes],
        "modules": [
            {
                "region": module.region,
                "path": module.path,
                "size": module.size,
                "kind": str(module.info.kind),
                "name": module.info.name,
                "entry": module.info.entry,
                "version": module.info.version,
                "level": module.info.level,
                "payload_offset": module.info.payload_offset,
                "payload_size": module.info.payload_size,
                "problems": list(module.info.problems),
                "fields": [_field_document(field) for field in module.fields],
            }
            for module in report.modules
        ],
        "findings": [
            {"place": finding.place, "offset": finding.offset, "message": finding.message}
            for finding in report.findings
        ],
    }


def _field_document(field: FieldValue) -> dict[str, Any]:
    return {
        "path": field.path,
        "offset": field.offset,
        "size": field.size,
        "value": field.value,
        "name": field.name,
        "meaning": field.meaning,
        "unit": field.unit,
        "problem": field.problem,
    }


def _volume_document(volume: VolumeReport) -> dict[str, Any]:
    return {
        "region": volume.region,
        "fat_bits": volume.bits,
        "label": volume.label,
        "cluster_bytes": volume.cluster_bytes,
        "cluster_count": volume.cluster_count,
        "free_clusters": volume.free_clusters,
        "files": [
            {
                "path": file.path,
                "short_name": file.item.short_name,
                "size": file.item.size,
                "directory": file.item.is_directory,
                "attributes": file.item.attributes,
                "first_cluster": file.item.first_cluster,
                "modified": file.item.modified.isoformat() if file.item.modified else None,
            }
            for file in volume.files
        ],
    }
