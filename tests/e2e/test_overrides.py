"""One registry for embedded, disk and cached modules: which of several is run, and that it is said."""

import pytest

from bfimg.formats.cpu_features import CpuFeature
from bfimg.formats.crc import CRC32
from bfimg.formats.disk_layout import disk_region
from bfimg.formats.jit_cache import (
    JIT_CACHE_CODE,
    JIT_CACHE_INDEX_A,
    JIT_CACHE_INDEX_B,
    JIT_CACHE_SUPERBLOCK_A,
    JIT_CACHE_SUPERBLOCK_B,
    JitCacheEntry,
    JitCacheSuperblock,
)
from bfimg.formats.native_module import NativeModuleHeader
from bfimg.module.wrap import wrap_bitcode

REGION = disk_region("jit_cache")
RETURN_42 = bytes.fromhex("b8 2a 00 00 00 c3")  # mov eax, 42; ret
RETURN_1 = bytes.fromhex("b8 01 00 00 00 c3")


def overrides(run):
    keys = ("name", "kind", "by", "by_file", "over", "over_file")
    return [tuple(event[key] for key in keys) for event in run.events("override")]


def results(run):
    """Source, status and answer of each module that was reported."""
    return {
        (event["name"], event["kind"]): (event["source"], event["status"], event.get("answer"))
        for event in run.events("module")
    }


def entry_for(build, module, code, **fields):
    """An entry for code that was made from this module file."""
    values = {
        "module_crc": CRC32.compute(module[NativeModuleHeader.SIZE :]),
        "module_name": b"test".ljust(32, b"\0"),
        "level": 1,
        "cpu_features": CpuFeature.SSE2,
        "kernel_build_id": build.kernel.build_id,
        "code_sector": JIT_CACHE_CODE,
        "code_size": len(code),
        "code_crc": CRC32.compute(code),
        **fields,
    }
    return JitCacheEntry(**values).sealed()


def put(data, sector, content):
    data[sector * 512 : sector * 512 + len(content)] = content


