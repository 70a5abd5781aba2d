"""Build an image: compile, collect files, assemble, write in one step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bfimg.build.assemble import RegionUse, VolumeFile, assemble
from bfimg.build.cache import open_cache
from bfimg.build.compile import KernelBuild
from bfimg.build.embedded import EmbeddedModule
from bfimg.build.layout import FileSpec, Layout
from bfimg.build.programs import Program, choose
from bfimg.clock import FAT_EPOCH, source_date
from bfimg.errors import FitError, UsageError, located
from bfimg.formats.kernel_header import KernelHeader
from bfimg.host_file import host_file_size, read_host_file
from bfimg.module.files import volume_name
from bfimg.module.wrap import wrap_bitcode
from bfimg.toolchain.compiler import Toolchain


@dataclass(frozen=True)
class BuildReport:
    """What was built. `written` is False after a dry run.

    compiled, reused: results of compiler and linker that this build made, and that it found from an earlier one.
    """

    image: Path
    size: int
    written: bool
    regions: tuple[RegionUse, ...]
    files: tuple[tuple[str, int], ...]  # path on the volume, bytes
    embedded: tuple[tuple[str, int], ...]  # module in the kernel image, bytes
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
    progress: Callable[[int, int], None] | None = None,
) -> BuildReport:
    """Build the image `layout` describes and write it to `output`, all of it or nothing.

    The same layout, sources, tools and SOURCE_DATE_EPOCH (without it: 1980) give the same bytes.
    cache_dir: where compiled parts are kept; None for the user's cache, or no cache where that cannot be written.
    progress: called with (parts done, parts in all).
    Raises InputError, FormatError, UsageError, CompileError, ToolError, and FitError for what does not fit.
    """
    when = source_date() or FAT_EPOCH
    done = 0

    def on_part() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    with open_cache(cache_dir) as cache:
        kernel = KernelBuild(layout.kernel_sources, toolchain, cache, on_part)
        with located(layout.origin):
            native = choose(kernel.programs, layout.native_modules, "modules.native")
            bitcode = choose(kernel.programs, layout.bitcode_modules, "modules.bitcode")
            within = _embedded(kernel.programs, layout)
            instrumented = choose(kernel.programs, layout.instrumented_modules, "modules.instrument")
        # The last one is the image itself.
        total = kernel.part_count(len(native) + len(bitcode) + len(within)) + 1
        files = [_read(layout, index, spec) for index, spec in enumerate(layout.files)]
        with located(str(layout.kernel_sources)):
            embedded = [
                EmbeddedModule(program.name, data)
                for program, data in zip(within, kernel.native_modules(within, instrumented), strict=True)
            ]
            boot = kernel.boot_binaries(embedded)
            modules = [*_native(kernel, native, instrumented), *_bitcode(kernel, bitcode)]
        if layout.kernel_pad_to:
            with located(layout.origin, "kernel.pad_to"):
                boot = kernel.padded(boot, layout.kernel_pad_to)
        files = [*modules, *files]
        store, regions, header = assemble(layout, boot, files, when)
        if not dry_run:
            store.commit(output)
        on_part()
    return BuildReport(
        image=output,
        size=store.size,
        written=not dry_run,
        regions=regions,
        files=tuple((file.path, len(file.data)) for file in files),
        embedded=tuple((module.name, len(module.data)) for module in embedded),
        kernel=header,
        toolchain=toolchain.version,
        compiled=cache.made,
        reused=cache.reused,
    )


def _embedded(programs: tuple[Program, ...], layout: Layout) -> tuple[Program, ...]:
    """The programs for the kernel image. Raises NotFoundError, and UsageError for a name that stands there twice."""
    field = "kernel.embedded"
    chosen = choose(programs, layout.embedded_modules, field)
    for program in chosen:
        if chosen.count(program) > 1:
            raise UsageError(f"{program.name} is named twice", field=field, hint="name it once")
    return chosen


def _native(kernel: KernelBuild, programs: Sequence[Program], instrumented: Collection[Program]) -> list[VolumeFile]:
    return [
        VolumeFile("/" + volume_name(program.name, "mod"), data, "modules.native")
        for program, data in zip(programs, kernel.native_modules(programs, instrumented), strict=True)
    ]


def _bitcode(kernel: KernelBuild, programs: Sequence[Program]) -> list[VolumeFile]:
    return [
        VolumeFile("/" + volume_name(program.name, "bc"), _lowered(program, data), "modules.bitcode")
        for program, data in zip(programs, kernel.bitcode_modules(programs), strict=True)
    ]


def _lowered(program: Program, bitcode: bytes) -> bytes:
    """The module file of a program, as `add-module` makes it."""
    from bfimg.bitcode.lower import lower

    with located(str(program.source)):
        lowered = lower(bitcode, program.entry).data
    return wrap_bitcode(bitcode, name=program.name, entry=program.entry, program=lowered)


def _read(layout: Layout, index: int, spec: FileSpec) -> VolumeFile:
    field = f"file[{index}]"
    if spec.source is None:
        return VolumeFile(spec.target, (spec.text or "").encode(), f"{field}.to")
    hint = f"mend {field}.from in {layout.origin}"
    size = host_file_size(spec.source, hint=hint)
    if size > layout.image_size:
        raise FitError(
            f"{spec.source} is {size} bytes, the whole image {layout.image_size}",
            path=layout.origin,
            field=f"{field}.from",
            hint="make the image larger",
        )
    return VolumeFile(spec.target, read_host_file(spec.source, hint=hint), f"{field}.to")
