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


def test_folder_time_zone_locale_umask_and_place_of_the_sources_change_nothing(build_in, repository, tmp_path):
    original = (repository / "samples" / "layouts" / "default.toml").read_text()
    text = original.replace("bitcode = []", 'bitcode = "all"')
    assert text != original
    (tmp_path / "plain.toml").write_text(text)
    first = build_in("first", "../plain.toml", TZ="UTC", LC_ALL="C")

    moved = tmp_path / "a longer path" / "with spaces"
    shutil.copytree(repository / "kernel", moved / "sources")
    (moved / "layout.toml").write_text(text.replace("[kernel]", '[kernel]\nsources = "sources"'))
    environment = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "7", "HOME": str(moved)}
    second = build_in("second", str(moved / "layout.toml"), umask=0o077, **environment)
    assert sha256(first) == sha256(second)


def test_cache_named_from_the_current_folder_saves_all_work_of_a_second_build(build_in, default_build, tmp_path):
    first = build_in("here", cache_dir="cache")
    assert sha256(first) == sha256(default_build.image)
    second = build_image(default_layout(), tmp_path / "second.img", select("clang"), cache_dir=first.parent / "cache")
    assert second.compiled == 0 and second.reused > 20
    assert sha256(second.image) == sha256(first)


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