def superblock(build, index, **fields):
    values = {"sequence": 1, "region_sectors": REGION.sectors, "index_sector": JIT_CACHE_INDEX_A, **fields}
    values.setdefault("entry_count", len(index) // JitCacheEntry.SIZE)
    values.setdefault("index_crc", CRC32.compute(index))
    return JitCacheSuperblock(kernel_build_id=build.kernel.build_id, **values).sealed().to_bytes()


def cache_of(build, entries, extents):
    """A cache region: superblock A, its index, code by sector."""
    data = bytearray(REGION.sectors * 512)
    index = b"".join(entry.to_bytes() for entry in entries)
    put(data, JIT_CACHE_SUPERBLOCK_A, superblock(build, index))
    put(data, JIT_CACHE_INDEX_A, index)
    for sector, code in extents.items():
        put(data, sector, code)
    return data


@pytest.fixture
def build(build_padded):
    """A kernel and an empty volume, for one test to write to."""
    return build_padded(0)


@pytest.fixture
def run_cached(build, boot_disk, slave_volume, poke):
    """Function that boots with these files on the slave and this content of the cache."""

    def run(files, cache):
        poke(build.image, REGION.first_lba * 512, bytes(cache))
        return boot_disk(build.image, slave=slave_volume(files))

    return run


def test_module_on_disk_goes_before_the_embedded_one(disk, boot_disk):
    run = boot_disk(disk)
    assert run.report.passed, run.report.reason
    assert overrides(run) == [("fibonacci", "native", "disk", "/fibonacci.mod", "embedded", "")]
    assert results(run)[("fibonacci", "native")][:2] == ("disk", "passed")
    assert "  fibonacci      native   from /fibonacci.mod, not embedded\n" in run.report.transcript


def test_embedded_module_runs_when_the_disk_has_none(disk, boot_disk, bfimg, programs):
    assert bfimg("rm", disk, "part1:/fibonacci.mod").code == 0
    run = boot_disk(disk)
    assert run.report.passed, run.report.reason
    assert overrides(run) == []
    assert results(run)[("fibonacci", "native")] == ("embedded", "passed", programs["fibonacci"].answer)
    assert run.only("done")["passed"] == 12


def test_of_two_on_disk_the_first_is_run_and_the_kinds_are_apart(slave_run, make_native, repository):
    bitcode = wrap_bitcode((repository / "samples" / "sha256.bc").read_bytes(), name="test", entry="sha256_main")
    files = {"A.MOD": make_native(RETURN_1), "B.MOD": make_native(RETURN_42), "C.BC": bitcode}
    run = slave_run(files)
    assert overrides(run) == [("test", "native", "disk", "/A.MOD", "disk", "/B.MOD")]
    assert results(run) == {
        ("test", "native"): ("disk", "unchecked", 1),
        ("test", "bitcode"): ("disk", "not yet executable", None),
    }


def test_invalid_module_overrides_nothing(slave_run, make_native, make_sealed):
    run = slave_run({"BAD.MOD": make_sealed(RETURN_1, file_crc=0), "GOOD.MOD": make_native(RETURN_42)})
    assert overrides(run) == []
    assert run.module("BAD.MOD")["status"] == "invalid"
    assert run.module("GOOD.MOD")["answer"] == 42


def test_cached_code_goes_before_the_module_it_was_made_from(run_cached, build, module_files, programs):
    module = module_files["sum"]
    code = module[NativeModuleHeader.SIZE :]
    entry = entry_for(build, module, code, module_name=b"sum".ljust(32, b"\0"))
    run = run_cached({"SUM.MOD": module}, cache_of(build, [entry], {int(JIT_CACHE_CODE): code}))
    assert run.report.passed, run.report.reason
    assert overrides(run) == [("sum", "native", "cache", "", "disk", "/SUM.MOD")]
    assert results(run) == {("sum", "native"): ("cache", "passed", programs["sum"].answer)}
    assert run.only("cache") == {"event": "cache", "sequence": 1, "entries": 1, "stored": []}


def test_cached_code_of_a_bitcode_module_is_run(run_cached, build, module_files, repository, programs):
    bitcode = (repository / "samples" / "sha256.bc").read_bytes()
    code = module_files["sha256"][NativeModuleHeader.SIZE :]
    entry = entry_for(
        build, b"", code, module_crc=CRC32.compute(bitcode), module_name=b"sha256".ljust(32, b"\0"), level=3
    )
    files = {"SHA256.BC": wrap_bitcode(bitcode, name="sha256", entry="sha256_main")}
    run = run_cached(files, cache_of(build, [entry], {int(JIT_CACHE_CODE): code}))
    assert run.report.passed, run.report.reason
    assert overrides(run) == [("sha256", "bitcode", "cache", "", "disk", "/SHA256.BC")]
    assert results(run) == {("sha256", "bitcode"): ("cache", "passed", programs["sha256"].answer)}


# What is changed in the entry, and why it is then ignored.
BAD_ENTRIES = {
    "another kernel": ({"kernel_build_id": bytes(16)}, "made by another kernel"),
    "another module": ({"module_crc": 1}, "made from another module or an older one"),
    "another name": ({"module_name": b"other".ljust(32, b"\0")}, "made from another module or an older one"),
    "no name": ({"module_name": bytes(32)}, "name is not printable text ended by NUL"),
    "another CPU": ({"cpu_features": 0x80000000}, "needs CPU features that are not there"),
    "function": ({"function_index": 1}, "an entry field is out of range"),
    "flags": ({"flags": 1}, "an entry field is out of range"),
    "level": ({"level": 4}, "an entry field is out of range"),
    "relocations": ({"relocation_count": 1}, "an entry field is out of range"),
    "code CRC": ({"code_crc": 0}, "code CRC is wrong"),
    "code size": ({"code_size": 5}, "code CRC is wrong"),
    "no code": ({"code_size": 0}, "code is empty or outside the cache"),
    "too much code": ({"code_size": 0xFFFFFFFF}, "code is empty or outside the cache"),
    "code in the index": ({"code_sector": JIT_CACHE_CODE - 1}, "code is empty or outside the cache"),
    "code behind the region": ({"code_sector": REGION.sectors}, "code is empty or outside the cache"),
    "far behind the region": ({"code_sector": 0xFFFFFFFF}, "code is empty or outside the cache"),
}


def problems(run):
    return [event["problem"] for event in run.events("cache") if "problem" in event]


def test_stale_or_damaged_entries_are_ignored_and_the_module_itself_is_run(run_cached, build, make_native):
    module = make_native(RETURN_1)
    entries = [entry_for(build, module, RETURN_42, **fields) for fields, _ in BAD_ENTRIES.values()]
    damaged = entry_for(build, module, RETURN_42).replace(crc=1)
    run = run_cached({"TEST.MOD": module}, cache_of(build, [*entries, damaged], {int(JIT_CACHE_CODE): RETURN_42}))
    assert run.report.passed, run.report.reason
    assert dict(zip([*BAD_ENTRIES, "CRC"], problems(run), strict=True)) == {
        **{name: problem for name, (_, problem) in BAD_ENTRIES.items()},
        "CRC": "entry CRC is wrong",
    }
    assert results(run) == {("test", "native"): ("disk", "unchecked", 1)}
    assert not overrides(run)


def test_second_entry_and_modules_with_constructors_are_ignored(run_cached, build, make_native, make_sealed):
    plain, constructed = make_native(RETURN_1), make_sealed(RETURN_1, name="made", init=80)
    good = entry_for(build, plain, RETURN_42)
    made = entry_for(build, constructed, RETURN_42, module_name=b"made".ljust(32, b"\0"))
    cache = cache_of(build, [good, good, made], {int(JIT_CACHE_CODE): RETURN_42})
    run = run_cached({"TEST.MOD": plain, "MADE.MOD": constructed}, cache)
    assert problems(run) == ["a second entry of this module", "its module has constructors or destructors"]
    assert results(run) == {
        ("test", "native"): ("cache", "unchecked", 42),
        ("made", "native"): ("disk", "unchecked", 1),
    }


@pytest.mark.parametrize(
    ("sequences", "damage", "answer", "problem"),
    [
        ((1, 2), None, 42, None),
        ((2, 1), None, 1, None),
        ((1, 2), "superblock", 1, None),
        ((1, 2), "index", 1, "index CRC is wrong"),
    ],
)
def test_newer_valid_superblock_counts(run_cached, build, make_native, sequences, damage, answer, problem):
    # The old index is empty; the new one, under superblock B, has the entry.
    module = make_native(RETURN_1)
    index = entry_for(build, module, RETURN_42).to_bytes()
    cache = bytearray(REGION.sectors * 512)
    newer = superblock(build, index, sequence=sequences[1], index_sector=JIT_CACHE_INDEX_B)
    put(cache, JIT_CACHE_SUPERBLOCK_A, superblock(build, b"", sequence=sequences[0]))
    put(cache, JIT_CACHE_SUPERBLOCK_B, newer[:-1] + bytes([newer[-1] ^ (damage == "superblock")]))
    put(cache, JIT_CACHE_INDEX_B, index if damage != "index" else index[:-1] + b"\xee")
    put(cache, JIT_CACHE_CODE, RETURN_42)
    run = run_cached({"TEST.MOD": module}, cache)
    assert run.report.passed, run.report.reason
    assert run.only("module")["answer"] == answer
    assert problems(run) == ([problem] if problem else [])


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 2},
        {"entry_count": 129},
        {"region_sectors": REGION.sectors + 1},
        {"index_sector": 9},
        {"entry_size": 64},
        {"sequence": 0xFFFFFFFF},
    ],
    ids=str,
)
def test_superblock_that_makes_no_sense_is_no_superblock(run_cached, build, make_native, fields):
    cache = bytearray(REGION.sectors * 512)
    put(cache, JIT_CACHE_SUPERBLOCK_A, superblock(build, b"", **fields))
    run = run_cached({"TEST.MOD": make_native(RETURN_1)}, cache)
    assert run.report.passed, run.report.reason
    assert problems(run) == ["no valid superblock"]
