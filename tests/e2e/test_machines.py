"""Other machines than the usual one: floppy and CHS, two disks, no IDE, an old CPU, little memory."""

import subprocess

import pytest

from bfimg.boot import BootOptions
from bfimg.boot.options import MEMORY_MAX_MIB, MEMORY_MIN_MIB
from bfimg.boot.qemu import find_qemu, qemu_command
from bfimg.boot.serial_protocol import parse_machine_lines
from bfimg.formats.boot_protocol import ExitValue
from bfimg.image.inspect import inspect

FLOPPY_BYTES = 1_474_560


@pytest.fixture
def floppy(kernel_disk, tmp_path):
    """The beginning of an image, as much as fits on a 1.44 MB floppy disk."""
    path = tmp_path / "floppy.img"
    with kernel_disk.open("rb") as image:
        path.write_bytes(image.read(FLOPPY_BYTES))
    return path


def test_floppy_is_read_by_cylinder_head_and_sector(floppy, slave_volume, boot_disk, module_files, programs):
    run = boot_disk(floppy, floppy=True, slave=slave_volume({"SUM.MOD": module_files["sum"]}))
    assert run.report.passed, run.report.reason
    assert run.only("boot")["lba_reads"] is False
    assert run.module("SUM.MOD")["answer"] == programs["sum"].answer


def test_bare_volume_as_slave_is_run_too(disk, slave_volume, boot_disk, module_files, make_native):
    files = {"TEST.MOD": make_native(b"\xc3"), "SUM.MOD": module_files["sum"]}
    run = boot_disk(disk, slave=slave_volume(files))
    assert run.report.passed, run.report.reason
    volumes = [(event["drive"], event["lba"], event["label"]) for event in run.events("volume")]
    assert volumes == [("ata0-master", 2048, "BAREFLOW"), ("ata0-slave", 0, "SLAVE")]
    done = run.only("done")
    assert (done["passed"], done["unchecked"], done["volumes"]) == (12, 1, 2)
    assert run.events("module")[-1]["file"] == "/TEST.MOD"
    # The master comes first: its module stays active.
    assert run.events("override")[-1] == {
        "event": "override", "name": "sum", "kind": "native",
        "by": "disk", "by_file": "/SUM.MOD", "over": "disk", "over_file": "/SUM.MOD",
    }  # fmt: skip


def test_absent_slave_is_no_problem(disk, boot_disk):
    run = boot_disk(disk)
    assert run.report.passed
    assert [event["drive"] for event in run.events("volume")] == ["ata0-master"]


def test_partitioned_slave_is_run_too(kernel_disk, disk, boot_disk):
    run = boot_disk(kernel_disk, slave=disk)
    assert run.report.passed, run.report.reason
    assert run.events("volume")[1]["drive"] == "ata0-slave"
    assert run.only("done")["passed"] == 12


def test_slave_without_a_file_system_is_passed_over(disk, boot_disk, tmp_path):
    blank = tmp_path / "blank.img"
    blank.write_bytes(bytes(1 << 20))
    run = boot_disk(disk, slave=blank)
    assert run.report.passed, run.report.reason
    assert run.only("done")["volumes"] == 1


def test_machine_without_legacy_ide_reports_and_ends(disk, boot_disk):
    report = boot_disk(disk, machine="q35").report
    assert (report.exit_value, report.timed_out, report.nonce_echoed) == ("FAILED", False, True)
    assert report.reason.startswith("the kernel reported failure: passed 1, ")
    assert report.events[-1]["volumes"] == 0


def test_disk_without_a_fat_volume_fails(disk, boot_disk, poke):
    poke(disk, 2048 * 512, bytes(512))
    run = boot_disk(disk)
    assert run.report.exit_value == "FAILED"
    assert run.only("volume") == {
        "event": "volume", "drive": "ata0-master", "lba": 2048, "problem": "no FAT boot sector",
    }  # fmt: skip


def test_disk_without_partitions_fails(disk, boot_disk, poke):
    poke(disk, 446, bytes(64))
    run = boot_disk(disk)
    assert run.report.exit_value == "FAILED"
    assert run.only("done")["volumes"] == 0


def test_partition_that_leaves_the_disk_is_reported(disk, boot_disk, poke):
    poke(disk, 446 + 8, (0x0FFFFFF0).to_bytes(4, "little"))
    run = boot_disk(disk)
    assert run.report.exit_value == "FAILED"
    assert run.only("volume")["problem"] == "the volume is larger than its partition or disk"


@pytest.mark.parametrize(("offset", "value"), [(0, b"\x7f"), (12, bytes(4))], ids=["status", "no sectors"])
def test_table_entry_that_is_no_partition_is_passed_over(disk, boot_disk, poke, offset, value):
    poke(disk, 446 + offset, value)
    run = boot_disk(disk)
    assert run.report.exit_value == "FAILED"
    assert not run.events("volume") and run.only("done")["invalid"] == 0
    assert not inspect(disk).volumes  # the host reads the table in the same way


@pytest.mark.parametrize(("cpu", "missing"), [("486", "TSC CMOV SSE SSE2"), ("pentium2", "SSE SSE2")])
def test_cpu_without_sse2_is_refused_with_a_message(disk, boot_disk, cpu, missing):
    report = boot_disk(disk, cpu=cpu).report
    assert (report.exit_value, report.timed_out) == ("FAULT", False)
    assert f"the CPU lacks {missing}" in report.reason
    assert not report.modules


def test_too_little_memory_is_refused_with_a_message(disk):
    command = list(qemu_command(BootOptions(disk), find_qemu(), "0" * 32))
    command[command.index("-m") + 1] = "2"  # less than `bfimg boot` gives
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    lines = parse_machine_lines(result.stdout.splitlines())
    assert result.returncode == ExitValue.FAULT << 1 | 1
    assert [event["reason"] for event in lines.of("fault")] == ["not enough memory"]
    assert not lines.modules


@pytest.mark.parametrize("memory", [MEMORY_MIN_MIB, MEMORY_MAX_MIB])
def test_least_and_most_memory_suffice(disk, boot_disk, memory):
    report = boot_disk(disk, memory_mib=memory).report
    assert report.passed, report.reason


def test_disk_without_modules_passes_and_says_so(kernel_disk, boot_disk):
    report = boot_disk(kernel_disk).report
    assert (report.passed, report.reason) == (True, "no modules run")
