"""The build cache gives back what was put in, or has it made anew."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bfimg.build.cache import BuildCache, open_cache
from bfimg.errors import CompileError, InputError

Make = Callable[[Path], None]
DATA = b"compiled"


def writes(data: bytes) -> Make:
    def make(path: Path) -> None:
        path.write_bytes(data)

    return make


def fails(path: Path) -> None:
    raise CompileError("made again")


def filled(folder: Path) -> Path:
    """A cache with one entry; the entry's file."""
    with BuildCache(folder) as cache:
        return folder / cache.obtain(["source"], ".o", writes(DATA)).name


def test_an_entry_is_found_by_the_next_build(tmp_path: Path) -> None:
    filled(tmp_path)
    with BuildCache(tmp_path) as cache:
        assert cache.obtain(["source"], ".o", fails).data == DATA
        assert (cache.made, cache.reused) == (0, 1)
        with pytest.raises(CompileError):
            cache.obtain(["sour", "ce"], ".o", fails)


def test_an_entry_asked_for_again_counts_once(tmp_path: Path) -> None:
    filled(tmp_path)
    with BuildCache(tmp_path) as cache:
        for _ in range(3):
            cache.obtain(["source"], ".o", fails)
            cache.obtain(["other"], ".o", writes(b"other"))
        assert (cache.made, cache.reused) == (1, 1)


@pytest.mark.parametrize("position", [0, len(DATA) - 1, len(DATA), -1])
def test_a_flipped_byte_is_not_handed_out(tmp_path: Path, position: int) -> None:
    entry = filled(tmp_path)
    data = bytearray(entry.read_bytes())
    data[position] ^= 1
    entry.write_bytes(data)
    with BuildCache(tmp_path) as cache:
        assert cache.obtain(["source"], ".o", writes(DATA)).data == DATA
        assert (cache.made, cache.reused) == (1, 0)
    with BuildCache(tmp_path) as cache:
        assert cache.obtain(["source"], ".o", fails).data == DATA


@pytest.mark.parametrize("size", [0, 1, len(DATA), 39])
def test_an_entry_cut_short_is_made_again(tmp_path: Path, size: int) -> None:
    entry = filled(tmp_path)
    os.truncate(entry, size)
    with BuildCache(tmp_path) as cache:
        assert cache.obtain(["source"], ".o", writes(DATA)).data == DATA
        assert cache.made == 1


def test_an_entry_under_the_name_of_another_is_made_again(tmp_path: Path) -> None:
    entry = filled(tmp_path)
    with BuildCache(tmp_path) as cache:
        other = cache.obtain(["other"], ".o", writes(b"other"))
    (tmp_path / other.name).replace(entry)
    with BuildCache(tmp_path) as cache:
        assert cache.obtain(["source"], ".o", writes(DATA)).data == DATA


def test_a_pipe_in_place_of_an_entry_is_replaced(tmp_path: Path) -> None:
    entry = filled(tmp_path)
    entry.unlink()
    os.mkfifo(entry)
    with BuildCache(tmp_path) as cache:
        assert cache.obtain(["source"], ".o", writes(DATA)).data == DATA
    assert entry.is_file()


def test_threads_that_miss_at_once_make_it_once(tmp_path: Path) -> None:
    calls = []
    together = threading.Barrier(8)

    def slow(path: Path) -> None:
        calls.append(path)
        time.sleep(0.05)
        path.write_bytes(DATA)

    def ask(cache: BuildCache) -> bytes:
        together.wait()
        artifact = cache.obtain(["source"], ".o", slow)
        return cache.file(artifact).read_bytes()

    with BuildCache(tmp_path) as cache, ThreadPoolExecutor(8) as pool:
        assert {future.result() for future in [pool.submit(ask, cache) for _ in range(8)]} == {DATA}
        assert len(calls) == 1
        assert (cache.made, cache.reused) == (1, 0)


def test_only_entries_are_left_behind(tmp_path: Path) -> None:
    with BuildCache(tmp_path) as cache:
        artifact = cache.obtain(["source"], ".o", writes(DATA))
        assert cache.file(artifact).read_bytes() == DATA
        assert (cache.folder_of({"a.h": "text"}) / "a.h").read_text() == "text"
        with pytest.raises(CompileError):
            cache.obtain(["bad"], ".o", fails)
    assert [path.name for path in tmp_path.iterdir()] == [artifact.name]


def test_what_a_killed_build_left_goes_after_an_hour(tmp_path: Path) -> None:
    killed, running = BuildCache(tmp_path), BuildCache(tmp_path)
    old, young = sorted(tmp_path.iterdir())
    (old / "half.o").write_bytes(b"half")
    (tmp_path / "tmp-of-mine").mkdir()
    for path in (old, tmp_path / "tmp-of-mine"):
        os.utime(path, (time.time() - 3700,) * 2)
    with BuildCache(tmp_path):
        assert not old.exists() and young.exists()
    assert (tmp_path / "tmp-of-mine").exists()
    assert {killed.folder, running.folder} == {tmp_path}


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in ("file", "file/cache"):
        with pytest.raises(InputError, match=r"cannot be written: .*; free some room or choose another --cache-dir"):
            BuildCache(tmp_path / place)
    with pytest.raises(InputError), open_cache(tmp_path / "file"):
        pass


def test_without_a_usable_default_place_the_build_has_a_cache_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with open_cache() as cache:
        cache.obtain(["source"], ".o", writes(DATA))
        place = cache.folder
        assert place.is_dir()
    assert not place.exists()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with open_cache() as cache:
        assert cache.folder == tmp_path / "bfimg"


def test_a_full_disk_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def make(path: Path) -> None:
        path.touch()

    with BuildCache(tmp_path) as cache:
        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match=f"{tmp_path}: cannot be written: No space left on device"):
            cache.obtain(["source"], ".o", make)
