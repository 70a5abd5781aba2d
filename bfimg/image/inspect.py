"""Look at an image: regions, fields, files, modules, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bfimg.errors import BfimgError
from bfimg.fat.volume import FatFile, FatVolume
from bfimg.formats.boot_protocol import BootError
from bfimg.formats.crc import CRC32
from bfimg.formats.fat_boot_sector import FatBootSector32, FsInfo
from bfimg.formats.jit_cache import (
    JIT_CACHE_MAGIC,
    JIT_CACHE_SUPERBLOCK_A,
    JIT_CACHE_SUPERBLOCK_B,
    JitCacheSuperblock,
)
from bfimg.formats.kernel_header import KERNEL_CANARY, KERNEL_SIGNATURE, KernelHeader
from bfimg.formats.mbr import SECTOR_SIZE, Mbr
from bfimg.formats.memory_map import memory_region
from bfimg.formats.stage2 import STAGE2_DESCRIPTOR_OFFSET, Stage2Descriptor
from bfimg.image.probe import ImageKind, Region, probe
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
from bfimg.module.files import is_module_file
from bfimg.module.identify import identify


def inspect(path: Path) -> InspectReport:
    """Everything bfimg knows of an image. Damage ends up in `findings`; an odd file is of kind "unknown".

    Raises InputError when the file cannot be read.
    """
    with Store.open(path) as store:
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
        readers = {
            "mbr": self._mbr,
            "stage2": self._stage2,
            "kernel": self._kernel,
            "jit cache": self._jit_cache,
            "fat": self._fat,
        }
        reader = readers.get(region.content)
        if reader is None:
            return
        try:
            yield from reader(region)
        except BfimgError as error:
            self._finding(error.field or region.name, error.offset, error.message)

    def _mbr(self, region: Region) -> Iterator[FieldValue]:
        yield from field_values(Mbr.parse(self.store.read(0, SECTOR_SIZE)), region.name, 0)

    def _stage2(self, region: Region) -> Iterator[FieldValue]:
        offset = region.offset + STAGE2_DESCRIPTOR_OFFSET
        self.descriptor = Stage2Descriptor.parse(self.store.read(offset, Stage2Descriptor.SIZE), field="stage2")
        yield from field_values(self.descriptor, region.name, offset)

    def _kernel(self, region: Region) -> Iterator[FieldValue]:
        """The kernel header, its image CRC, the canary, and what the stage-2 descriptor says of it."""
        start = region.offset
        if self.descriptor is not None and not list(self.descriptor.problems()):
            start = self.descriptor.kernel_lba * SECTOR_SIZE
            size = self.descriptor.kernel_sectors * SECTOR_SIZE
            crc = CRC32.compute(self.store.read(start, size).ljust(size, b"\0"))
            if crc != self.descriptor.kernel_crc:
                self._finding(
                    "stage2.kernel_crc",
                    None,
                    f"is {self.descriptor.kernel_crc:#x}, the kernel's is {crc:#x}: "
                    f"stage 2 stops with BF-E{BootError.KERNEL_CRC:02}",
                )
        header = KernelHeader.parse(self.store.read(start, KernelHeader.SIZE), field=region.name)
        yield from field_values(header, region.name, start)
        if self.descriptor is not None and header.image_bytes > self.descriptor.kernel_sectors * SECTOR_SIZE:
            self._finding(
                "stage2.kernel_sectors",
                None,
                f"is {self.descriptor.kernel_sectors}, the kernel has {header.image_bytes} bytes: "
                f"stage 2 stops with BF-E{BootError.KERNEL_TRUNCATED:02}",
            )
        if header.signature != KERNEL_SIGNATURE or header.image_bytes > memory_region("kernel").size:
            return
        body = self.store.read(start + KernelHeader.SIZE, header.image_bytes - KernelHeader.SIZE)
        crc = CRC32.compute(body)
        if crc != header.image_crc:
            offset = start + KernelHeader.offset_of("image_crc")
            self._finding("kernel.image_crc", offset, f"is {header.image_crc:#x}, computed {crc:#x}")
        if int.from_bytes(body[-4:], "little") != KERNEL_CANARY:
            self._finding("kernel", start + header.image_bytes - 4, "has no canary at its end: it was cut short")

    def _jit_cache(self, region: Region) -> Iterator[FieldValue]:
        """The superblocks that have been written; a cache never used has none."""
        for letter, sector in (("a", JIT_CACHE_SUPERBLOCK_A), ("b", JIT_CACHE_SUPERBLOCK_B)):
            offset = region.offset + sector * SECTOR_SIZE
            data = self.store.read(offset, JitCacheSuperblock.SIZE)
            if int.from_bytes(data[:4], "little") == JIT_CACHE_MAGIC:
                yield from field_values(JitCacheSuperblock.parse(data), f"{region.name}.{letter}", offset)

    def _fat(self, region: Region) -> Iterator[FieldValue]:
        volume = FatVolume(self.store, region.offset)
        yield from field_values(volume.boot, f"{region.name}.bpb", region.offset)
        if isinstance(volume.boot, FatBootSector32):
            offset = region.offset + volume.boot.fsinfo_sector * volume.geometry.bytes_per_sector
            info = FsInfo.parse(self.store.read(offset, FsInfo.SIZE), field=f"{region.name}.fsinfo")
            yield from field_values(info, f"{region.name}.fsinfo", offset)
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
        for file in files:
            if is_module_file(file.path) and not file.item.is_directory:
                self._module(region, volume, file)

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
        fields = () if info.header is None else tuple(field_values(info.header, "module", 0))
        self.modules.append(ModuleReport(region.name, file.path, file.item.size, info, fields))


def is_sound(report: InspectReport) -> bool:
    """True for an image of a known kind in which nothing was found wrong."""
    return report.kind is not ImageKind.UNKNOWN and not report.findings
