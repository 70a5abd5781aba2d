"""Module files and the JIT cache: what is wrong with them has its code."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

import bfimg
from bfimg.check.image import check_image
from bfimg.clock import FAT_EPOCH
from bfimg.fat.editor import FatEditor
from bfimg.fat.volume import FatVolume
from bfimg.formats.bitcode_module import BitcodeHeader, LegacyBitcodeHeader
from bfimg.formats.cpu_features import CpuFeature
from bfimg.formats.crc import CRC32
from bfimg.formats.jit_cache import JitCacheEntry, JitCacheSuperblock
from bfimg.formats.llvm_wrapper import LlvmWrapperHeader
from bfimg.formats.native_module import NativeModuleHeader, NativeModuleTable
from bfimg.image.store import Store
from bfimg.module.native_table import file_crc

Patient = Any  # of conftest.py
BITCODE = b"BC\xc0\xde" * 8
NATIVE = NativeModuleHeader(name=b"one".ljust(32, b"\0"), code_size=16, version=1)
LEGACY = LegacyBitcodeHeader(name=b"one".ljust(32, b"\0"), bitcode_size=len(BITCODE))


def with_table(*, right_file_crc: bool = True, **values: int) -> bytes:
    """A native module with a table; its own CRC is right."""
    table = NativeModuleTable(image_size=80, cpu_features=sum(CpuFeature))
    data = NATIVE.replace(code_size=80).to_bytes() + bytes(16) + table.to_bytes()
    table = table.replace(file_crc=file_crc(data) if right_file_crc else 1, **values).sealed()
    return data[:64] + table.to_bytes()


def version_2(**values: Any) -> bytes:
    header = BitcodeHeader(
        wrapper=LlvmWrapperHeader(offset=128, size=len(BITCODE)),
        name=b"one".ljust(32, b"\0"),
        entry=b"main".ljust(48, b"\0"),
        payload_crc=CRC32.compute(BITCODE),
    )
    return header.replace(**values).sealed().to_bytes() + BITCODE


MODULES: dict[str, tuple[set[str], str, bytes]] = {
    "sound native": (set(), "ONE.MOD", NATIVE.to_bytes() + bytes(16)),
    "sound native with a table": (set(), "ONE.MOD", with_table()),
    "CRC of the table": ({"MOD104"}, "ONE.MOD", with_table()[:-1] + b"\x01"),
    "CRC of the file": ({"MOD104"}, "ONE.MOD", with_table(right_file_crc=False)),
    "fields of the table": ({"MOD108"}, "ONE.MOD", with_table(image_size=4, functions=9)),
    "sound bitcode": (set(), "one.bc", version_2()),
    "27 bytes": ({"MOD101"}, "ONE.MOD", b"this is not a module at all"),
    "empty": ({"MOD101"}, "ONE.MOD", b""),
    "header cut": ({"MOD103"}, "ONE.MOD", NATIVE.to_bytes()[:27]),
    "entry outside": ({"MOD102"}, "ONE.MOD", NATIVE.replace(entry_offset=99).to_bytes() + bytes(16)),
    "code missing": ({"MOD103"}, "ONE.MOD", NATIVE.to_bytes() + bytes(15)),
    "payload": ({"MOD104"}, "ONE.BC", version_2(payload_crc=1)),
    "raw bitcode": ({"MOD105"}, "a long name.bc", BITCODE),
    "wrapped by another tool": ({"MOD105"}, "ONE.BC", LlvmWrapperHeader(offset=20, size=32).to_bytes() + BITCODE),
    "version 1": ({"MOD106"}, "ONE.BC", LEGACY.to_bytes() + BITCODE),
    "version 1 of another length": ({"MOD106", "MOD103"}, "ONE.BC", LEGACY.to_bytes() + BITCODE[:-4]),
    "too large": ({"MOD107"}, "ONE.BC", bytes((1 << 20) + 1)),
    "another file": (set(), "ONE.TXT", b"this is not a module at all"),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules(patient: Callable[[int], Patient], name: str) -> None:
    wanted, file, data = MODULES[name]
    victim = patient(16)
    with Store.open(victim.path) as store:
        editor = FatEditor(FatVolume(store), FAT_EPOCH)
        editor.write(f"/SUB/{file}", data)
        editor.flush()
        findings = check_image(store).findings
    assert {finding.code for finding in findings} == wanted
    for finding in findings:
        assert finding.place == f"fat:/SUB/{file}"
        assert finding.offset is not None


def test_modules_that_need_more_than_the_kernel_makes_sure_of(disk_patient: Patient) -> None:
    path = disk_patient.path
    assert disk_patient.codes() == set()
    with bfimg.open(path, write=True) as image:
        image.field["kernel.cpu_features"] = sum(CpuFeature) - CpuFeature.SSE2 - CpuFeature.CMOV
    findings = disk_patient.check()
    assert {(finding.code, finding.message) for finding in findings} == {
        ("MOD109", "needs cmov, sse2, the kernel does not")
    }
    assert len(findings) == 12
    with bfimg.open(path, write=True) as image:
        image.field.assign({"kernel.version": 9}, raw=True)
    assert "MOD109" not in disk_patient.codes()  # no sound kernel says what there is


@dataclasses.dataclass
class Cache:
    """A cache with two entries, each with one sector of code, and its newest superblock B."""

    block: JitCacheSuperblock
    entries: list[JitCacheEntry]
    code: list[bytes]

    def write(self, p: Patient) -> None:
        start = 1024 * 512
        index = b"".join(entry.sealed().to_bytes() for entry in self.entries)
        older = self.block.replace(sequence=1, entry_count=0, index_sector=8, index_crc=0)
        p.write(start, older.sealed().to_bytes())
        p.write(
            start + 512, self.block.replace(index_crc=self.block.index_crc or CRC32.compute(index)).sealed().to_bytes()
        )
        p.write(start + 40 * 512, index)
        for entry, code in zip(self.entries, self.code, strict=True):
            p.write(start + entry.code_sector * 512, code)


def cache() -> Cache:
    code = [b"\x90" * 100, b"\xc3" * 512]
    entries = [
        JitCacheEntry(
            module_name=b"one".ljust(32, b"\0"),
            code_sector=72 + number,
            code_size=len(part) - 4 * number,
            relocation_count=number,
            code_crc=CRC32.compute(part),
        )
        for number, part in enumerate(code)
    ]
    return Cache(JitCacheSuperblock(sequence=2, region_sectors=1024, index_sector=40, entry_count=2), entries, code)


def change_entry(c: Cache, number: int, **values: Any) -> None:
    c.entries[number] = c.entries[number].replace(**values)


def change_block(c: Cache, **values: Any) -> None:
    c.block = c.block.replace(**values)


CACHES: dict[str, tuple[set[str], Callable[[Cache], None]]] = {
    "sound": (set(), lambda c: None),
    "version": ({"JIT101"}, lambda c: change_block(c, version=9)),
    "region": ({"JIT101"}, lambda c: change_block(c, region_sectors=1025)),
    "index place": ({"JIT101"}, lambda c: change_block(c, index_sector=41)),
    "index CRC": ({"JIT102"}, lambda c: change_block(c, index_crc=7)),
    "entry": ({"JIT103"}, lambda c: change_entry(c, 0, flags=1)),
    "code outside": ({"JIT104"}, lambda c: change_entry(c, 1, relocation_count=1 << 20)),
    "code shared": ({"JIT104", "JIT105"}, lambda c: change_entry(c, 1, code_sector=72)),
    "code": ({"JIT105"}, lambda c: change_entry(c, 0, code_crc=1)),
}


@pytest.mark.parametrize("name", CACHES)
def test_jit_cache(disk_patient: Patient, name: str) -> None:
    wanted, change = CACHES[name]
    made = cache()
    change(made)
    made.write(disk_patient)
    findings = disk_patient.check()
    assert {finding.code for finding in findings} == wanted
    assert all(finding.place.startswith("jit_cache") for finding in findings)


def test_superblock_overwritten(disk_patient: Patient) -> None:
    cache().write(disk_patient)
    disk_patient.write(1024 * 512, b"\xff" * 512)
    assert disk_patient.codes() == {"JIT101"}
