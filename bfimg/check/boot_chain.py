"""Check BareFlow's boot chain: stage 2, its descriptor, the kernel, and the memory all of it is loaded to."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from bfimg.check import codes
from bfimg.check.report import Collector, Fix, Stage
from bfimg.formats.crc import CRC32
from bfimg.formats.disk_layout import (
    LEGACY_KERNEL_LBA,
    LEGACY_LOADER_SECTORS,
    disk_region,
)
from bfimg.formats.kernel_header import KERNEL_CANARY, KERNEL_SIGNATURE, KernelHeader
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.formats.memory_map import MEMORY_REGIONS, MemoryAccess, MemoryRegion, memory_region
from bfimg.formats.stage2 import STAGE2_DESCRIPTOR_OFFSET, STAGE2_MAGIC, STAGE2_SIZE, Stage2Descriptor
from bfimg.image.probe import Probe
from bfimg.image.store import Store

_STAGE2 = disk_region("stage2").first_lba * SECTOR_SIZE
_KERNEL = disk_region("kernel")
_DESCRIPTOR = _STAGE2 + STAGE2_DESCRIPTOR_OFFSET
_SEARCHED_SECTORS = 64  # for a kernel that is not where it should be
_FIRMWARE = MemoryRegion(
    "firmware", 0x90000, 0x70000, MemoryAccess.KERNEL, "Extended BIOS data area, video memory, BIOS"
)
_CHUNK = 1 << 20


def check_boot_chain(store: Store, found: Probe, collector: Collector) -> None:
    """Everything stage 2 and the kernel rely on. Places are fields of `stage2` and `kernel`."""
    data = store.read(_DESCRIPTOR, Stage2Descriptor.SIZE)
    if int.from_bytes(data[:4], "little") != STAGE2_MAGIC or len(data) < Stage2Descriptor.SIZE:
        collector.add(codes.STAGE2_OVERWRITTEN, "stage2", _DESCRIPTOR, "no descriptor stands there")
        _check_kernel(store, None, _KERNEL.first_lba * SECTOR_SIZE, collector)
        return
    descriptor = Stage2Descriptor.parse(data)
    for problem in descriptor.problems("stage2", _DESCRIPTOR):
        if problem.field != "stage2.crc":
            collector.add(codes.DESCRIPTOR_FIELD, problem.field, problem.offset, problem.message)
    usable = _check_extent(descriptor, collector)
    matches = usable and _loaded_crc(store, descriptor) == descriptor.kernel_crc
    _check_descriptor_crc(descriptor, matches, collector)
    start = descriptor.kernel_lba * SECTOR_SIZE if usable else _KERNEL.first_lba * SECTOR_SIZE
    if usable and not matches:
        at = _DESCRIPTOR + descriptor.offset_of("kernel_crc")
        message = f"is {descriptor.kernel_crc:#x}, the kernel's is {_loaded_crc(store, descriptor):#x}"
        collector.add(codes.KERNEL_CRC, "stage2.kernel_crc", at, message)
    _check_kernel(store, descriptor if usable else None, start, collector)


def _check_extent(descriptor: Stage2Descriptor, collector: Collector) -> bool:
    """False when the kernel's sectors are none that a kernel can have."""
    for name in ("kernel_lba", "kernel_sectors"):
        if descriptor.field_spec(name).problem(getattr(descriptor, name)) is not None:
            return False
    first, end = descriptor.kernel_lba, descriptor.kernel_lba + descriptor.kernel_sectors
    at = _DESCRIPTOR + descriptor.offset_of("kernel_lba")
    if first < _KERNEL.first_lba:
        message = f"kernel in sectors {first} to {end - 1}, stage 2 takes those up to {_KERNEL.first_lba - 1}"
        collector.add(codes.STAGE2_OVERWRITTEN, "stage2.kernel_lba", at, message)
    elif _KERNEL.end_lba is not None and end > _KERNEL.end_lba:
        message = f"kernel in sectors {first} to {end - 1}, its region ends with {_KERNEL.end_lba - 1}"
        collector.add(codes.KERNEL_EXTENT, "stage2.kernel_lba", at, message)
    return True


def _loaded_crc(store: Store, descriptor: Stage2Descriptor) -> int:
    size = descriptor.kernel_sectors * SECTOR_SIZE
    return CRC32.compute(store.read(descriptor.kernel_lba * SECTOR_SIZE, size).ljust(size, b"\0"))


def _check_descriptor_crc(descriptor: Stage2Descriptor, matches: bool, collector: Collector) -> None:
    """The CRC may be made right when the descriptor is: its fields are legal, and it describes the very kernel."""
    sealed = descriptor.sealed()
    if sealed.crc == descriptor.crc:
        return
    fix = None
    if matches and not list(sealed.problems()):
        fix = Fix(Stage.HINTS, f"set to {sealed.crc:#x}", ((_DESCRIPTOR, sealed.packed()),))
    message = f"is {descriptor.crc:#x}, computed {sealed.crc:#x}"
    at = _DESCRIPTOR + descriptor.offset_of("crc")
    collector.add(codes.DESCRIPTOR_CRC, "stage2.crc", at, message, fix)


