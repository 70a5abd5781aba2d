"""The kernel keeps the code of modules that ran well, and finds it again at the next boot."""

from __future__ import annotations

import subprocess
from itertools import pairwise

import pytest

from bfimg.boot import BootOptions
from bfimg.boot.qemu import find_qemu, qemu_command
from bfimg.boot.serial_protocol import parse_machine_lines
from bfimg.formats.crc import CRC32
from bfimg.formats.disk_layout import disk_region
from bfimg.formats.jit_cache import JIT_CACHE_CODE, JitCacheEntry, JitCacheSuperblock
from bfimg.formats.mbr import SECTOR_SIZE, Mbr
from bfimg.formats.native_module import NATIVE_TABLE_OFFSET, NativeModuleHeader, NativeModuleTable

REGION = disk_region("jit_cache")
START = REGION.first_lba * SECTOR_SIZE
RETURN_1 = bytes.fromhex("b8 01 00 00 00 c3")  # mov eax, 1; ret
RETURN_42 = bytes.fromhex("b8 2a 00 00 00 c3")
ENDLESS = bytes.fromhex("eb fe")  # jmp $


@pytest.fixture
def keep(boot_disk):
    """Function that boots an image with these settings; what the kernel writes stays there."""

    def run(image, *config, **options):
        result = boot_disk(image, config=("cache=yes", *config), keep_writes=True, **options)
        assert result.report.passed, result.report.reason
        return result

    return run


@pytest.fixture
def kernel_image(build_padded):
    """A kernel and an empty volume, for one test to write to."""
    return build_padded(0).image


@pytest.fixture
def put(tmp_path):
    """Function that replaces the files of an image's volume."""

    def replace(image, files):
        volume = f"{image}@@1M"
        subprocess.run(["mdel", "-i", volume, "::*.*"], capture_output=True, check=False)  # fails when there are none
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
            subprocess.run(["mcopy", "-i", volume, tmp_path / name, "::"], check=True)

    return replace


def sources(run):
    return {event["name"]: event["source"] for event in run.events("module") if "answer" in event}


def problems(run):
    return [(event["module"], event["problem"]) for event in run.events("cache") if "problem" in event]


def stored(run):
    """What the kernel says that it stored: sequence, number of entries, names."""
    event = run.events("cache")[-1]
    return event["sequence"], event["entries"], event["stored"]


def entry_of(image_build_id, name, code=b"", **fields):
    values = {"module_name": name.encode().ljust(32, b"\0"), "code_sector": JIT_CACHE_CODE, "code_size": 1, **fields}
    if code:
        values |= {"code_size": len(code), "code_crc": CRC32.compute(code)}
    return JitCacheEntry(kernel_build_id=image_build_id, **values)


def test_second_boot_runs_what_the_first_one_stored(disk, keep, region_of, entries_of, bfimg, module_files, programs):
    first = keep(disk)
    assert stored(first) == (1, 12, [event["name"] for event in first.events("module")])
    assert "JIT cache: 12 modules stored" in first.report.transcript
    region = region_of(disk)
    entries = entries_of(region)
    ran = {event["name"]: event for event in first.events("module")}
    for name, entry in entries.items():
        code = module_files[name][NativeModuleHeader.SIZE :]
        table = NativeModuleTable.parse(code, NATIVE_TABLE_OFFSET)
        assert entry.module_crc == CRC32.compute(code)
        assert region[entry.code_sector * SECTOR_SIZE :][: entry.code_size] == code[: table.image_size]
        assert (entry.function_index, entry.level, entry.cpu_features) == (0, 0, table.cpu_features)
        assert (entry.calls, entry.cycles) == (1, ran[name]["cycles"])
    assert bfimg("check", disk).code == 0
    assert "jit_cache.a.entry_count = 12" in bfimg("inspect", disk).out

    second = keep(disk)
    overridden = {(event["name"], event["by"], event["over"]) for event in second.events("override")}
    assert {(name, "cache", "disk") for name in programs} <= overridden
    assert sources(second) == dict.fromkeys(programs, "cache")
    assert {event["name"]: event["answer"] for event in second.events("module")} == {
        name: program.answer for name, program in programs.items()
    }
    # Nothing is new, so nothing was written.
    assert stored(second) == (1, 12, [])
    assert region_of(disk) == region
    assert bfimg("check", disk).code == 0


def test_modules_come_one_run_after_the_other_and_take_turns_with_the_halves(disk, keep, region_of, entries_of):
    for number, name in enumerate(["sum", "primes", "fibonacci", "sha256"], 1):
        assert stored(keep(disk, f"modules={name}")) == (number, number, [name])
    region = region_of(disk)
    assert list(entries_of(region)) == ["sum", "primes", "fibonacci", "sha256"]
    blocks = [JitCacheSuperblock.parse(region, number * SECTOR_SIZE) for number in (0, 1)]
    assert [(block.sequence, block.index_sector) for block in blocks] == [(3, 8), (4, 40)]


