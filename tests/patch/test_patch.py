"""A patch turns exactly the old image into exactly the new one, and back; anything else is refused."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bfimg
from bfimg.diff import diff
from bfimg.errors import InputError, MismatchError, UsageError
from bfimg.image.store import Store
from bfimg.patch import Patch, apply_patch, read_patch, save_patch, write_patch

SIZE = 3 * 65_536 + 100
WRITES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, SIZE - 1), st.sampled_from([65_530, 65_536, 131_000])),
        st.one_of(st.binary(min_size=1, max_size=50), st.integers(1, 70_000).map(lambda n: b"\xa5" * n)),
    ),
    max_size=8,
)
Make = Callable[..., Store]
PatchOf = Callable[[Store, Store], Patch]


@given(WRITES, WRITES)
def test_there_and_back(
    image: Make, patch_of: PatchOf, left: list[tuple[int, bytes]], right: list[tuple[int, bytes]]
) -> None:
    old, new = image(*left), image(*left, *right)
    before, after = old.read(0, SIZE), new.read(0, SIZE)
    report = diff(old, new)
    patch = patch_of(old, new)
    assert patch.contents() == report.contents
    assert (patch.hunk_count == 0) == report.same
    apply_patch(old, patch)
    assert old.read(0, SIZE) == after
    assert diff(old, new).same
    apply_patch(old, patch, reverse=True)
    assert old.read(0, SIZE) == before


def test_it_says_what_the_diff_of_the_images_says(disk: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.img"
    shutil.copy(disk, new)
    with bfimg.open(new, write=True) as opened:
        opened["part1:/NEW.DAT"] = os.urandom(200_000)
        opened.field["mbr.disk_signature"] = 5
        del opened["part1:/SHA256.MOD"]
    with Store.open(disk) as before, Store.open(new) as after:
        report = diff(before, after)
        path = tmp_path / "change.bfpatch"
        hunks = save_patch(before, after, path)
        with path.open("rb") as stream:
            patch = read_patch(stream, str(path))
            assert patch.hunk_count == hunks
            assert patch.contents() == report.contents
            assert {run.region for run in patch.contents().runs} == {"mbr", "part1"}
            apply_patch(before, patch)
            before.commit(tmp_path / "patched.img")
    assert (tmp_path / "patched.img").read_bytes() == new.read_bytes()


def test_the_same_images_give_the_same_patch(image: Make) -> None:
    streams = [io.BytesIO(), io.BytesIO()]
    for stream in streams:
        assert write_patch(image((5, b"a")), image((5, b"b"), (900, b"c")), stream) == 2
    assert streams[0].getvalue() == streams[1].getvalue()


def test_images_of_two_sizes_make_no_patch(image: Make) -> None:
    with pytest.raises(UsageError, match="a patch keeps the size"):
        write_patch(image(), Store.blank(SIZE + 1), io.BytesIO())


class TestRefusal:
    def test_names_the_first_hunk_and_changes_nothing(self, image: Make, patch_of: PatchOf) -> None:
        patch = patch_of(image(), image((10, b"first"), (5000, b"second"), (9000, b"third")))
        target = image((5002, b"x"))
        with pytest.raises(MismatchError) as caught:
            apply_patch(target, patch)
        assert (caught.value.offset, caught.value.field) == (5000, "data")
        assert str(caught.value) == (
            "new image: offset 0x1388: data: hunk 2 of 3 does not fit: other bytes are there; nothing was changed"
        )
        assert target.read(0, SIZE) == image((5002, b"x")).read(0, SIZE)

    def test_says_when_it_was_applied_before(self, image: Make, patch_of: PatchOf) -> None:
        old, new = image((10, b"old")), image((10, b"new"))
        patch = patch_of(old, new)
        with pytest.raises(MismatchError, match="was applied before; nothing was changed"):
            apply_patch(new, patch)
        with pytest.raises(MismatchError, match="was reversed before; nothing was changed"):
            apply_patch(old, patch, reverse=True)

    def test_of_another_size(self, image: Make, patch_of: PatchOf) -> None:
        with pytest.raises(MismatchError, match=f"is {SIZE - 1} bytes, the patch is for {SIZE}"):
            apply_patch(Store.blank(SIZE - 1), patch_of(image(), image((1, b"a"))))

    def test_tells_the_images_apart(self, disk: Path, tmp_path: Path, patch_of: PatchOf) -> None:
        other = tmp_path / "other.img"
        shutil.copy(disk, other)
        with bfimg.open(other, write=True) as opened:
            opened.field["mbr.disk_signature"] = 0xABCDEF
            opened.field["part1.bpb.volume_id"] = 0x123456
        with Store.open(disk) as store, Store.open(disk) as changed, Store.open(other) as target:
            changed.write(440, b"\0\0\0\0")
            with pytest.raises(MismatchError) as caught:
                apply_patch(target, patch_of(store, changed))
        assert "this one has disk signature 0x00abcdef, volume id 0x00123456" in str(caught.value)


class TestSave:
    def test_leaves_nothing_when_it_fails(self, image: Make, tmp_path: Path) -> None:
        with pytest.raises(UsageError):
            save_patch(image(), Store.blank(3), tmp_path / "a.bfpatch")
        assert list(tmp_path.iterdir()) == []

    def test_into_a_folder_that_is_not_there(self, image: Make, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be written: No such file"):
            save_patch(image(), image((1, b"a")), tmp_path / "none" / "a.bfpatch")

    def test_what_is_no_regular_file_is_not_replaced(self, image: Make, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "link").symlink_to("pipe")
        with pytest.raises(UsageError, match="is no regular file"):
            save_patch(image(), image((1, b"a")), tmp_path / "link")
        assert (tmp_path / "pipe").is_fifo()

    def test_an_image_that_cannot_be_read_keeps_its_own_error(
        self, image: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = image()

        def fail(offset: int, length: int) -> bytes:
            raise InputError("cannot be read: Input/output error", path="disk", offset=offset)

        monkeypatch.setattr(broken, "read", fail)
        with pytest.raises(InputError, match="disk: offset 0x0: cannot be read"):
            save_patch(broken, image((1, b"a")), tmp_path / "a.bfpatch")
        assert list(tmp_path.iterdir()) == []

    def test_has_the_mode_of_a_plain_file(self, image: Make, tmp_path: Path) -> None:
        (tmp_path / "plain").touch()
        save_patch(image(), image((1, b"a")), tmp_path / "a.bfpatch")
        assert (tmp_path / "a.bfpatch").stat().st_mode == (tmp_path / "plain").stat().st_mode