def _check_kernel(store: Store, descriptor: Stage2Descriptor | None, start: int, collector: Collector) -> None:
    data = store.read(start, KernelHeader.SIZE)
    if int.from_bytes(data[:4], "little") != KERNEL_SIGNATURE or len(data) < KernelHeader.SIZE:
        _no_kernel(store, start, collector)
        return
    header = KernelHeader.parse(data)
    for problem in header.problems("kernel", start):
        if problem.field not in ("kernel.header_crc", "kernel.bss_end"):
            collector.add(codes.KERNEL_HEADER, problem.field, problem.offset, problem.message)
    _check_memory(header, start, collector)
    if descriptor is not None and header.image_bytes > descriptor.kernel_sectors * SECTOR_SIZE:
        message = f"is {descriptor.kernel_sectors}, the kernel has {-(-header.image_bytes // SECTOR_SIZE)} sectors"
        at = _DESCRIPTOR + descriptor.offset_of("kernel_sectors")
        collector.add(codes.KERNEL_TOO_LARGE, "stage2.kernel_sectors", at, message)
    if not KernelHeader.SIZE < header.image_bytes <= memory_region("kernel").size:
        return
    body = store.read(start + KernelHeader.SIZE, header.image_bytes - KernelHeader.SIZE)
    _check_kernel_crcs(store, descriptor, header, body, start, collector)
    if int.from_bytes(body[-4:], "little") != KERNEL_CANARY or len(body) < header.image_bytes - KernelHeader.SIZE:
        at = start + header.image_bytes - 4
        collector.add(codes.KERNEL_CANARY, "kernel", at, "no canary at its end")


def _no_kernel(store: Store, start: int, collector: Collector) -> None:
    """Look around: a stage 2 that is too long or too short has moved the kernel."""
    for lba in range(1, _SEARCHED_SECTORS):
        data = store.read(lba * SECTOR_SIZE, KernelHeader.SIZE)
        if int.from_bytes(data[:4], "little") == KERNEL_SIGNATURE and len(data) == KernelHeader.SIZE:
            size = (lba - disk_region("stage2").first_lba) * SECTOR_SIZE
            if size == STAGE2_SIZE:
                at = _DESCRIPTOR + Stage2Descriptor.offset_of("kernel_lba")
                message = f"is {start // SECTOR_SIZE}, the kernel stands at sector {lba}"
                collector.add(codes.DESCRIPTOR_FIELD, "stage2.kernel_lba", at, message)
                return
            message = f"the kernel stands at sector {lba}, so stage 2 has {size} bytes instead of {int(STAGE2_SIZE)}"
            collector.add(codes.STAGE2_SIZE, "stage2", lba * SECTOR_SIZE, message)
            return
    collector.add(codes.KERNEL_HEADER, "kernel.signature", start, "no kernel stands there")


def _check_kernel_crcs(
    store: Store,
    descriptor: Stage2Descriptor | None,
    header: KernelHeader,
    body: bytes,
    start: int,
    collector: Collector,
) -> None:
    """Both CRCs of the header. They may be made right when the descriptor's CRC-32 then fits the whole kernel."""
    wanted = header.replace(image_crc=CRC32.compute(body)).sealed()
    if wanted == header:
        return
    fix = None
    if descriptor is not None and descriptor.sealed() == descriptor:
        size = descriptor.kernel_sectors * SECTOR_SIZE
        loaded = wanted.packed() + store.read(start + KernelHeader.SIZE, size - KernelHeader.SIZE)
        if CRC32.compute(loaded.ljust(size, b"\0")) == descriptor.kernel_crc:
            fix = Fix(Stage.HINTS, "computed anew", ((start, wanted.packed()),))
    for field in ("image_crc", "header_crc"):
        has, should = getattr(header, field), getattr(wanted, field)
        if has != should:
            at = start + header.offset_of(field)
            message = f"is {has:#x}, computed {should:#x}"
            collector.add(codes.KERNEL_HEADER_CRC, f"kernel.{field}", at, message, fix)


def _check_memory(header: KernelHeader, start: int, collector: Collector) -> None:
    """The memory map with this kernel in it: nothing may overlap."""
    at = start + header.offset_of("bss_end")
    loaded_end = header.load_address + header.image_bytes
    if header.bss_end < loaded_end:
        message = f"is {header.bss_end:#x}, the image ends at {loaded_end:#x}"
        collector.add(codes.KERNEL_HEADER, "kernel.bss_end", at, message)
    end = max(header.bss_end, loaded_end)
    kernel = replace(memory_region("kernel"), start=header.load_address, size=end - header.load_address)
    others = [region for region in MEMORY_REGIONS if region.name != "kernel"]
    ordered = sorted([*others, kernel, _FIRMWARE], key=lambda region: region.start)
    for lower, upper in pairwise(ordered):
        if lower.end > upper.start:
            message = f"{lower.name} up to {lower.end:#x} reaches into {upper.name} at {upper.start:#x}"
            collector.add(codes.MEMORY_OVERLAP, "kernel.bss_end", at, message)


def check_legacy_kernel(store: Store, found: Probe, collector: Collector) -> None:
    """A kernel without a header: what is not zero belongs to it, up to the next region."""
    start = LEGACY_KERNEL_LBA * SECTOR_SIZE
    others = [region.offset for region in found.regions if region.offset > start]
    end = min([store.size, *others])
    used = _last_used(store, start, end)
    sectors = -(-(used - start) // SECTOR_SIZE)
    if sectors > LEGACY_LOADER_SECTORS:
        message = f"{sectors} sectors, the loader reads {int(LEGACY_LOADER_SECTORS)}"
        collector.add(codes.LEGACY_KERNEL_TOO_LARGE, "kernel", start, message)


def _last_used(store: Store, start: int, end: int) -> int:
    """One past the last byte that is not zero between `start` and `end`; `start` when all are."""
    extents = [(extent.offset, extent.offset + extent.size) for extent in store.data_extents()]
    for first, last in reversed(extents):
        low, high = max(first, start), min(last, end)
        while high > low:
            chunk = max(low, high - _CHUNK)
            data = store.read(chunk, high - chunk).rstrip(b"\0")
            if data:
                return chunk + len(data)
            high = chunk
    return start