def test_nothing_is_written_unless_the_configuration_and_the_options_say_so(disk, boot_disk):
    before = disk.read_bytes()
    assert stored(boot_disk(disk, config=("cache=yes", "modules=sum"))) == (1, 1, ["sum"])
    assert not boot_disk(disk, config=("modules=sum",), keep_writes=True).events("cache")
    assert disk.read_bytes() == before


def test_disk_without_a_cache_is_left_alone(disk, boot_disk):
    before = disk.read_bytes()
    # From a floppy disk: the boot disk is no ATA drive.
    run = boot_disk(disk, config=("cache=yes",), keep_writes=True, floppy=True)
    assert not run.events("cache")
    assert disk.read_bytes() == before


def test_changed_module_is_stored_anew(kernel_image, keep, put, region_of, entries_of, make_native):
    put(kernel_image, {"TEST.MOD": make_native(RETURN_1)})
    keep(kernel_image)
    put(kernel_image, {"TEST.MOD": make_native(RETURN_42)})
    run = keep(kernel_image)
    assert problems(run) == [("test", "made from another module or an older one")]
    assert run.only("module")["answer"] == 42
    assert stored(run) == (2, 1, ["test"])
    entry = entries_of(region_of(kernel_image))["test"]
    assert entry.module_crc == CRC32.compute(RETURN_42)


def test_entry_of_a_module_that_is_away_is_kept(kernel_image, keep, put, module_files):
    for number, name in enumerate(["sum", "primes"], 1):
        put(kernel_image, {"TEST.MOD": module_files[name]})
        assert stored(keep(kernel_image)) == (number, number, [name])
    put(kernel_image, {f"{name}.MOD": module_files[name] for name in ("sum", "primes")})
    assert sources(keep(kernel_image)) == {"sum": "cache", "primes": "cache"}


def test_another_kernel_takes_nothing_and_begins_anew(
    disk, keep, put, poke, region_of, entries_of, build_changed, repository, module_files
):
    keep(disk, "modules=sum,primes")
    main = (repository / "kernel" / "main.c").read_text()
    other = build_changed({"main.c": main.replace("not enough memory", "too little memory")})
    assert "not enough memory" in main
    poke(other, START, region_of(disk))
    put(other, {"SUM.MOD": module_files["sum"]})
    run = keep(other)
    assert problems(run) == [("sum", "made by another kernel"), ("primes", "made by another kernel")]
    assert sources(run) == {"sum": "disk"}
    assert stored(run) == (2, 1, ["sum"])
    assert list(entries_of(region_of(other))) == ["sum"]


def test_what_is_more_than_code_or_did_not_run_well_is_not_stored(
    kernel_image, boot_disk, slave_volume, region_of, make_native, make_sealed
):
    files = {
        "ENTRY.MOD": make_native(b"\x90" + RETURN_1, entry_offset=1),
        "INIT.MOD": make_sealed(RETURN_1, name="init", init=80),
        "FINI.MOD": make_sealed(RETURN_1, name="fini", fini=80),
        "ENDLESS.MOD": make_sealed(ENDLESS, name="endless"),
        "WRONG.MOD": make_sealed(RETURN_1, name="wrong", flags=2, answer=2),
        "BAD.MOD": make_sealed(RETURN_1, name="bad", file_crc=0),
    }
    config = ("cache=yes", "time_limit=50")
    run = boot_disk(kernel_image, slave=slave_volume(files), config=config, keep_writes=True)
    statuses = {event["name"] or event["file"]: event["status"] for event in run.events("module")}
    assert sorted(statuses.values()) == ["failed", "invalid", "stopped", "unchecked", "unchecked", "unchecked"], (
        statuses
    )
    assert not run.events("cache")
    assert not any(region_of(kernel_image))


def test_code_that_goes_wrong_is_thrown_out(
    kernel_image, boot_disk, keep, poke, slave_volume, region_of, entries_of, make_region, module_files, programs
):
    slave = slave_volume({"SUM.MOD": module_files["sum"]})
    keep(kernel_image, slave=slave)
    good = entries_of(region_of(kernel_image))["sum"]
    bad = good.replace(code_sector=JIT_CACHE_CODE, code_size=len(RETURN_1), code_crc=CRC32.compute(RETURN_1))
    poke(kernel_image, START, make_region([bad], RETURN_1))
    run = boot_disk(kernel_image, slave=slave, config=("cache=yes",), keep_writes=True)
    assert (run.report.passed, run.only("module")["source"]) == (False, "cache")
    assert stored(run) == (2, 0, [])
    assert entries_of(region_of(kernel_image)) == {}
    run = keep(kernel_image, slave=slave)
    assert run.only("module")["answer"] == programs["sum"].answer
    assert stored(run) == (3, 1, ["sum"])


