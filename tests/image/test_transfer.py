"""Files and trees between host and image."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import bfimg
from bfimg.errors import InputError, NotFoundError, UsageError
from bfimg.image.transfer import add, extract


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub" / "deeper").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"a")
    (root / "sub" / "large.bin").write_bytes(b"large" * 600_000)
    (root / "sub" / "deeper" / "empty").write_bytes(b"")
    return root


def host_files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_tree_goes_in_and_comes_out_the_same(disk: Path, tree: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with bfimg.open(disk, write=True) as image:
        done = add(image, [tree], "part1:/", progress=lambda *step: seen.append(step))
    assert [t.where for t in done][:2] == ["part1:/tree", "part1:/tree/a.txt"]
    assert seen[-1] == (3_000_001, 3_000_001)
    with bfimg.open(disk) as image:
        extract(image, ["part1:/tree"], tmp_path / "out")
        extract(image, ["part1:/tree/*"], tmp_path / "flat")
        extract(image, ["part1:/"], tmp_path / "all")
    assert host_files(tmp_path / "out" / "tree") == host_files(tree)
    assert host_files(tmp_path / "flat") == host_files(tree)
    assert len(host_files(tmp_path / "all")) == 16


def test_extracted_files_keep_their_times(disk: Path, tmp_path: Path) -> None:
    with bfimg.open(disk) as image:
        extract(image, ["part1:/BAREFLOW.CFG"], tmp_path)
    assert (tmp_path / "BAREFLOW.CFG").stat().st_mtime == 315532800


def test_targets_are_read_as_cp_reads_them(disk: Path, tree: Path) -> None:
    with bfimg.open(disk, write=True) as image:
        image.make_folder("part1:/DIR")
        assert [t.where for t in add(image, [tree / "a.txt"], "part1:/DIR")] == ["part1:/DIR/a.txt"]
        assert [t.where for t in add(image, [tree / "a.txt"], "part1:/DIR/B.TXT")] == ["part1:/DIR/B.TXT"]
        assert [t.where for t in add(image, [Path("-")], "/IN", stdin=io.BytesIO(b"piped"))] == ["/IN"]
        assert image["/IN"] == b"piped"
        with pytest.raises(UsageError, match="is no folder; make it first"):
            add(image, [tree / "a.txt", tree / "sub"], "part1:/NONE")
        with pytest.raises(UsageError, match="- has no name"):
            add(image, [Path("-")], "part1:/DIR", stdin=io.BytesIO())
        with pytest.raises(NotFoundError):
            add(image, [tree / "a.txt"], "part1:/NONE/X")
        with pytest.raises(InputError, match="cannot be read: No such file"):
            add(image, [tree / "none"], "part1:/DIR")


def test_the_order_on_the_volume_does_not_come_from_the_host(disk: Path, tmp_path: Path) -> None:
    for name in ("c", "a", "b"):
        (tmp_path / "t").mkdir(exist_ok=True)
        (tmp_path / "t" / name).write_text(name)
    with bfimg.open(disk, write=True) as image:
        add(image, [tmp_path / "t"], "part1:/")
        assert [f.file.path for f in image.list_folder("part1:/t")] == ["/t/a", "/t/b", "/t/c"]


def test_what_cannot_be_extracted(disk: Path, tmp_path: Path) -> None:
    with bfimg.open(disk, write=True) as image:
        image.make_folder("part1:/D")
        image["part1:/D/SUM.MOD"] = b"other"
        with pytest.raises(UsageError, match="have one name"):
            extract(image, ["part1:/SUM.MOD", "part1:/D/SUM.MOD"], tmp_path)
        with pytest.raises(NotFoundError):
            extract(image, ["part1:/NONE"], tmp_path)
        (tmp_path / "file").write_text("x")
        with pytest.raises(InputError, match="cannot be written"):
            extract(image, ["part1:/SUM.MOD"], tmp_path / "file")
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".img") == ["file"]
