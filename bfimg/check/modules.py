"""Check the module files of a volume."""

from __future__ import annotations

from bfimg.check import codes
from bfimg.check.codes import Code
from bfimg.check.report import Collector
from bfimg.check.tree import ModuleFile
from bfimg.check.volume import VolumeCheck
from bfimg.formats.memory_map import memory_region
from bfimg.image.store import Store
from bfimg.module.identify import ModuleKind, identify

# A problem begins with the field it is about.
_BY_FIELD = {
    "payload_crc": codes.MODULE_CRC,
    "header_crc": codes.MODULE_CRC,
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


def check_module(store: Store, volume: VolumeCheck, file: ModuleFile, collector: Collector) -> None:
    """What the kernel would refuse about a module file."""
    room = memory_region("file_buffer").size
    if file.size > room:
        message = f"{file.size} bytes, the kernel's file buffer has {room}"
        collector.add(codes.MODULE_TOO_LARGE, file.place, file.offset, message)
        return
    info = identify(volume.contents(file.first_cluster, file.size))
    for problem in info.problems:
        collector.add(_code(info.kind, problem), file.place, file.offset, problem)


def _code(kind: ModuleKind, problem: str) -> Code:
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    if kind is ModuleKind.LEGACY_BITCODE and problem.startswith("has a version-1 header:"):
        return codes.MODULE_LEGACY
    return _BY_FIELD.get(problem.split()[0], codes.MODULE_HEADER)
