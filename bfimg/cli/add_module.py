"""``bfimg add-module``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bfimg.cli.options import IMAGE_RULE, default_image, dry_run_option, format_option, option

if TYPE_CHECKING:
    from bfimg.module.add import AddReport


@click.command("add-module", epilog=IMAGE_RULE.replace("IMAGE:", "--image:"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-i", "--image", help="Image to change.")
@option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the changed image here instead.")
@option("--name", help="Module name; from the bitcode when absent.")
@option("--entry", help="Function to call; found in the bitcode when absent.")
@option("--level", type=click.IntRange(0, 3), help="Optimisation level the kernel starts at.")
@option("--module-version", type=click.IntRange(0, 65535), help="Version of the module itself.")
@dry_run_option
@format_option
def command(
    files: tuple[Path, ...],
    image: str | None,
    output: Path | None,
    name: str | None,
    entry: str | None,
    level: int | None,
    module_version: int | None,
    dry_run: bool,
    output_format: str,
) -> None:
    """Wrap a module and put it on the image's FAT volume.

    FILES are LLVM bitcode for 32-bit x86 (.bc, .ll), modules wrapped before, native .mod files, or C and C++
    sources, which clang compiles. All are added or none. A module of the same file name is replaced.

    Example: bfimg add-module -i disk.img sha256.bc
    """
    from bfimg.errors import UsageError
    from bfimg.module.add import add_modules
    from bfimg.module.prepare import ModuleRequest

    if len(files) > 1 and (name is not None or entry is not None):
        raise UsageError("--name and --entry are for one module", hint="add the modules one by one")
    request = ModuleRequest(name, entry, level, module_version)
    report = add_modules(default_image(image), files, request, output=output, dry_run=dry_run)
    if output_format == "json":
        _print_json(report)
    else:
        _print_report(report)


def _print_report(report: AddReport) -> None:
    for added in report.added:
        module = added.module
        verb = "replaced" if added.replaced else "added"
        entry = f", entry {module.info.entry}" if module.info.entry else ""
        short = "" if f"/{added.short_name}" == added.path else f" ({added.short_name})"
        click.echo(
            f"{verb} {report.region}:{added.path}{short}: {module.info.kind} module {module.info.name}{entry}, "
            f"{len(module.data)} bytes, from {module.origin} {module.source}"
        )
    if not report.written:
        click.echo(f"dry run: {report.image} is unchanged")


def _print_json(report: AddReport) -> None:
    import json

    rows = [
        {
            "path": added.path,
            "short_name": added.short_name,
            "replaced": added.replaced,
            "kind": str(added.module.info.kind),
            "name": added.module.info.name,
            "entry": added.module.info.entry,
            "level": added.module.info.level,
            "module_version": added.module.info.version,
            "size": len(added.module.data),
            "source": str(added.module.source),
            "origin": added.module.origin,
        }
        for added in report.added
    ]
    document = {
        "schema_version": 1,
        "image": str(report.image),
        "region": report.region,
        "written": report.written,
        "added": rows,
    }
    click.echo(json.dumps(document, indent=2))
