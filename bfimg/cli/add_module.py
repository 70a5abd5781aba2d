"""``bfimg add-module``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bfimg.cli.images import IMAGE_RULE, change_options, changing, split_image
from bfimg.cli.options import dry_run_option, format_option, option
from bfimg.cli.terminal import echo, print_json
from bfimg.formats.bitcode_module import MAX_OPTIMISATION_LEVEL

if TYPE_CHECKING:
    from bfimg.module.add import AddedModule


@click.command("add-module", epilog=IMAGE_RULE)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@change_options
@option("--name", help="Module name; from the bitcode when absent.")
@option("--entry", help="Function to call; found in the bitcode when absent.")
@option("--level", type=click.IntRange(0, MAX_OPTIMISATION_LEVEL), help="Optimisation level the kernel starts at.")
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
    spec, _ = split_image((), image)
    if output_format == "json":
        with changing(spec, output, dry_run, show=False) as opened:
            added = add_modules(opened, files, request)
        _print_json(spec if output is None else str(output), added, written=not dry_run)
    else:
        with changing(spec, output, dry_run) as opened:
            added = add_modules(opened, files, request)
        for module in added:
            _print_added(module)


def _print_added(added: AddedModule) -> None:
    module = added.module
    verb = "replaced" if added.replaced else "added"
    entry = f", entry {module.info.entry}" if module.info.entry else ""
    short = "" if added.where.endswith(f"/{added.short_name}") else f" ({added.short_name})"
    echo(
        f"{verb} {added.where}{short}: {module.info.kind} module {module.info.name}{entry}, "
        f"{len(module.data)} bytes, from {module.origin} {module.source}"
    )


def _print_json(image: str, modules: list[AddedModule], written: bool) -> None:
    rows = [
        {
            "where": added.where,
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
        for added in modules
    ]
    print_json({"schema_version": 1, "image": image, "written": written, "added": rows})
