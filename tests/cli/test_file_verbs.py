"""ls, cat, extract, add, rm, mv, mkdir, get, set and rm-module on the command line."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def here(disk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The image as disk.img in the current folder."""
    monkeypatch.chdir(disk.parent)
    return disk


def test_ls(bfimg: Run, here: Path) -> None:
    plain = bfimg("ls", here).out.splitlines()
    assert len(plain) == 13
    assert plain[0] == "part1:/fibonacci.mod"
    assert bfimg("ls", "part1:/*.CFG").out == "part1:/BAREFLOW.CFG\n"
    long = bfimg("ls", "-l", here, "part1:/matrix_mul.mod").out
    assert long.startswith("----A ") and long.endswith("1980-01-01 00:00:00  part1:/matrix_mul.mod  MATRIX~1.MOD\n")
    document = json.loads(bfimg("ls", "--format", "json").out)
    assert document["files"][12]["path"] == "/BAREFLOW.CFG"
    assert document["files"][12]["sha256"] is None
    assert bfimg("ls", "part1:/NONE").code == 2


def test_ls_with_digests(bfimg: Run, here: Path, tmp_path: Path) -> None:
    bfimg("extract", "part1:/", "-C", tmp_path / "out")
    for line in bfimg("ls", "--sha256").out.splitlines():
        digest, where = line.split("  ")
        assert digest == hashlib.sha256((tmp_path / "out" / where[7:]).read_bytes()).hexdigest()


def test_names_from_an_image_do_not_steer_the_terminal(bfimg: Run, tmp_path: Path) -> None:
    image = tmp_path / "v.img"
    image.write_bytes(bytes(1440 * 1024))
    subprocess.run(["mkfs.fat", image], check=True, capture_output=True)
    data = bytearray(image.read_bytes())
    root = (1 + 2 * 9) * 512
    data[root : root + 12] = b"A\x1b[31m  TXT\x20"
    image.write_bytes(data)
    out = bfimg("ls", image).out + bfimg("inspect", image).out
    assert "\x1b" not in out
    assert "fat:/A\\x1b[31m.TXT" in out


