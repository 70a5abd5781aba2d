"""What build, inspect and add-module print."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_build_prints_the_map(bfimg: Run, tmp_path: Path) -> None:
    result = bfimg("build", "-o", tmp_path / "a.img")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines[1:6]] == ["mbr", "stage2", "kernel", "jit_cache", "part1"]
    assert re.search(r"^part1 +2048 +65536 +\d+ +\d+  #+\.+$", result.out, re.MULTILINE)
    assert f"wrote {tmp_path}/a.img: 34603008 bytes" in result.out


def test_build_as_json_and_dry(bfimg: Run, tmp_path: Path) -> None:
    result = bfimg("build", "--dry-run", "--format", "json", "-o", tmp_path / "a.img")
    document = json.loads(result.out)
    assert document["schema_version"] == 1 and document["written"] is False
    assert document["regions"][1] == {"name": "stage2", "lba": 1, "sectors": 8} | {
        key: document["regions"][1][key] for key in ("used", "free")
    }
    assert len(document["files"]) == 13
    assert not (tmp_path / "a.img").exists()


def test_inspect_for_people(bfimg: Run, disk: Path) -> None:
    out = bfimg("inspect", disk).out
    assert out.startswith(f"{disk}: bareflow, 34603008 bytes\n")
    assert "stage2.kernel_lba = 9 LBA" in out
    assert "/physics_step.mod  PHYSIC~1.MOD" in out
    assert "/SHA256.MOD: native, sha256, " in out
    assert out.endswith("no problems found\n")


def test_inspect_one_place(bfimg: Run, disk: Path) -> None:
    assert bfimg("inspect", disk, "mbr.signature").out == "\nmbr\n  0x000001fe    2  mbr.signature = 43605 (0xaa55)\n"
    out = bfimg("inspect", disk, "part1:/SHA256.MOD").out
    assert "module.code_size = " in out and "/SUM.MOD" not in out


def test_inspect_as_json_has_every_part(bfimg: Run, disk: Path) -> None:
    document = json.loads(bfimg("inspect", disk, "--format", "json").out)
    assert document["schema_version"] == 1
    assert document["kind"] == "bareflow"
    assert [region["name"] for region in document["regions"]] == ["mbr", "stage2", "kernel", "jit_cache", "part1"]
    assert {file["path"] for file in document["volumes"][0]["files"]} >= {"/BAREFLOW.CFG", "/SHA256.MOD"}
    assert len(document["modules"]) == 12
    assert document["findings"] == []


def test_inspect_hex(bfimg: Run, disk: Path) -> None:
    assert bfimg("inspect", disk, "mbr.signature", "--hex").out.startswith("000001FE: 55 AA ")
    result = bfimg("inspect", disk, "--hex")
    assert (result.code, result.out) == (2, "")
    assert "--hex needs a place" in result.err
    assert "too many to dump" in bfimg("inspect", disk, "part1", "--hex").err


def test_problems_are_listed(bfimg: Run, disk: Path) -> None:
    data = bytearray(disk.read_bytes())
    data[512 + 20] ^= 1
    disk.write_bytes(data)
    out = bfimg("inspect", disk).out
    assert re.search(r"stage2\.crc = .* <- is 0x\w+, computed 0x\w+", out)
    assert re.search(r"^problems\n  stage2\.crc at 0x[0-9a-f]+: is 0x", out, re.MULTILINE)


def test_add_module_reports_name_entry_and_place(bfimg: Run, disk: Path, repository: Path) -> None:
    sample = repository / "samples" / "sha256.bc"
    result = bfimg("add-module", "-i", disk, sample)
    assert result.code == 0, result.err
    assert result.out.startswith("added part1:/SHA256.BC: bitcode module sha256, entry sha256_main, ")
    assert " bytes with a program of " in result.out
    assert bfimg("add-module", "-i", disk, sample).out.startswith("replaced part1:/SHA256.BC")
    document = json.loads(bfimg("add-module", "-i", disk, sample, "-n", "--format", "json").out)
    assert document["written"] is False
    assert document["added"][0]["entry"] == "sha256_main"
    assert "are for one module" in bfimg("add-module", "-i", disk, sample, sample, "--name", "x").err
