"""Pending changes are read back, and a commit is all or nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimg.errors import InputError, UsageError
from bfimg.image.store import PAGE_SIZE, Store

SIZE = 5 * PAGE_SIZE + 77


@given(st.lists(st.tuples(st.integers(0, SIZE - 1), st.binary(min_size=1, max_size=3 * PAGE_SIZE)), max_size=8))
def test_reads_see_writes_as_a_plain_array_would(writes: list[tuple[int, bytes]]) -> None:
    store, plain = Store.blank(SIZE), bytearray(SIZE)
    for offset, data in writes:
        data = data[: SIZE - offset]
        store.write(offset, data)
        plain[offset : offset + len(data)] = data
    assert store.read(0, SIZE) == plain
    for offset, data in writes:
        assert store.read(offset, len(data) + 5) == plain[offset : offset + len(data) + 5]


def test_writes_on_an_existing_image_leave_it_alone_until_committed(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    before = bytes(range(256)) * 100
    path.write_bytes(before)
    with Store.open(path) as store:
        store.write(4090, b"changed over a page border")
        assert store.changed
        assert path.read_bytes() == before
        store.commit(path)
    after = before[:4090] + b"changed over a page border" + before[4090 + 26 :]
    assert path.read_bytes() == after


def test_commit_elsewhere_keeps_the_original(tmp_path: Path) -> None:
    path, other = tmp_path / "a.img", tmp_path / "b.img"
    path.write_bytes(b"x" * 10_000)
    with Store.open(path) as store:
        store.write(0, b"y")
        store.commit(other)
    assert path.read_bytes() == b"x" * 10_000
    assert other.read_bytes() == b"y" + b"x" * 9_999


def test_mode_and_links_survive(tmp_path: Path) -> None:
    path, link = tmp_path / "a.img", tmp_path / "link.img"
    path.write_bytes(bytes(5000))
    path.chmod(0o640)
    link.symlink_to("a.img")
    with Store.open(link) as store:
        store.write(0, b"y")
        store.commit(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_bytes()[:1] == b"y"


def test_sparse_images_stay_sparse(tmp_path: Path) -> None:
    path = tmp_path / "large.img"
    with path.open("wb") as stream:
        stream.truncate(4 << 30)
        stream.seek(3 << 30)
        stream.write(b"island")
    with Store.open(path) as store:
        store.write(2 << 30, b"new")
        store.commit(path)
    assert path.stat().st_size == 4 << 30
    assert path.stat().st_blocks * 512 < 1 << 20
    with path.open("rb") as stream:
        stream.seek(3 << 30)
        assert stream.read(6) == b"island"


def test_outside_writes_and_bad_paths_are_refused(tmp_path: Path) -> None:
    store = Store.blank(100)
    for offset in (-1, 99):
        with pytest.raises(ValueError, match="outside"):
            store.write(offset, b"ab")
    assert store.read(98, 10) == b"\0\0"
    assert store.read(200, 10) == b""
    with pytest.raises(InputError, match="cannot be opened: No such file"):
        Store.open(tmp_path / "none.img")
    with pytest.raises(InputError, match="is no regular file"):
        Store.open(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        store.commit(tmp_path / "none" / "a.img")
    with pytest.raises(UsageError, match="is no regular file"):
        store.commit(tmp_path)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, sys
from pathlib import Path
from bfimg.image import store

path, at = Path(sys.argv[1]), int(sys.argv[2])
calls = 0

def count(function):
    def wrapped(*arguments, **named):
        global calls
        if calls == at:
            os.kill(os.getpid(), 9)
        calls += 1
        return function(*arguments, **named)
    return wrapped

for name in ("pwrite", "fsync", "ftruncate", "pread"):
    setattr(os, name, count(getattr(os, name)))
store.Path.replace = count(store.Path.replace)
with store.Store.open(path) as image:
    for page in range(0, image.size - 4096, 3 * 4096):
        image.write(page, b"new!")
    image.commit(path)
print(calls)
"""


def test_a_kill_at_any_call_leaves_the_old_or_the_new_image(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    old = b"old." * 20_000
    new = bytearray(old)
    for page in range(0, len(old) - 4096, 3 * 4096):
        new[page : page + 4] = b"new!"
    seen = set()
    for at in range(1000):
        path.write_bytes(old)
        result = subprocess.run([sys.executable, "-c", KILLED, path, str(at)], capture_output=True, check=False)
        assert result.returncode in (0, -signal.SIGKILL), result.stderr
        assert path.read_bytes() in (old, new)
        seen.add(path.read_bytes() == new)
        if result.returncode == 0:
            assert at == int(result.stdout)
            break
    else:
        pytest.fail("the commit never ended")
    assert seen == {True, False}
    assert at > 5, "the sweep met too few calls"
    assert path.stat().st_size == len(old)
