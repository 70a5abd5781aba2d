"""What diff and patch print, and how they end."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import bfimg as library
from bfimg.cli.diff_text import lines
from bfimg.diff import diff
from bfimg.image.store import Store

Run = Callable[..., Any]


@pytest.fixture
def edited(disk: Path, tmp_path: Path) -> Path:
    """The default image after a few changes."""
    path = tmp_path / "edited.img"
    shutil.copy(disk, path)
    with library.open(path, write=True) as image:
        config = bytearray(image["part1:/BAREFLOW.CFG"])
        config[3] ^= 1
        image["part1:/BAREFLOW.CFG"] = bytes(config)
        image["part1:/new.txt"] = b"new"
        image.move("part1:/SUM.MOD", "part1:/total.mod")
        del image["part1:/SHA256.MOD"]
        image.field["mbr.disk_signature"] = 5
    return path


def patch(data: str, offset: int, path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:offset] + bytes.fromhex(data) + path.read_bytes()[offset + len(data) // 2 :])
    return path


class TestDiff:
    def test_same_images(self, bfimg: Run, disk: Path) -> None:
        result = bfimg("diff", disk, disk)
        assert (result.code, result.out, result.err) == (0, "", "")

    def test_for_people(self, bfimg: Run, disk: Path, edited: Path) -> None:
        result = bfimg("diff", disk, edited)
        assert result.code == 1
        shown = result.out.splitlines()
        assert shown[0].startswith("field mbr.disk_signature: ") and shown[0].endswith(" -> 5")
        assert "file part1:/BAREFLOW.CFG changed: 1 byte differs, the first at 0x3 in it" in shown
        assert "file part1:/new.txt added: 3 bytes" in shown
        assert "file part1:/SUM.MOD moved to part1:/total.mod" in shown
        assert any(line.startswith("file part1:/SHA256.MOD removed: ") for line in shown)
        assert "  0x000001b8 in mbr: 4 of 4 bytes" in shown

    def test_bytes(self, bfimg: Run, disk: Path, tmp_path: Path) -> None:
        data = disk.read_bytes()
        (tmp_path / "a.img").write_bytes(data)
        changed = patch("01020304", 440, tmp_path / "a.img")
        old = data[432:448].hex(" ").upper()
        out = bfimg("diff", disk, changed, "--bytes").out
        assert f"\n- 000001B0: {old[:23]}  {old[24:]}  " in out
        assert f"\n+ 000001B0: {old[:23]}  01 02 03 04 {old[36:]}  " in out
        assert out.count("\n-") == out.count("\n+") == 1

    def test_rows_of_bytes_have_a_limit(self, bfimg: Run, tmp_path: Path) -> None:
        old, new = tmp_path / "old", tmp_path / "new"
        old.write_bytes(bytes(200_000))
        new.write_bytes(b"\1" * 200_000)
        shown = bfimg("diff", old, new, "--bytes").out.splitlines()
        assert len(shown) == 2 + 2 * 4096 + 1
        assert shown[-1] == "only the first 4096 rows are shown"

    def test_each_row_is_shown_once(self, bfimg: Run, tmp_path: Path) -> None:
        old, new = tmp_path / "old", tmp_path / "new"
        old.write_bytes(bytes(100))
        new.write_bytes(b"\1" + bytes(30) + b"\1" + bytes(17) + b"\1" + bytes(50))
        shown = bfimg("diff", old, new, "--bytes").out.splitlines()
        assert [line[:10] for line in shown if line[0] == "-"] == ["- 00000000", "- 00000010", "- 00000030"]
        assert sum("bytes differ, in 1 run" in line for line in shown) == 1

    def test_more_runs_than_are_kept(self, bfimg: Run, tmp_path: Path) -> None:
        old, new = tmp_path / "old", tmp_path / "new"
        old.write_bytes(bytes(10_002 * 80))
        new.write_bytes((b"\1" + bytes(79)) * 10_002)
        with Store.open(old) as before, Store.open(new) as after:
            report = diff(before, after)
            assert list(lines(report))[-1] == "  and 9994 more; --bytes shows them"
            assert (report.contents.run_count, len(report.contents.runs)) == (10_002, 10_000)

    def test_sizes_regions_notes_and_modules(self, bfimg: Run, disk: Path, tmp_path: Path) -> None:
        new = tmp_path / "new.img"
        shutil.copy(disk, new)
        with library.open(new, write=True) as image:
            data = bytearray(image["part1:/SHA256.MOD"])
            data[44:46] = b"\x09\0"
            data[200] ^= 1
            image["part1:/SHA256.MOD"] = bytes(data) + b"more"
            image.make_folder("part1:/FOLDER")
        shown = bfimg("diff", disk, new).out
        assert "directory part1:/FOLDER added\n" in shown
        assert "  field part1:/SHA256.MOD#version: 1 -> 9\n  payload: 1 byte differs\n" in shown
        assert f"changed: {len(data)} -> {len(data) + 4} bytes; 2 bytes differ, the first at 0x2c in it" in shown
        new.write_bytes(new.read_bytes()[: 3 << 20])
        shown = bfimg("diff", disk, new).out
        assert shown.startswith("size: 34603008 -> 3145728 bytes\n")
        assert "region part1 changed: 33554432 bytes at 0x100000 (type 0x0e fat16 lba) -> " in shown
        assert " (type 0x0e fat16 lba, cut short)\n" in shown
        assert "\nnote: part1: files could not be compared" in shown

    def test_names_cannot_steer_the_terminal(self, bfimg: Run, tmp_path: Path, disk: Path) -> None:
        new = tmp_path / "new.img"
        shutil.copy(disk, new)
        with library.open(new, write=True) as image:
            image["part1:/plain name.txt"] = b"x"
        data = new.read_bytes().replace("plain".encode("utf-16-le"), "pl\x1b[m".encode("utf-16-le"))
        new.write_bytes(data)
        out = bfimg("diff", disk, new).out
        assert "\x1b" not in out and "\\x1b[m name.txt" in out

    def test_as_json(self, bfimg: Run, disk: Path, edited: Path) -> None:
        result = bfimg("diff", disk, edited, "--format", "json")
        assert result.code == 1
        document = json.loads(result.out)
        assert document["schema_version"] == 1 and document["same"] is False
        assert {file["kind"] for file in document["files"]} == {"added", "removed", "changed", "moved"}
        (field,) = [f for f in document["fields"] if f["path"] == "mbr.disk_signature"]
        assert field["new"] == 5
        assert document["contents"]["runs"][0]["region"] == "mbr"
        same = json.loads(bfimg("diff", disk, disk, "--format", "json").out)
        assert same["same"] is True and same["contents"]["run_count"] == 0

    def test_an_image_inside_a_file(self, bfimg: Run, disk: Path, tmp_path: Path) -> None:
        inside = tmp_path / "inside"
        inside.write_bytes(bytes(4096) + disk.read_bytes())
        assert bfimg("diff", disk, f"{inside}@@4096").code == 0
        assert bfimg("diff", disk, inside).code == 1

    def test_trouble(self, bfimg: Run, disk: Path, tmp_path: Path) -> None:
        assert bfimg("diff", disk, tmp_path / "none").code == 2
        assert bfimg("diff", disk).code == 2
        (tmp_path / "small").write_bytes(b"small")
        result = bfimg("diff", disk, tmp_path / "small", "-o", tmp_path / "a.bfpatch")
        assert (result.code, result.out) == (2, "")
        assert "a patch keeps the size" in result.err
        assert not (tmp_path / "a.bfpatch").exists()


class TestPatch:
    @pytest.fixture
    def change(self, bfimg: Run, disk: Path, edited: Path, tmp_path: Path) -> Path:
        path = tmp_path / "change.bfpatch"
        assert bfimg("diff", disk, edited, "-o", path).code == 1
        return path

    def test_there_and_back(self, bfimg: Run, disk: Path, edited: Path, change: Path) -> None:
        before = disk.read_bytes()
        expected = bfimg("diff", disk, edited).out
        result = bfimg("patch", disk, change)
        assert (result.code, result.out) == (0, expected + f"wrote {disk}\n")
        assert disk.read_bytes() == edited.read_bytes()
        assert bfimg("patch", disk, change, "--reverse").code == 0
        assert disk.read_bytes() == before

    def test_dry_run_prints_the_diff_and_writes_nothing(
        self, bfimg: Run, disk: Path, edited: Path, change: Path
    ) -> None:
        before = disk.read_bytes()
        disk.chmod(0o444)
        result = bfimg("patch", "-n", disk, change)
        assert result.out == bfimg("diff", disk, edited).out + f"dry run: {disk} is unchanged\n"
        assert disk.read_bytes() == before

    def test_elsewhere(self, bfimg: Run, disk: Path, edited: Path, change: Path, tmp_path: Path) -> None:
        before = disk.read_bytes()
        assert bfimg("patch", disk, change, "-o", tmp_path / "new.img").out.endswith(f"wrote {tmp_path}/new.img\n")
        assert (tmp_path / "new.img").read_bytes() == edited.read_bytes()
        assert disk.read_bytes() == before

    def test_that_does_not_fit(self, bfimg: Run, disk: Path, change: Path) -> None:
        patch("ff", 512, disk)
        bfimg("patch", disk, change)
        patched = disk.read_bytes()
        result = bfimg("patch", disk, change)
        assert (result.code, result.out) == (1, "")
        assert "hunk 1 of " in result.err and "was applied before" in result.err
        assert disk.read_bytes() == patched

    def test_that_changes_nothing(self, bfimg: Run, disk: Path, tmp_path: Path) -> None:
        path = tmp_path / "nothing.bfpatch"
        assert bfimg("diff", disk, disk, "-o", path).code == 0
        assert bfimg("patch", disk, path).out == f"no differences\nwrote {disk}\n"

    def test_through_pipes(self, disk: Path, edited: Path) -> None:
        command = f"{sys.executable} -m bfimg"
        line = f"{command} diff {disk} {edited} -o - | {command} patch {disk} - --format json"
        result = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
        document = json.loads(result.stdout)
        assert document["written"] is True and document["diff"]["same"] is False
        assert disk.read_bytes() == edited.read_bytes()

    def test_a_hexdump(self, bfimg: Run, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        dump = bfimg("inspect", disk, "mbr.disk_signature", "--hex").out
        text = tmp_path / "change.hex"
        text.write_text(dump[:10] + "01 02 03 04" + dump[21:])
        result = bfimg("patch", disk, text)
        assert result.code == 0, result.err
        assert "field mbr.disk_signature: " in result.out and "-> 67305985" in result.out
        assert disk.read_bytes()[440:444] == b"\1\2\3\4"
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"1B8: 09\n")))
        assert bfimg("patch", disk, "-").code == 0
        assert disk.read_bytes()[440:444] == b"\x09\2\3\4"

    @pytest.mark.parametrize(
        ("contents", "options", "message"),
        [
            (b"1B8: 09\n", ["--reverse"], "a hexdump cannot be reversed"),
            (b"hello\n", [], "line 1 is no line of a hexdump"),
            (b"0" * (5 << 20), [], "too large for a hexdump"),
            (b"BFBP", [], "the patch is cut short"),
        ],
    )
    def test_trouble(
        self, bfimg: Run, disk: Path, tmp_path: Path, contents: bytes, options: list[str], message: str
    ) -> None:
        before = disk.read_bytes()
        path = tmp_path / "odd"
        path.write_bytes(contents)
        result = bfimg("patch", disk, path, *options)
        assert (result.code, result.out) == (2, "")
        assert f"{path}: " in result.err and message in result.err and result.err.count("\n") == 1
        assert disk.read_bytes() == before

    def test_a_patch_file_that_is_missing(self, bfimg: Run, disk: Path, tmp_path: Path) -> None:
        assert bfimg("patch", disk, tmp_path / "none").err.endswith("No such file or directory; name a patch file\n")
