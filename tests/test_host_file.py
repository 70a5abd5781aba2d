"""Only regular files are read: a pipe or a device would keep the program for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bfimg.errors import InputError
from bfimg.host_file import host_file_size, read_host_file, replaced_file


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"data")
    (tmp_path / "link").symlink_to("a")
    assert read_host_file(tmp_path / "link", hint="") == b"data"
    assert host_file_size(tmp_path / "link", hint="") == 4


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(InputError, match=f"{path}: cannot be read: it is no regular file; name another"):
            read_host_file(path, hint="name another")
    for path in (tmp_path / "none", tmp_path / "loop", tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match=r"cannot be read: .*; name another"):
            read_host_file(path, hint="name another")


def test_a_file_is_replaced_when_the_new_one_is_complete(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "plain").touch()
    with replaced_file(tmp_path / "a") as stream:
        stream.write(b"new")
        assert (tmp_path / "a").read_bytes() == b"old"
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_file_stays_as_it_is_when_the_new_one_fails(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replaced_file(tmp_path / "a") as stream:
        stream.write(b"new")
        raise KeyboardInterrupt
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
