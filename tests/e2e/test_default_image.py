"""What a newcomer sees: build, add a bitcode module, boot; and independent tools that read the result."""

import json
import re
import subprocess

import pytest

PARTITION_LBA = 2048


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def with_bitcode(disk, bfimg, repository):
    """The default image with samples/sha256.bc added."""
    result = bfimg("add-module", "-i", disk, repository / "samples" / "sha256.bc")
    assert result.code == 0, result.err
    return disk


@pytest.fixture
def extracted(with_bitcode, tmp_path):
    """The bitcode module as mcopy takes it out of the image."""
    subprocess.run(["mcopy", "-i", f"{with_bitcode}@@1M", "::SHA256.BC", tmp_path], check=True)
    return tmp_path / "SHA256.BC"


def test_twelve_native_modules_and_one_of_bitcode_run(with_bitcode, boot_disk, programs):
    run = boot_disk(with_bitcode, expect=("SHA256.BC",))
    assert run.report.passed, run.report.reason
    assert run.report.reason == "13 modules"

    native = {event["name"]: event for event in run.events("module") if event["kind"] == "native"}
    assert {name: (event["status"], event["answer"], event["size"]) for name, event in native.items()} == {
        program.name: ("passed", program.answer, program.size) for program in programs.values()
    }
    assert len(native) == 12
    assert all(event["cycles"] > 0 and event["calls"] == 1 for event in native.values())

    bitcode = run.module("SHA256.BC")
    assert (bitcode["status"], bitcode["crc"], bitcode["entry"]) == ("passed", True, "sha256_main")
    assert (bitcode["answer"], bitcode["calls"], bitcode["verified"]) == (programs["sha256"].answer, 6, True)
    assert run.only("done") == {
        "event": "done", "passed": 13, "failed": 0, "stopped": 0, "invalid": 0, "unchecked": 0, "pending": 0,
        "volumes": 1,
    }  # fmt: skip


def test_command_line_says_passed(with_bitcode, bfimg):
    result = bfimg("boot", with_bitcode, "--expect", "SHA256.BC")
    assert result.code == 0, result.out + result.err
    assert re.search(r"^passed: 13 modules, ", result.out, re.MULTILINE)


def test_kernel_lists_the_files_that_inspect_lists(with_bitcode, bfimg, boot_disk):
    document = json.loads(bfimg("inspect", with_bitcode, "--format", "json").out)
    run = boot_disk(with_bitcode)
    assert {event["path"]: event["size"] for event in run.events("file")} == {
        file["path"]: file["size"] for file in document["volumes"][0]["files"]
    }


def test_llvm_opens_the_module_taken_from_the_image(extracted, repository):
    ir = output_of("llvm-dis", str(extracted), "-o", "-")
    assert re.search(r"^define .*i32 @sha256_main\(i32", ir, re.MULTILINE)
    assert 'target triple = "i686-unknown-none-elf"' in ir
    original = output_of("llvm-dis", str(repository / "samples" / "sha256.bc"), "-o", "-")
    assert ir.splitlines()[1:] == original.splitlines()[1:]  # the first line names the file
    assert "Stream type: LLVM IR" in output_of("llvm-bcanalyzer", str(extracted))


def test_fsck_finds_the_volume_sound_and_counts_the_same_clusters(with_bitcode, bfimg, tmp_path):
    volume = tmp_path / "part1.img"
    with with_bitcode.open("rb") as file:
        file.seek(PARTITION_LBA * 512)
        volume.write_bytes(file.read())
    result = subprocess.run(["fsck.fat", "-n", volume], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    report = json.loads(bfimg("inspect", with_bitcode, "--format", "json").out)["volumes"][0]
    used = report["cluster_count"] - report["free_clusters"]
    assert f" {used}/{report['cluster_count']} clusters" in result.stdout


def test_mdir_and_fls_agree_with_inspect_file_for_file(with_bitcode, bfimg):
    document = json.loads(bfimg("inspect", with_bitcode, "--format", "json").out)
    files = document["volumes"][0]["files"]
    assert len(files) == 14

    # mdir prints the short name in two columns, then the size, the date, the time and a long name.
    listing = output_of("mdir", "-i", f"{with_bitcode}@@1M", "::")
    rows = re.findall(r"^(\S+) +(\S+) +(\d+) \d{4}-\d\d-\d\d +\d+:\d\d +(\S*)$", listing, re.MULTILINE)
    assert sorted((f"{base}.{extension}", int(size), long) for base, extension, size, long in rows) == sorted(
        (file["short_name"], file["size"], "" if file["path"] == f"/{file['short_name']}" else file["path"][1:])
        for file in files
    )

    rows = [
        line.split("\t") for line in output_of("fls", "-o", "2048", "-p", "-r", "-l", str(with_bitcode)).splitlines()
    ]
    # Names that start with $ are fls's own for the boot sector and the FATs.
    seen = {row[1]: int(row[6]) for row in rows if not row[1].startswith("$") and "(Volume Label" not in row[1]}
    assert seen == {file["path"][1:]: file["size"] for file in files}


def test_mmls_agrees_on_the_partition_and_fsstat_on_the_volume(with_bitcode, bfimg):
    document = json.loads(bfimg("inspect", with_bitcode, "--format", "json").out)
    part = next(region for region in document["regions"] if region["name"] == "part1")
    partitions = re.findall(r"^\d+:  \d+:\d+ +(\d+) +(\d+) +(\d+) +(.*)$", output_of("mmls", str(with_bitcode)), re.M)
    first, sectors = part["offset"] // 512, part["size"] // 512
    assert [tuple(map(int, row[:3])) for row in partitions] == [(first, first + sectors - 1, sectors)]
    assert "(0x0e)" in partitions[0][3]

    volume = document["volumes"][0]
    stated = output_of("fsstat", "-o", "2048", str(with_bitcode))
    assert f"Cluster Size: {volume['cluster_bytes']}\n" in stated
    assert f"Total Cluster Range: 2 - {volume['cluster_count'] + 1}\n" in stated
    assert "File System Type: FAT16\n" in stated
    assert f"Volume Label (Boot Sector): {volume['label']}" in stated
