"""Look at an image: regions, fields, files, modules, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bfimg.errors import BfimgError
from bfimg.fat.volume import FatFile, FatVolume
from bfimg.formats.boot_protocol import BootError
from bfimg.formats.crc import CRC32
from bfimg.formats.kernel_header import KERNEL_CANARY, KERNEL_SIGNATURE, KernelHeader
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.formats.memory_map import memory_region
from bfimg.formats.stage2 import Stage2Descriptor
from bfimg.image.gpt import region_problems
from bfimg.image.probe import Region, probe
from bfimg.image.report import (
    FieldValue,
    Finding,
    InspectReport,
    ModuleReport,
    RegionReport,
    VolumeReport,
    field_values,
)
from bfimg.image.store import Store
from bfimg.image.structures import region_structures
from bfimg.module.files import is_module_file
from bfimg.module.identify import identify
from bfimg.module.native_table import TABLE_START

# More than the kernel could ever run; a damaged volume can have 65,536 that share one chain.
_MOST_MODULES = 1024


def inspect(path: Path, offset: int = 0) -> InspectReport:
    """Everything bfimg knows of an image. Damage ends up in `findings`; an odd file is of kind "unknown".

    offset: where the image begins in its file, in bytes; all offsets in the report count from there. Raises InputError
    when the file cannot be read.
    """
    with Store.open(path, base=offset) as store:
        return inspect_store(store, path)


def inspect_store(store: Store, path: Path) -> InspectReport:
    """The report on an image that is open, pending changes included. `path` is its name in the report."""
    return _Inspection(store, path).report()


class _Inspection:
    """Collects the parts of one report."""

    def __init__(self, store: Store, path: Path) -> None:
        self.store = store
        self.path = path
        self.found = probe(store)
        self.findings: list[Finding] = []
        self.volumes: list[VolumeReport] = []
        self.modules: list[ModuleReport] = []
        self.descriptor: Stage2Descriptor | None = None

    def report(self) -> InspectReport:
        regions = [RegionReport(region, tuple(self._region(region))) for region in self.found.regions]
        self._overlaps()
        for region in regions:
            for field in region.fields:
                if field.problem:
                    self._finding(field.path, field.offset, field.problem)
        self.findings.sort(key=lambda finding: (finding.offset is None, finding.offset or 0))
        return InspectReport(
            image=self.path,
            base=self.store.base,
            size=self.store.size,
            kind=self.found.kind,
            regions=tuple(regions),
            volumes=tuple(self.volumes),
            modules=tuple(self.modules),
            findings=tuple(self.findings),
        )

    def _finding(self, place: str, offset: int | None, message: str) -> None:
        self.findings.append(Finding(place, offset, message))

    def _overlaps(self) -> None:
        """Regions that share sectors. An extended partition holds its logical ones, which is no overlap."""
        last: Region | None = None
        for region in self.found.regions:
            if region.content == "extended":
                continue
            if last is not None and region.offset < last.offset + last.size:
                self._finding(region.name, region.offset, f"overlaps {last.name}")
            if last is None or region.offset + region.size > last.offset + last.size:
                last = region

    def _region(self, region: Region) -> Iterator[FieldValue]:
        if region.truncated:
            self._finding(
                region.name,
                region.offset,
                f"ends at {region.offset + region.size:#x}, the image at {self.store.size:#x}: it was cut short",
            )
        try:
            for located in region_structures(self.store, region):
                yield from field_values(located.value, located.prefix, located.offset)
                if isinstance(located.value, Stage2Descriptor):
                    self.descriptor = located.value
                elif isinstance(located.value, KernelHeader):
                    self._kernel(located.value, located.offset)
            if region.content == "fat":
                self._volume(region)
            elif region.content == "gpt":
                for problem in region_problems(self.store, region.name, region.offset, region.size):
                    self._finding(problem.place, problem.offset, problem.message)
        except BfimgError as error:
            self._finding(error.field or region.name, error.offset, error.message)

    def _kernel(self, header: KernelHeader, start: int) -> None:
        """What the stage-2 descriptor says of the kernel, its image CRC, the canary."""
        if self.descriptor is not None and not list(self.descriptor.problems()):
            self._loaded_kernel(self.descriptor, header)
        if header.signature != KERNEL_SIGNATURE or header.image_bytes > memory_region("kernel").size:
            return
        body = self.store.read(start + KernelHeader.SIZE, header.image_bytes - KernelHeader.SIZE)
        crc = CRC32.compute(body)
        if crc != header.image_crc:
            offset = start + KernelHeader.offset_of("image_crc")
            self._finding("kernel.image_crc", offset, f"is {header.image_crc:#x}, computed {crc:#x}")
        if int.from_bytes(body[-4:], "little") != KERNEL_CANARY:
            self._finding("kernel", start + header.image_bytes - 4, "has no canary at its end: it was cut short")

    def _loaded_kernel(self, descriptor: Stage2Descriptor, header: KernelHeader) -> None:
        """What stage 2 would find wrong with the kernel it loads."""
        size = descriptor.kernel_sectors * SECTOR_SIZE
        crc = CRC32.compute(self.store.read(descriptor.kernel_lba * SECTOR_SIZE, size).ljust(size, b"\0"))
        if crc != descriptor.kernel_crc:
            message = f"is {descriptor.kernel_crc:#x}, the kernel's is {crc:#x}"
            self._boot_finding("stage2.kernel_crc", message, BootError.KERNEL_CRC)
        if header.image_bytes > size:
            message = f"is {descriptor.kernel_sectors}, the kernel has {header.image_bytes} bytes"
            self._boot_finding("stage2.kernel_sectors", message, BootError.KERNEL_TRUNCATED)

    def _boot_finding(self, place: str, message: str, error: BootError) -> None:
        self._finding(place, None, f"{message}: stage 2 stops with BF-E{error:02}")

    def _volume(self, region: Region) -> None:
        volume = FatVolume(self.store, region.offset)
        if volume.geometry.total_bytes > region.size:
            self._finding(
                f"{region.name}.bpb",
                region.offset,
                f"volume of {volume.geometry.total_bytes} bytes in a region of {region.size}",
            )
        files: list[FatFile] = []
        try:
            for file in volume.walk():
                files.append(file)
        except BfimgError as error:
            self._finding(error.field or region.name, error.offset, error.message)
        geometry = volume.geometry
        self.volumes.append(
            VolumeReport(
                region=region.name,
                bits=geometry.bits,
                label=volume.label,
                cluster_bytes=geometry.cluster_bytes,
                cluster_count=geometry.cluster_count,
                free_clusters=volume.table.free_count,
                files=tuple(files),
            )
        )
        modules = [file for file in files if is_module_file(file.path) and not file.item.is_directory]
        for file in modules[:_MOST_MODULES]:
            self._module(region, volume, file)
        if len(modules) > _MOST_MODULES:
            self._finding(region.name, None, f"{len(modules)} module files, only the first {_MOST_MODULES} are read")

    def _module(self, region: Region, volume: FatVolume, file: FatFile) -> None:
        place = f"{region.name}:{file.path}"
        room = memory_region("file_buffer").size
        if file.item.size > room:
            self._finding(place, None, f"module of {file.item.size} bytes, the kernel's file buffer has {room}")
            return
        try:
            info = identify(volume.read(file.item))
        except BfimgError as error:
            self._finding(place, error.offset, error.message)
            return
        for problem in info.problems:
            self._finding(place, None, problem)
        fields = [] if info.header is None else list(field_values(info.header, "module", 0))
        if info.table is not None:
            fields += field_values(info.table, "module.table", TABLE_START)
        self.modules.append(ModuleReport(region.name, file.path, file.item.size, info, tuple(fields)))
