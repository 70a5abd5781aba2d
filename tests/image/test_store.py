"""Pending changes are read back, and a commit is all or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimg.errors import BusyError, FormatError, InputError, UsageError
from bfimg.formats.journal import JournalHeader, JournalTrailer
from bfimg.image.journal import Extent, journal_path, write_in_place
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
    with Store.open(path, write=True) as store:
        store.write(4090, b"changed over a page border")
        assert store.changed
        assert path.read_bytes() == before
        store.commit()
        assert not store.changed
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
    assert path.read_bytes()[:2] == b"y\0"
    with Store.open(link, write=True) as store:
        store.write(0, b"z")
        store.commit()
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_bytes()[:1] == b"z"


def test_sparse_images_stay_sparse(tmp_path: Path) -> None:
    path = tmp_path / "large.img"
    with path.open("wb") as stream:
        stream.truncate(4 << 30)
        stream.seek(3 << 30)
        stream.write(b"island")
    with Store.open(path, write=True) as store:
        store.write(2 << 30, b"new")
        store.commit()
        store.commit(tmp_path / "copy.img")
    assert (tmp_path / "copy.img").stat().st_blocks * 512 < 1 << 20
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


def test_large_changes_spill_to_disk_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bfimg.image.store._MOST_PAGES_HELD", 8)
    path = tmp_path / "a.img"
    plain = bytearray(b"old!" * 100_000)
    path.write_bytes(plain)
    with Store.open(path, write=True) as store:
        for offset in range(0, 400_000 - 10, 3001):
            store.write(offset, b"%010d" % offset)
            plain[offset : offset + 10] = b"%010d" % offset
        assert store.read(0, store.size) == plain
        store.write(5, b"twice")
        plain[5:10] = b"twice"
        store.commit()
    assert path.read_bytes() == plain


def test_an_offset_into_a_larger_file(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(b"head" * 1000 + b"body" * 1000)
    with Store.open(path, write=True, base=4000) as store:
        assert (store.size, store.read(0, 4)) == (4000, b"body")
        store.write(1, b"O")
        store.commit()
        store.commit(tmp_path / "copy.img")
    assert path.read_bytes() == b"head" * 1000 + b"bOdy" + b"body" * 999
    assert (tmp_path / "copy.img").read_bytes() == path.read_bytes()
    with pytest.raises(UsageError, match="outside the file of 8000 bytes"):
        Store.open(path, base=8001)


def test_a_second_writer_is_kept_out_and_readers_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(bytes(5000))
    with Store.open(path, write=True):
        with pytest.raises(BusyError, match="is being changed by another process; try again"):
            Store.open(path, write=True)
        Store.open(path).close()
    Store.open(path, write=True).close()


def test_data_extents_skip_holes_and_show_pending_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    with path.open("wb") as stream:
        stream.truncate(1 << 20)
        stream.seek(512 << 10)
        stream.write(b"x" * 4096)
    with Store.open(path) as store:
        assert list(store.data_extents()) == [Extent(512 << 10, 4096)]
        store.write(0, b"y")
        assert list(store.data_extents()) == [Extent(0, 4096), Extent(512 << 10, 4096)]


KILLED = """
import os, sys
from pathlib import Path
from bfimg.image import store

path, at, torn = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "torn"
calls = 0

def count(function):
    def wrapped(*arguments, **named):
        global calls
        if calls == at:
            if torn and function is real_pwrite:
                real_pwrite(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2], arguments[2])
            os.kill(os.getpid(), 9)
        calls += 1
        return function(*arguments, **named)
    return wrapped

real_pwrite = os.pwrite
for name in ("pwrite", "fsync", "ftruncate"):
    setattr(os, name, count(getattr(os, name)))
for name in ("replace", "unlink"):
    setattr(store.Path, name, count(getattr(store.Path, name)))
with store.Store.open(path, write=True) as image:
    for page in range(0, image.size - 4096, 3 * 4096):
        image.write(page, b"new!")
    image.commit(path if sys.argv[4] == "copy" else None)
