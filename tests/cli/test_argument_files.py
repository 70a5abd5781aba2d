"""@FILE stands for the lines of a file."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_lines_become_arguments(bfimg: Run, disk: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("part1:/SUM.MOD\n\npart1:/SHA256.MOD\r\n@part1:/NONE\n")
    # Lines are taken as they are: an @ in one is no other file.
    assert "no region @part1" in bfimg("ls", "-i", disk, f"@{tmp_path}/list.txt").err
    (tmp_path / "list.txt").write_text(f"ls\n-i\n{disk}\npart1:/SUM.MOD\npart1:/SHA256.MOD")
    assert bfimg(f"@{tmp_path}/list.txt").out == "part1:/SUM.MOD\npart1:/SHA256.MOD\n"


def test_standard_input(bfimg: Run, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("part1:/SUM.MOD\n"))
    assert bfimg("ls", "-i", disk, "@-").out == "part1:/SUM.MOD\n"


def test_a_plain_at_sign_and_an_offset(bfimg: Run, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    disk.rename("@name@")
    assert bfimg("map", "@@name@").out.startswith("@name@: bareflow")
    assert bfimg("ls", "@@name@@@1M", "fat:/SUM.MOD").out == "fat:/SUM.MOD\n"
    assert "no file" in bfimg("ls", "-i", "@@name@", "@").err


def test_a_file_that_cannot_be_read_is_a_usage_error(bfimg: Run) -> None:
    result = bfimg("ls", "@none.txt")
    assert result.code == 2
    assert result.err == (
        "bfimg: none.txt: cannot be read: No such file or directory; write @@none.txt for an argument with @\n"
    )
