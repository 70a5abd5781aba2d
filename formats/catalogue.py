"""All definitions in the order of the reference pages. The generators and the tests start here."""

from __future__ import annotations

from enum import IntEnum
from types import ModuleType

from bfimg.formats import (
    bitcode_module,
    boot_info,
    boot_protocol,
    cpu_features,
    disk_layout,
    elf32,
    fat_boot_sector,
    fat_directory,
    gpt,
    jit_cache,
    journal,
    kernel_header,
    llvm_wrapper,
    mbr,
    memory_map,
    native_module,
    patch,
    pattern,
    pattern_helpers,
    pattern_ops,
    pattern_program,
    pattern_types,
    stage2,
)
from bfimg.formats.structure import Constant, Structure, TextConstant

MODULES: tuple[ModuleType, ...] = (
    mbr,
    gpt,
    disk_layout,
    memory_map,
    stage2,
    kernel_header,
    cpu_features,
    boot_info,
    boot_protocol,
    fat_boot_sector,
    fat_directory,
    native_module,
    elf32,
    llvm_wrapper,
    bitcode_module,
    pattern,
    pattern_types,
    pattern_ops,
    pattern_helpers,
    pattern_program,
    jit_cache,
    journal,
    patch,
)


def _own(module: ModuleType, base: type) -> list[type]:
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
    ]


def structures(module: ModuleType) -> list[type[Structure]]:
    """The structures a definition file declares, in order."""
    return _own(module, Structure)


def enumerations(module: ModuleType) -> list[type[IntEnum]]:
    """The enumerations a definition file declares, in order."""
    return _own(module, IntEnum)


def constants(module: ModuleType) -> dict[str, Constant | TextConstant]:
    """The constants a definition file declares, by name, in order."""
    found = {}
    for name, value in vars(module).items():
        if isinstance(value, Constant | TextConstant) and name not in _imported(module):
            found[name] = value
    return found


def _imported(module: ModuleType) -> set[str]:
    """Constants that `module` imports from definition files before it in MODULES."""
    names: set[str] = set()
    for earlier in MODULES[: MODULES.index(module)]:
        names |= {name for name, value in vars(earlier).items() if isinstance(value, Constant)}
    return names
