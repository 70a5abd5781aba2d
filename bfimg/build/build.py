"""Build an image: compile, collect files, assemble, write in one step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bfimg.build.assemble import RegionUse, VolumeFile, assemble
from bfimg.build.cache import BuildCache, default_cache_dir
from bfimg.build.compile import KernelBuild
from bfimg.build.layout import FileSpec, Layout
from bfimg.build.programs import choose
from bfimg.clock import FAT_EPOCH, source_date
from bfimg.errors import InputError, UsageError
from bfimg.formats.kernel_header import KernelHeader
from bfimg.module.files import volume_name
from bfimg.module.wrap import native_module, wrap_bitcode
from bfimg.toolchain.compiler import Toolchain


@dataclass(frozen=True)
class BuildReport:
    """What was built. `written` is False after a dry run; compiled and reused count build steps."""

    image: Path
    size: int
    written: bool
    regions: tuple[RegionUse, ...]
    files: tuple[tuple[str, int], ...]  # path on the volume, bytes
    kernel: KernelHeader
    toolchain: str
    compiled: int
    reused: int


def build_image(
    layout: Layout,
    output: Path,
    toolchain: Toolchain,
    *,
    cache_dir: Path | None = None,
    dry_run: bool = False,
) -> BuildReport:
    """Build the image `layout` describes and write it to `output`, all of it or nothing.

    The same layout, sources, tools and SOURCE_DATE_EPOCH (without it: 1980) give the same bytes.
    Raises InputError, FormatError, CompileError, ToolError, and FitError for what does not fit.
    """
    cache = BuildCache(cache_dir or default_cache_dir())
    kernel = KernelBuild(layout.kernel_sources, toolchain, cache)
    boot = kernel.boot_binaries(layout.kernel_pad_to)
    files = list(_unique([*_modules(layout, kernel), *(_read(spec) for spec in layout.files)]))
    store, regions, header = assemble(layout, boot, files, source_date() or FAT_EPOCH)
    if not dry_run:
        store.commit(output)
    return BuildReport(
        image=output,
        size=store.size,
        written=not dry_run,
        regions=regions,
        files=tuple((file.path, len(file.data)) for file in files),
        kernel=header,
        toolchain=toolchain.version,
        compiled=cache.made,
        reused=cache.reused,
    )


def _modules(layout: Layout, kernel: KernelBuild) -> Iterator[VolumeFile]:
    native = choose(kernel.programs, layout.native_modules, "modules.native")
    for program, code in zip(native, kernel.native_modules(native), strict=True):
        yield VolumeFile("/" + volume_name(program.name, "mod"), native_module(program.name, code))
    bitcode = choose(kernel.programs, layout.bitcode_modules, "modules.bitcode")
    for program, data in zip(bitcode, kernel.bitcode_modules(bitcode), strict=True):
        wrapped = wrap_bitcode(data, name=program.name, entry=program.entry)
        yield VolumeFile("/" + volume_name(program.name, "bc"), wrapped)


def _read(spec: FileSpec) -> VolumeFile:
    if spec.source is None:
        return VolumeFile(spec.target, (spec.text or "").encode())
    try:
        return VolumeFile(spec.target, spec.source.read_bytes())
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", path=str(spec.source), hint="mend `from` in the layout"
        ) from None


def _unique(files: list[VolumeFile]) -> Iterator[VolumeFile]:
    seen: set[str] = set()
    for file in files:
        if file.path.casefold() in seen:
            raise UsageError(f"{file.path} is put on the volume twice", hint="take one out of the layout")
        seen.add(file.path.casefold())
        yield file
