"""Independent judges of FAT volumes: fsck.fat, mtools, fls and pyfatfs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pyfatfs.PyFat import PyFat

Judge = Callable[[Path, int, dict[str, bytes]], None]


def fsck(image: Path) -> None:
    result = subprocess.run(["fsck.fat", "-n", image], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def mtools_tree(image: Path, folder: Path) -> dict[str, bytes]:
    """Every file on the volume as mcopy extracts it, by its path."""
    folder.mkdir()
    # mtools turns what the locale cannot say into underscores.
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    command = ["mcopy", "-s", "-Q", "-i", image, "::/", folder]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return {"/" + str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def fls_paths(image: Path, bits: int) -> set[str]:
    output = subprocess.run(
        ["fls", "-r", "-p", "-u", "-F", "-f", f"fat{bits}", image], capture_output=True, text=True, check=True
    ).stdout
    paths = {line.split(":\t", 1)[1] for line in output.splitlines()}
    return {f"/{path}" for path in paths if not path.startswith("$") and "(Volume Label Entry)" not in path}


def pyfatfs_tree(image: Path) -> dict[str, bytes]:
    volume = PyFat()
    volume.open(str(image), read_only=True)
    found: dict[str, bytes] = {}

    def visit(prefix: str, directory: object) -> None:
        directories, files, _ = directory.get_entries()  # type: ignore[attr-defined]
        for entry in files:
            content = b""
            if entry.filesize:
                clusters = volume.get_cluster_chain(entry.get_cluster())
                content = b"".join(volume.read_cluster_contents(cluster) for cluster in clusters)[: entry.filesize]
            found[f"{prefix}/{entry}"] = content
        for entry in directories:
            if str(entry) not in (".", ".."):
                visit(f"{prefix}/{entry}", entry)

    visit("", volume.root_dir)
    volume.close()
    return found


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Function that asserts: the volume is sound and holds exactly these files, for every judge."""
    count = 0

    def check(image: Path, bits: int, files: dict[str, bytes]) -> None:
        nonlocal count
        count += 1
        fsck(image)
        assert mtools_tree(image, tmp_path / f"extracted{count}") == files
        assert fls_paths(image, bits) == set(files)
        assert pyfatfs_tree(image) == files

    return check