def test_cat(here: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    subprocess.run([sys.executable, "-m", "bfimg", "cat", "disk.img", "mbr.signature", "/BAREFLOW.CFG"], check=True)
    out = capfdbinary.readouterr().out
    assert out.startswith(b"\x55\xaa")
    assert b"modules = all" in out


def test_extract_and_add(bfimg: Run, here: Path, tmp_path: Path) -> None:
    assert bfimg("extract", "part1:/*.MOD", "-C", tmp_path / "out", "-v").out.count("\n") == 12
    (tmp_path / "out" / "notes.txt").write_text("notes")
    result = bfimg("add", here, tmp_path / "out", "part1:/", "-v")
    assert result.code == 0, result.err
    assert "part1:/out/notes.txt" in result.out
    read = subprocess.run(["mtype", "-i", f"{here}@@1M", "::/out/notes.txt"], capture_output=True, check=True).stdout
    assert read == b"notes"


def test_add_reads_standard_input(bfimg: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe")))
    assert bfimg("add", "-", "part1:/PIPE.TXT").code == 0
    assert "/PIPE.TXT" in bfimg("ls").out


def test_mkdir_mv_and_rm(bfimg: Run, here: Path) -> None:
    assert bfimg("mkdir", "part1:/A/B").code == 2
    assert bfimg("mkdir", "-p", here, "part1:/A/B", "part1:/A/B").code == 0
    assert bfimg("mv", "part1:/S*.MOD", "part1:/A/B").code == 0
    assert bfimg("mv", "part1:/A/B", "part1:/C").code == 0
    assert bfimg("ls", "-R", "part1:/C").out == "part1:/C/SUM.MOD\npart1:/C/SHA256.MOD\npart1:/C/STROPS.MOD\n"
    assert "is not empty" in bfimg("rm", "part1:/C").err
    assert bfimg("rm", "-r", "part1:/C", "part1:/*.mod").code == 0
    assert sorted(bfimg("ls").out.split()) == ["part1:/A", "part1:/BAREFLOW.CFG"]


def test_get_and_set(bfimg: Run, here: Path) -> None:
    assert bfimg("get", "stage2.kernel_lba").out == "9\n"
    assert bfimg("get", here, "mbr.partitions[0]").out.splitlines()[2] == "mbr.partitions[0].type=14"
    assert bfimg("set", "mbr.partitions[0].type=fat16", "fat.bpb.volume_id=0x12345678").code == 0
    assert json.loads(bfimg("get", "mbr.partitions[0].type", "fat.bpb.volume_id", "--format", "json").out)[
        "fields"
    ] == {
        "mbr.partitions[0].type": 6,
        "part1.bpb.volume_id": 0x12345678,
    }
    assert bfimg("inspect").out.endswith("no problems found\n")
    before = digest(here)
    for arguments, reason in [
        (("stage2.kernel_sectors=0",), "must be in 1..896"),
        (("mbr.signature",), "no field to set"),
        ((here, "mbr.signature", "x=1"), "sets nothing"),
        (("stage2.none=1",), "no field stage2.none"),
        ((), "no field to set"),
    ]:
        result = bfimg("set", *arguments)
        assert (result.code, result.out) == (2, "")
        assert reason in result.err
    assert digest(here) == before
    assert bfimg("set", "--raw", "stage2.kernel_sectors=0").code == 0
    assert "stage2.crc" in bfimg("inspect").out


def test_rm_module(bfimg: Run, here: Path, repository: Path) -> None:
    bfimg("add-module", repository / "samples" / "sha256.bc")
    result = bfimg("rm-module", "sha256", "FIBONA~1.MOD")
    assert result.code == 0
    assert sorted(result.out.splitlines()) == [
        "removed part1:/SHA256.BC",
        "removed part1:/SHA256.MOD",
        "removed part1:/fibonacci.mod",
    ]
    result = bfimg("rm-module", "sum", "none")
    assert (result.code, result.out) == (2, "")
    assert "no module none; there are: " in result.err
    assert "/SUM.MOD" in bfimg("ls").out


CHANGES = [
    ("add", "{source}", "part1:/NEW.TXT"),
    ("add-module", "{module}"),
    ("rm", "part1:/SUM.MOD"),
    ("mv", "part1:/SUM.MOD", "part1:/OTHER.MOD"),
    ("mkdir", "part1:/DIR"),
    ("set", "fat.bpb.volume_id=7"),
    ("rm-module", "sum"),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0])
def test_dry_run_shows_and_output_goes_elsewhere(
    bfimg: Run, here: Path, tmp_path: Path, repository: Path, change: tuple[str, ...]
) -> None:
    (tmp_path / "source.txt").write_text("source")
    names = {"source": tmp_path / "source.txt", "module": repository / "samples" / "sha256.bc"}
    arguments = [part.format(**names) for part in change]
    before = digest(here)
    dry = bfimg(*arguments, "--dry-run")
    assert dry.code == 0, dry.err
    assert len(dry.out.splitlines()) > 1 and "is unchanged" in dry.out
    assert bfimg(*arguments, "-o", tmp_path / "other.img").code == 0
    assert digest(here) == before != digest(tmp_path / "other.img")
    assert bfimg(*arguments).code == 0
    assert digest(here) != before


@pytest.mark.parametrize(
    "arguments",
    [("rm",), ("mv", "part1:/SUM.MOD"), ("add", "part1:/X"), ("cat",), ("get",), ("extract",), ("mkdir",)],
)
def test_missing_arguments(bfimg: Run, here: Path, arguments: tuple[str, ...]) -> None:
    result = bfimg(*arguments)
    assert result.code == 2
    assert "missing" in result.err.lower()


def test_a_missing_image_is_named(bfimg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "none.img: cannot be opened" in bfimg("ls", "none.img").err
    assert "no image named" in bfimg("ls").err
