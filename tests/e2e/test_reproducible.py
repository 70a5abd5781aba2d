"""The same sources give the same bytes, wherever and whenever they are built."""

import hashlib
import os
import shutil
import subprocess
import sys

import pytest

from bfimg.build.build import build_image
from bfimg.build.layout import default_layout, load_layout
from bfimg.toolchain.compiler import select


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def build_in(tmp_path):
    """``build_in(name, TZ=...)``: `bfimg build` as a program of its own, in a folder and with a cache of its own."""

    def build(name, *arguments, cache_dir=None, umask=0o022, **environment):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        result = subprocess.run(
            [sys.executable, "-m", "bfimg", "build", *arguments, "-o", "out.img", "--cache-dir", cache_dir or folder],
            cwd=folder,
            env={**os.environ, **environment},
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return folder / "out.img"

    return build


@pytest.mark.parametrize("bitcode", ["", 'bitcode = "all"'], ids=["default", "with bitcode"])
def test_folder_time_zone_locale_umask_and_place_of_the_sources_change_nothing(build_in, repository, tmp_path, bitcode):
    original = (repository / "samples" / "layouts" / "default.toml").read_text()
    text = original.replace("bitcode = []", bitcode or "bitcode = []")
    assert (text != original) == bool(bitcode)
    (tmp_path / "plain.toml").write_text(text)
    first = build_in("first", "../plain.toml", TZ="UTC", LC_ALL="C")

    moved = tmp_path / "a longer path" / "with spaces"
    shutil.copytree(repository / "kernel", moved / "sources")
    (moved / "layout.toml").write_text(text.replace("[kernel]", '[kernel]\nsources = "sources"'))
    environment = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "7", "HOME": str(moved)}
    second = build_in("second", str(moved / "layout.toml"), umask=0o077, **environment)
    assert sha256(first) == sha256(second)


def test_cache_folder_may_be_named_from_the_current_folder(build_in, default_build):
    assert sha256(build_in("here", cache_dir="cache")) == sha256(default_build.image)


def test_source_date_epoch_is_the_only_date_in_the_image(default_build, tmp_path, monkeypatch):
    digests = {}
    for epoch in (None, "1000000000", "1000000000", "1000000002"):
        if epoch is not None:
            monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        report = build_image(default_layout(), tmp_path / f"{len(digests)}.img", select("clang"))
        digests.setdefault(epoch, set()).add(sha256(report.image))
    assert digests[None] == {sha256(default_build.image)}
    assert all(len(values) == 1 for values in digests.values())
    assert len(set.union(*digests.values())) == 3


def test_second_build_compiles_nothing_and_writes_the_same(tmp_path):
    layout, toolchain = default_layout(), select("clang")
    first = build_image(layout, tmp_path / "first.img", toolchain, cache_dir=tmp_path / "cache")
    second = build_image(layout, tmp_path / "second.img", toolchain, cache_dir=tmp_path / "cache")
    assert first.compiled > 0
    assert (second.compiled, second.reused) == (0, first.compiled + first.reused)
    assert sha256(first.image) == sha256(second.image)


def test_changed_source_is_the_only_one_compiled_again(tmp_path, repository):
    shutil.copytree(repository / "kernel", tmp_path / "kernel")
    layout = tmp_path / "layout.toml"
    layout.write_text('[image]\nsize = "33MiB"\n[kernel]\nsources = "kernel"\n')
    toolchain, cache = select("clang"), tmp_path / "cache"
    first = build_image(load_layout(layout), tmp_path / "first.img", toolchain, cache_dir=cache)
    source = tmp_path / "kernel" / "main.c"
    text = source.read_text()
    assert text.count("not enough memory") == 1
    source.write_text(text.replace("not enough memory", "too little memory"))
    second = build_image(load_layout(layout), tmp_path / "second.img", toolchain, cache_dir=cache)
    assert second.compiled == 2  # the object and the link
    assert second.kernel.build_id != first.kernel.build_id
