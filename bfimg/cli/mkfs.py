"""``bfimg mkfs``."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bfimg.cli.images import STANDARD_STREAM, deliver
from bfimg.cli.options import dry_run_option, format_option, option
from bfimg.cli.terminal import echo, print_json

if TYPE_CHECKING:
    from bfimg.image.new_volume import NewVolume

_VOLUME_ID = re.compile(r"(0x)?[0-9a-fA-F]{1,8}|[0-9a-fA-F]{4}-[0-9a-fA-F]{4}")
_EPILOG = """Sizes are bytes, or a number with K, M, G (powers of 1024) or S (sectors of 512 bytes). FAT type, cluster
size and geometry are chosen from the size where they are not given; the usual floppy sizes get the values BIOSes
expect.

A new file needs --size and must not exist. An existing file, FILE@@OFFSET or --region is formatted in place, in one
transaction, when it holds only zeros. --force lifts both rules. Only boot sector, FATs and root directory are written.

Example: bfimg mkfs volume.img --size 64M --label DATA"""


@click.command("mkfs", epilog=_EPILOG)
@click.argument("file")
@option("--size", metavar="SIZE", help="Make a new file of this size; in an existing place: use no more.")
@option("--region", metavar="NAME", help="Format this region of a disk image, such as part1.")
@option("--fat", "bits", type=click.Choice(["12", "16", "32"]), help="FAT type.")
@option("--sectors-per-cluster", type=int, default=0, metavar="N", help="1, 2, 4 ... 128.")
@option("--root-entries", type=int, default=0, metavar="N", help="Size of the root directory; none on FAT32.")
@option("--reserved-sectors", type=int, default=0, metavar="N", help="Sectors before the first FAT.")
@option("--fats", type=int, default=2, show_default=True, metavar="N", help="Copies of the FAT: 1 or 2.")
@option("--hidden-sectors", type=int, metavar="N", help="Sectors before the volume; where it begins by default.")
@option("--sectors-per-track", type=int, default=0, metavar="N", help="Geometry that INT 13h uses.")
@option("--heads", type=int, default=0, metavar="N", help="Geometry that INT 13h uses.")
@option("--oem", default="BFIMG", show_default=True, metavar="TEXT", help="OEM name, at most 8 characters.")
@option("--volume-id", metavar="HEX", help="Serial number, as 1234-ABCD; by default from options and clock.")
@option("--label", default="", metavar="TEXT", help="Volume label, at most 11 characters.")
@option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the changed image here instead.")
# No environment variable: what overwrites data is said on the command line.
@click.option("--force", is_flag=True, help="Replace an existing file; format a place that holds data.")
@dry_run_option
@format_option
def command(
    file: str,
    size: str | None,
    region: str | None,
    bits: str | None,
    sectors_per_cluster: int,
    root_entries: int,
    reserved_sectors: int,
    fats: int,
    hidden_sectors: int | None,
    sectors_per_track: int,
    heads: int,
    oem: str,
    volume_id: str | None,
    label: str,
    output: Path | None,
    force: bool,
    dry_run: bool,
    output_format: str,
) -> None:
    """Make an empty FAT12, FAT16 or FAT32 volume.

    FILE is a new or an existing file, FILE@@OFFSET a place in a larger one, - standard output.
    """
    from bfimg.fat.mkfs import FatOptions
    from bfimg.image.new_volume import Place, make_volume
    from bfimg.image.spec import parse_image
    from bfimg.units import parse_size

    spec = parse_image(file)
    options = FatOptions(
        total_sectors=0,
        bits=int(bits or 0),
        sectors_per_cluster=sectors_per_cluster,
        root_entries=root_entries,
        reserved_sectors=reserved_sectors,
        fat_count=fats,
        sectors_per_track=sectors_per_track,
        heads=heads,
        label=label,
        oem_name=oem,
    )
    make = partial(
        make_volume,
        options=options,
        size=None if size is None else parse_size(size),
        volume_id=None if volume_id is None else _parse_volume_id(volume_id),
        hidden_sectors=hidden_sectors,
        force=force,
        dry_run=dry_run,
    )
    place = Place(spec.path, spec.offset, region)

    def write(path: Path) -> None:
        if file == STANDARD_STREAM:
            make(Place(path))
        else:
            make(place, output=path)

    if STANDARD_STREAM in (file, str(output)) and not dry_run:
        deliver(Path(STANDARD_STREAM), write)
        return
    made = make(place, output=output)
    if output_format == "json":
        _print_json(made)
    else:
        _print_volume(made)


def _parse_volume_id(text: str) -> int:
    """Hexadecimal, with or without a dash in the middle or 0x in front, as mkfs.fat -i takes and mdir shows it."""
    from bfimg.errors import UsageError

    if not _VOLUME_ID.fullmatch(text):
        raise UsageError(f"{text!r} is no volume id", hint="write up to eight hexadecimal digits, such as 1234-ABCD")
    return int(text.replace("-", ""), 16)


def _print_volume(made: NewVolume) -> None:
    geometry, boot = made.geometry, made.boot
    place = f"{made.image}@@{made.offset:#x}" if made.offset else str(made.image)
    echo(
        f"{'made' if made.written else 'would make'} {place}: FAT{geometry.bits}, {geometry.total_sectors} sectors, "
        f"{geometry.cluster_count} clusters of {geometry.cluster_bytes} bytes"
    )
    root = f", {geometry.root_entries} root entries" if geometry.bits != 32 else ""
    fats = "1 FAT" if geometry.fat_count == 1 else f"{geometry.fat_count} FATs"
    echo(f"  {geometry.reserved_sectors} reserved sectors, {fats} of {geometry.sectors_per_fat} sectors{root}")
    echo(f"  {boot.hidden_sectors} hidden sectors, {boot.sectors_per_track} sectors per track, {boot.heads} heads")
    number = f"{boot.volume_id >> 16:04X}-{boot.volume_id & 0xFFFF:04X}"
    echo(f"  volume id {number}, label {made.label or '(none)'}, OEM name {boot.oem_name.decode().rstrip()}")


def _print_json(made: NewVolume) -> None:
    geometry, boot = made.geometry, made.boot
    document = {
        "schema_version": 1,
        "image": str(made.image),
        "offset": made.offset,
        "written": made.written,
        "fat_bits": geometry.bits,
        "total_sectors": geometry.total_sectors,
        "bytes_per_sector": geometry.bytes_per_sector,
        "sectors_per_cluster": geometry.sectors_per_cluster,
        "cluster_count": geometry.cluster_count,
        "reserved_sectors": geometry.reserved_sectors,
        "fat_count": geometry.fat_count,
        "sectors_per_fat": geometry.sectors_per_fat,
        "root_entries": geometry.root_entries,
        "hidden_sectors": boot.hidden_sectors,
        "sectors_per_track": boot.sectors_per_track,
        "heads": boot.heads,
        "media": boot.media,
        "volume_id": boot.volume_id,
        "label": made.label,
        "oem_name": boot.oem_name.decode().rstrip(),
    }
    print_json(document)
