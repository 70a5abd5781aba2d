"""IMAGE@@OFFSET, as mtools reads it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bfimg.errors import UsageError
from bfimg.image.inspect import inspect
from bfimg.image.spec import parse_image

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("text", "path", "offset"),
    [
        ("disk.img", "disk.img", 0),
        ("a/disk.img@@1M", "a/disk.img", 1 << 20),
        ("disk.img@@2048S", "disk.img", 1 << 20),
        ("disk.img@@2048s", "disk.img", 1 << 20),
        ("disk.img@@0x100000", "disk.img", 1 << 20),
        ("disk.img@@1048576", "disk.img", 1 << 20),
        ("a@@b@@0", "a@@b", 0),
        ("a@b", "a@b", 0),
    ],
)
def test_file_and_offset(text: str, path: str, offset: int) -> None:
    assert parse_image(text) == (Path(path), offset)
    assert parse_image(Path(text)) == (Path(path), offset)


@pytest.mark.parametrize("text", ["disk.img@@", "disk.img@@x", "disk.img@@-1", "@@1M"])
def test_what_is_no_offset(text: str) -> None:
    with pytest.raises(UsageError):
        parse_image(text)


@pytest.mark.parametrize("offset", ["1M", "2048S", "1024K"])
def test_mtools_means_the_same(disk: Path, offset: str, bfimg: Run) -> None:
    subprocess.run(["mdir", "-i", f"{disk}@@{offset}", "::SHA256.MOD"], check=True, capture_output=True)
    result = bfimg("inspect", f"{disk}@@{offset}")
    assert result.code == 0
    assert "fat volume, 33554432 bytes" in result.out and "/SHA256.MOD: native" in result.out
    assert bfimg("inspect", f"{disk}@@{offset}", "fat.bpb.signature", "--hex").out.startswith("000001FE: 55 AA")


def test_messages_name_the_offset(disk: Path, bfimg: Run) -> None:
    assert inspect(disk, 1 << 20).base == 1 << 20
    assert f"{disk}@@0x200: " in bfimg("ls", f"{disk}@@1S", "fat:/").err
    assert "is outside the file" in bfimg("inspect", f"{disk}@@1G").err