@pytest.mark.parametrize("full", ["code", "index"])
def test_full_cache_is_reported_and_is_no_failure(disk, keep, poke, region_of, make_region, default_build, full):
    build_id = default_build.kernel.build_id
    room = (REGION.sectors - JIT_CACHE_CODE) * SECTOR_SIZE
    if full == "code":
        # All but one sector.
        entries = [entry_of(build_id, "away", bytes(room - SECTOR_SIZE))]
    else:
        entries = [entry_of(build_id, f"away{number}", b"\0", code_sector=100) for number in range(128)]
    poke(disk, START, make_region(entries))
    before = region_of(disk)
    run = keep(disk, "modules=sum,primes")
    assert problems(run)[-2:] == [("sum", "no room"), ("primes", "no room")]
    assert region_of(disk) == before


def test_sectors_between_others_are_used(disk, keep, poke, region_of, entries_of, make_region, default_build):
    build_id = default_build.kernel.build_id
    taken = [(72, 10), (90, 1), (200, 824)]
    entries = [
        entry_of(build_id, f"away{number}", bytes(size * SECTOR_SIZE), code_sector=sector)
        for number, (sector, size) in enumerate(taken)
    ]
    poke(disk, START, make_region(entries))
    run = keep(disk)
    stored_now = run.events("cache")[-1]["stored"]
    assert len(stored_now) > 3
    extents = [
        (entry.code_sector, entry.code_sector + -(-entry.code_size // SECTOR_SIZE))
        for entry in entries_of(region_of(disk)).values()
    ]
    extents.sort()
    assert all(low[1] <= high[0] for low, high in pairwise(extents))
    assert any(82 <= start < 90 for start, _ in extents)


@pytest.mark.parametrize("place", ["first superblock", "second superblock", "of another version", "partition"])
def test_other_data_in_the_place_of_the_cache_is_left_alone(disk, keep, poke, region_of, place):
    if place == "first superblock":
        poke(disk, START, b"something of the owner's")
    elif place == "second superblock":
        poke(disk, START + SECTOR_SIZE + 200, b"x")
    elif place == "of another version":
        block = JitCacheSuperblock(version=2, region_sectors=REGION.sectors, index_sector=8).sealed()
        poke(disk, START, block.to_bytes())
    else:
        mbr = Mbr.parse(disk.read_bytes()[:SECTOR_SIZE])
        second = mbr.partitions[0].replace(type=0x83, lba_start=1500, sectors=100)
        partitions = (mbr.partitions[0], second, *mbr.partitions[2:])
        poke(disk, 0, mbr.replace(partitions=partitions).to_bytes())
    before = region_of(disk)
    run = keep(disk, "modules=sum")
    expected = "other data in its place" if place == "partition" else "no valid superblock"
    assert {problem for _, problem in problems(run)} == {expected}
    assert region_of(disk) == before


def test_damaged_cache_is_begun_anew(disk, keep, region_of, entries_of, flip_bit, bfimg):
    keep(disk, "modules=sum")
    for number in (0, 1):
        flip_bit(disk, START + number * SECTOR_SIZE + 8)  # the sequence
    assert stored(keep(disk, "modules=primes")) == (1, 1, ["primes"])
    flip_bit(disk, START + 8 * SECTOR_SIZE)  # the index
    run = keep(disk, "modules=sum")
    assert problems(run)[0] == ("", "index CRC is wrong")
    assert stored(run) == (2, 1, ["sum"])
    flip_bit(disk, START + JIT_CACHE_CODE * SECTOR_SIZE)  # the code
    run = keep(disk, "modules=sum")
    assert problems(run) == [("sum", "code CRC is wrong")]
    assert stored(run) == (3, 1, ["sum"])
    assert list(entries_of(region_of(disk))) == ["sum"]
    assert bfimg("check", disk).code == 0


@pytest.mark.parametrize(
    ("sector", "problem"),
    [(JIT_CACHE_CODE, ("sum", "the disk could not be written")), (8, ("", "the disk could not be written"))],
    ids=["code", "index"],
)
def test_disk_that_cannot_be_written_is_reported(disk, region_of, entries_of, sector, problem):
    command = list(qemu_command(BootOptions(disk, config=("cache=yes", "modules=sum")), find_qemu(), "0" * 32))
    drive = f"driver=raw,if=ide,index=0,file.driver=blkdebug,file.image.driver=file,file.image.filename={disk}"
    fault = {"event": "write_aio", "iotype": "write", "sector": REGION.first_lba + sector, "errno": 5, "once": "off"}
    drive += "".join(f",file.inject-error.0.{key}={value}" for key, value in fault.items())
    # Without these QEMU stops the machine.
    command[command.index("-drive") + 1] = f"{drive},werror=report"
    result = subprocess.run(command, capture_output=True, timeout=20, check=False)
    lines = parse_machine_lines(result.stdout.decode().splitlines())
    assert result.returncode == 0x10 << 1 | 1
    assert problem in [(event["module"], event["problem"]) for event in lines.of("cache") if "problem" in event]
    assert (lines.of("done")[0]["passed"], entries_of(region_of(disk))) == (1, {})
