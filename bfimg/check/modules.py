"""Check the module files of a volume."""

from __future__ import annotations

from bfimg.check import codes
from bfimg.check.codes import Code
from bfimg.check.report import Collector
from bfimg.check.tree import ModuleFile
from bfimg.check.volume import VolumeCheck
from bfimg.formats.cpu_features import CpuFeature
from bfimg.formats.kernel_header import KernelHeader
from bfimg.formats.memory_map import memory_region
from bfimg.image.probe import Probe
from bfimg.image.store import Store
from bfimg.image.structures import kernel_offset
from bfimg.module.identify import ModuleKind, identify

# A problem begins with the field it is about.
_BY_FIELD = {
    "payload_crc": codes.MODULE_CRC,
    "header_crc": codes.MODULE_CRC,
    "table.file_crc": codes.MODULE_CRC,
    "table.table_crc": codes.MODULE_CRC,
    "code_size": codes.MODULE_LENGTH,
    "bitcode_size": codes.MODULE_LENGTH,
    "wrapper": codes.MODULE_LENGTH,
    "pattern": codes.MODULE_LENGTH,
    "is": codes.MODULE_LENGTH,
}
_BY_KIND = {
    ModuleKind.UNKNOWN: codes.NO_MODULE,
    ModuleKind.RAW_BITCODE: codes.MODULE_UNWRAPPED,
    ModuleKind.WRAPPED_BITCODE: codes.MODULE_UNWRAPPED,
}


def kernel_features(store: Store, found: Probe) -> int:
    """Bits of CpuFeature that the image's kernel makes sure of; all bits where no sound kernel says."""
    region = next((region for region in found.regions if region.content == "kernel"), None)
    if region is not None:
        data = store.read(kernel_offset(store, region), KernelHeader.SIZE)
        if len(data) == KernelHeader.SIZE:
            header = KernelHeader.parse(data)
            if not list(header.problems()):
                return header.cpu_features
    return sum(CpuFeature)


def check_module(volume: VolumeCheck, file: ModuleFile, features: int, collector: Collector) -> None:
    """What the kernel would refuse about a module file. features: those of `kernel_features`."""
    room = memory_region("file_buffer").size
    if file.size > room:
        message = f"{file.size} bytes, the kernel's file buffer has {room}"
        collector.add(codes.MODULE_TOO_LARGE, file.place, file.offset, message)
        return
    info = identify(volume.contents(file.first_cluster, file.size))
    for problem in info.problems:
        collector.add(_code(info.kind, problem), file.place, file.offset, problem)
    if info.table is not None and not info.problems and info.table.cpu_features & ~features:
        more = ", ".join(bit.name.lower() for bit in CpuFeature if info.table.cpu_features & ~features & bit)
        collector.add(codes.MODULE_FEATURES, file.place, file.offset, f"needs {more}, the kernel does not")


def _code(kind: ModuleKind, problem: str) -> Code:
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    if kind is ModuleKind.LEGACY_BITCODE and problem.startswith("has a version-1 header:"):
        return codes.MODULE_LEGACY
    field = problem.split()[0]
    return _BY_FIELD.get(field, codes.MODULE_TABLE if field.startswith("table.") else codes.MODULE_HEADER)