print(calls)
"""


@pytest.mark.parametrize("mode", ["place", "copy"])
@pytest.mark.parametrize("torn", ["whole", "torn"])
def test_a_kill_at_any_call_leaves_the_old_or_the_new_image(tmp_path: Path, mode: str, torn: str) -> None:
    path = tmp_path / "a.img"
    old = b"old." * 20_000 + bytes(40_000)
    new = bytearray(old)
    for page in range(0, len(old) - 4096, 3 * 4096):
        new[page : page + 4] = b"new!"
    seen = set()
    for at in range(1000):
        path.write_bytes(old)
        result = subprocess.run(
            [sys.executable, "-c", KILLED, path, str(at), torn, mode], capture_output=True, check=False
        )
        assert result.returncode in (0, -signal.SIGKILL), result.stderr
        Store.open(path).close()
        assert path.read_bytes() in (old, new)
        assert not journal_path(path).exists()
        seen.add(path.read_bytes() == new)
        if result.returncode == 0:
            assert at == int(result.stdout)
            break
    else:
        pytest.fail("the commit never ended")
    assert seen == {True, False}
    assert at >= 5, "the sweep met too few calls"


FAT_TRANSACTION = """
import bfimg
with bfimg.open(path, write=True) as image:
    for number in range(40):
        image[f"part1:/file number {number}.txt"] = bytes([number]) * number * 300
    image.remove("part1:/SUM.MOD")
    image.move("part1:/SHA256.MOD", "part1:/OTHER.MOD")
    image.field["fat.bpb.volume_id"] = 7
print(calls)
"""


def test_a_kill_in_a_large_transaction_on_a_volume(disk: Path, tmp_path: Path) -> None:
    """Every write and every fsync, whole and torn: the old or the new image, sound for fsck.fat."""
    old = disk.read_bytes()
    code = KILLED.partition("with store.Store.open")[0] + FAT_TRANSACTION
    work = tmp_path / "work.img"
    states = set()
    for at in range(500):
        subprocess.run(["cp", "--sparse=always", disk, work], check=True)
        command = [sys.executable, "-c", code, work, str(at), "torn" if at % 2 else "whole", ""]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1000000000"}
        result = subprocess.run(command, capture_output=True, check=False, env=environment)
        assert result.returncode in (0, -signal.SIGKILL), result.stderr
        Store.open(work).close()
        states.add(work.read_bytes())
        if result.returncode == 0:
            break
    assert at > 10
    assert old in states and len(states) == 2
    for number, state in enumerate(states):
        volume = tmp_path / f"volume{number}.img"
        volume.write_bytes(state[1 << 20 :])
        subprocess.run(["fsck.fat", "-n", volume], check=True, capture_output=True)


def test_a_rollback_that_is_killed_goes_on_at_the_next_open(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    old = b"old." * 20_000
    path.write_bytes(old)
    with Store.open(path, write=True) as store:
        for page in range(0, len(old) - 4096, 8192):
            store.write(page, b"new!")
        descriptor = store._descriptor
        assert descriptor is not None
        extents = list(store.changes())
        with pytest.raises(RuntimeError):
            write_in_place(path, descriptor, store.size, extents, dying(store, extents))
    for at in range(100):
        code = KILLED.replace("with store.Store.open(path, write=True)", "with store.Store.open(path)").partition(
            "    for page"
        )[0]
        result = subprocess.run([sys.executable, "-c", code + "    pass", path, str(at), "torn", ""], check=False)
        if result.returncode == 0:
            break
    assert at > 3
    assert path.read_bytes() == old


def dying(store: Store, extents: list[Extent]) -> Iterator[bytes]:
    """New contents of all extents but the last, then a failure, as if the process had died."""
    for extent in extents[:-1]:
        yield store.read(extent.offset, extent.size)
    raise RuntimeError


def test_a_failing_disk_gives_the_old_image_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(b"old." * 20_000)
    real, calls = os.pwrite, 0

    def failing(descriptor: int, data: bytes, offset: int) -> int:
        nonlocal calls
        calls += 1
        if calls == 8:
            raise OSError(28, "No space left on device")
        return real(descriptor, data, offset)

    with Store.open(path, write=True) as store:
        for page in range(0, store.size - 4096, 8192):
            store.write(page, b"new!")
        monkeypatch.setattr(os, "pwrite", failing)
        with pytest.raises(InputError, match="cannot be written: No space left on device"):
            store.commit()
    assert path.read_bytes() == b"old." * 20_000
    assert not journal_path(path).exists()


def test_an_incomplete_or_foreign_journal(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(b"image" * 1000)
    journal_path(path).write_bytes(b"half a journal")
    Store.open(path).close()
    assert not journal_path(path).exists()
    header = JournalHeader(image_size=77, extent_count=0).sealed()
    journal_path(path).write_bytes(header.to_bytes() + JournalTrailer().to_bytes())
    with pytest.raises(FormatError, match=r"journal is for another file of 77 bytes, a\.img has 5000"):
        Store.open(path)
    assert path.read_bytes() == b"image" * 1000
