"""Changes to volumes: each operation alone, then random sequences, judged by foreign tools."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bfimg.clock import FAT_EPOCH
from bfimg.errors import BfimgError, FitError, NotFoundError, UsageError
from bfimg.fat.editor import FatEditor
from bfimg.fat.mkfs import FatOptions, format_volume
from bfimg.fat.volume import FatVolume
from bfimg.formats.fat_directory import FatAttribute
from bfimg.image.store import Store

Judge = Callable[[Path, int, dict[str, bytes]], None]

EXAMPLES = int(os.environ.get("BFIMG_TEST_EXAMPLES", "25"))
GEOMETRIES = [(12, 2880, 1), (12, 20000, 8), (16, 8400, 1), (16, 65536, 4), (32, 80000, 1), (32, 140000, 2)]
LATER = datetime(2030, 5, 6, 7, 8, 10, tzinfo=UTC)


def make(bits: int = 16, sectors: int = 8400, cluster: int = 0, root_entries: int = 512) -> FatEditor:
    store = Store.blank(sectors * 512)
    options = FatOptions(sectors, bits=bits, sectors_per_cluster=cluster, label="TEST", root_entries=root_entries)
    format_volume(store, 0, options, FAT_EPOCH)
    return FatEditor(FatVolume(store), FAT_EPOCH)


def contents(editor: FatEditor) -> dict[str, bytes]:
    volume = editor.volume
    return {f.path: volume.read(f.item) for f in volume.walk() if not f.item.is_directory}


def settle(editor: FatEditor, path: Path, judge: Judge, files: dict[str, bytes]) -> FatVolume:
    """Write the volume out, have it judged, read it afresh."""
    editor.flush()
    editor.volume.store._write_new(path)
    judge(path, editor.volume.geometry.bits, files)
    return FatVolume(Store.open(path))


@pytest.mark.parametrize(("bits", "sectors", "cluster"), GEOMETRIES)
@pytest.mark.parametrize("size", [0, 1, 511, 512, 4095, 4096, 9000])
def test_append_and_truncate_at_cluster_borders(
    bits: int, sectors: int, cluster: int, size: int, tmp_path: Path, judge: Judge
) -> None:
    editor = make(bits, sectors, cluster)
    data = bytes(i % 251 for i in range(20_000))
    editor.write("/GROWN", data[:size])
    editor.append("/GROWN", data[size : size + 5000])
    editor.append("/GROWN", b"")
    editor.write("/CUT", data)
    editor.truncate("/CUT", size)
    editor.write("/ZEROS", data[:size])
    editor.truncate("/ZEROS", size + 3000)
    files = {"/GROWN": data[: size + 5000], "/CUT": data[:size], "/ZEROS": data[:size] + bytes(3000)}
    settle(editor, tmp_path / "v.img", judge, files)


def test_streams_are_written_as_they_come(tmp_path: Path, judge: Judge) -> None:
    class Trickle(io.RawIOBase):
        """A pipe: at most 1,000 bytes at a time."""

        def __init__(self, data: bytes) -> None:
            self.rest = data

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            part, self.rest = self.rest[: min(1000, len(buffer))], self.rest[min(1000, len(buffer)) :]
            buffer[: len(part)] = part
            return len(part)

    data = os.urandom(2_500_000)
    editor = make()
    editor.write("/PIPE", Trickle(data))  # type: ignore[arg-type]
    editor.write("/FILE", io.BytesIO(data[:1_000_001]))
    editor.write("/NONE", io.BytesIO())
    settle(editor, tmp_path / "v.img", judge, {"/PIPE": data, "/FILE": data[:1_000_001], "/NONE": b""})


def test_rename_in_place_keeps_the_order_of_the_listing() -> None:
    editor = make()
    for name in ("/A", "/B", "/C"):
        editor.write(name, name.encode())
    editor.move("/B", "/Z")
    assert [f.path for f in editor.volume.walk()] == ["/A", "/Z", "/C"]
    editor.move("/A", "/a much longer name.txt")
    assert [f.path for f in editor.volume.walk()] == ["/Z", "/C", "/a much longer name.txt"]
    editor.move("/Z", "/z")
    assert "/z" in [f.path for f in editor.volume.walk()]


def test_moves_between_folders(tmp_path: Path, judge: Judge) -> None:
    editor = make(32, 80000, 1)
    editor.make_folders("/ONE/DEEP")
    editor.make_folder("/TWO")
    editor.write("/ONE/DEEP/FILE", b"x" * 700)
    editor.move("/ONE/DEEP", "/TWO/moved here")
    editor.write("/OTHER", b"y")
    editor.move("/OTHER", "/TWO/moved here/FILE2")
    files = {"/TWO/moved here/FILE": b"x" * 700, "/TWO/moved here/FILE2": b"y"}
    volume = settle(editor, tmp_path / "v.img", judge, files)
    assert volume.find("/TWO/moved here/..").item.first_cluster == volume.find("/TWO").item.first_cluster


def test_a_move_onto_a_file_replaces_it_and_onto_a_folder_is_refused() -> None:
    editor = make()
    free = editor.volume.table.free_count
    editor.write("/A", b"a" * 600)
    editor.write("/B", b"b" * 5000)
    editor.move("/A", "/B")
    assert contents(editor) == {"/B": b"a" * 600}
    assert editor.volume.table.free_count == free - 2
    editor.make_folder("/F")
    for source, target in (("/B", "/F"), ("/F", "/B")):
        with pytest.raises(UsageError, match="exists already"):
            editor.move(source, target)
    with pytest.raises(UsageError, match="cannot move into itself"):
        editor.move("/F", "/F/G")
    editor.move("/B", "/B")
    assert contents(editor) == {"/B": b"a" * 600}


def test_removing_gives_all_clusters_back(tmp_path: Path, judge: Judge) -> None:
    editor = make()
    free = editor.volume.table.free_count
    editor.make_folders("/F/G/H")
    for index in range(60):
        editor.write(f"/F/G/a long file name {index}", b"x" * index * 99)
    with pytest.raises(UsageError, match="is not empty; remove it with all below: --recursive"):
        editor.remove("/F")
    editor.remove("/F/G/H")
    editor.remove("/F", recursive=True)
    assert editor.volume.table.free_count == free
    editor.write("/NEW", b"n")
    settle(editor, tmp_path / "v.img", judge, {"/NEW": b"n"})


def test_a_replaced_file_keeps_its_creation_time_and_attributes() -> None:
    editor = make()
    editor.write("/A", b"a")
    editor.set_attributes("/A", add=FatAttribute.READ_ONLY | FatAttribute.HIDDEN)
    editor.when = LATER
    editor.write("/A", b"b")
    place = editor.volume.directory(0)
    item = editor.volume.find("/A").item
    entry = place.entry(item)
    assert item.modified == LATER
    assert entry.creation_date == 0x21
    assert entry.attributes == FatAttribute.READ_ONLY | FatAttribute.HIDDEN | FatAttribute.ARCHIVE
    editor.set_attributes("/A", remove=FatAttribute.HIDDEN)
    assert not editor.volume.find("/A").item.attributes & FatAttribute.HIDDEN
    with pytest.raises(UsageError, match="only read-only"):
        editor.set_attributes("/A", add=FatAttribute.DIRECTORY)


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_labels(bits: int, tmp_path: Path, judge: Judge) -> None:
    editor = make(bits, {12: 2880, 16: 8400, 32: 80000}[bits])
    editor.set_label("other one")
    volume = settle(editor, tmp_path / "v.img", judge, {})
    assert (volume.label, volume.boot.volume_label) == ("OTHER ONE", b"OTHER ONE  ")
    editor.set_label("")
    editor.write("/FILE", b"")
    volume = settle(editor, tmp_path / "w.img", judge, {"/FILE": b""})
    assert (volume.label, volume.boot.volume_label) == ("", b"NO NAME    ")
    editor.set_label("AGAIN")
    assert settle(editor, tmp_path / "x.img", judge, {"/FILE": b""}).label == "AGAIN"


def test_garbage_behind_the_end_mark_stays_dead(tmp_path: Path, judge: Judge) -> None:
    editor = make()
    root = editor.volume.geometry.root_offset
    stale = b"STALE   TXT" + bytes(15) + b"\x50\x00" + b"\x10\0\0\0"
    editor.volume.store.write(root + 64, stale * 4)
    editor = FatEditor(FatVolume(editor.volume.store), FAT_EPOCH)
    editor.write("/ONE", b"1")
    editor.write("/TWO", b"2")
    settle(editor, tmp_path / "v.img", judge, {"/ONE": b"1", "/TWO": b"2"})


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e.append("/NONE", b"x"),
        lambda e: e.truncate("/NONE", 0),
        lambda e: e.remove("/NONE"),
        lambda e: e.move("/NONE", "/X"),
        lambda e: e.move("/FILE", "/NONE/X"),
        lambda e: e.set_attributes("/NONE", add=1),
        lambda e: e.remove("/F/.."),
    ],
)
def test_what_is_not_there_cannot_be_changed(change: Callable[[FatEditor], None]) -> None:
    editor = make()
    editor.write("/FILE", b"x")
    editor.make_folder("/F")
    with pytest.raises(NotFoundError):
        change(editor)


def test_wrong_kinds_and_sizes_are_refused() -> None:
    editor = make(root_entries=16)
    editor.make_folder("/F")
    with pytest.raises(UsageError, match="exists already"):
        editor.make_folder("/f")
    for change in (lambda: editor.append("/F", b""), lambda: editor.truncate("/F", 1)):
        with pytest.raises(UsageError, match="is a directory"):
            change()
    editor.write("/A", b"")
    with pytest.raises(UsageError, match="size -1"):
        editor.truncate("/A", -1)
    with pytest.raises(FitError, match="holds at most 4294967295"):
        editor.truncate("/A", 1 << 33)
    with pytest.raises(FitError, match="root directory is full: 16 entries"):
        for index in range(20):
            editor.write(f"/N{index}", b"")


NAMES = st.one_of(
    st.from_regex(r"[A-Z0-9]{1,8}(\.[A-Z]{1,3})?", fullmatch=True),
    st.from_regex(r"[a-zA-Z0-9 _~+]{1,30}[a-z0-9](\.[a-z]{1,5})?", fullmatch=True).filter(lambda name: name[0] != " "),
)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_sequences_of_changes(data: st.DataObject, tmp_path: Path, judge: Judge) -> None:
    bits, sectors, cluster = data.draw(st.sampled_from(GEOMETRIES))
    editor = make(bits, sectors, cluster)
    names = data.draw(st.lists(NAMES, min_size=3, max_size=10, unique_by=str.casefold))
    folders, files = [""], {}
    for _ in range(data.draw(st.integers(1, 3))):
        for _ in range(data.draw(st.integers(1, 12))):
            step(data, editor, names, folders, files)
        volume = settle(editor, tmp_path / "v.img", judge, files)
        assert {f.path for f in volume.walk() if f.item.is_directory} == set(folders) - {""}
        editor = FatEditor(volume, FAT_EPOCH)


def step(data: st.DataObject, editor: FatEditor, names: list[str], folders: list[str], files: dict[str, bytes]) -> None:
    """One change, made to the volume and to the model of it. What the volume refuses changes neither."""
    kind = data.draw(st.sampled_from(["write", "write", "append", "truncate", "move", "remove", "mkdir", "rmdir"]))
    fresh = data.draw(st.sampled_from(folders)) + "/" + data.draw(st.sampled_from(names))
    taken = {path.casefold() for path in (*files, *folders)}
    old = data.draw(st.sampled_from(sorted(files))) if files else None
    if kind == "write":
        content = os.urandom(1) * data.draw(st.integers(0, 9000))
        try:
            editor.write(fresh, content)
        except BfimgError:
            assert fresh.casefold() in {folder.casefold() for folder in folders}
        else:
            known = next((path for path in files if path.casefold() == fresh.casefold()), fresh)
            files[known] = content
    elif kind == "mkdir" and fresh.casefold() not in taken and len(folders) < 5:
        editor.make_folder(fresh)
        folders.append(fresh)
    elif kind == "rmdir" and len(folders) > 1:
        gone = data.draw(st.sampled_from(folders[1:]))
        editor.remove(gone, recursive=True)
        for path in [p for p in (*folders, *files) if p == gone or p.startswith(gone + "/")]:
            files.pop(path, None)
            if path in folders:
                folders.remove(path)
    elif old is not None and kind == "append":
        more = os.urandom(1) * data.draw(st.integers(0, 5000))
        editor.append(old, more)
        files[old] += more
    elif old is not None and kind == "truncate":
        size = data.draw(st.integers(0, 9000))
        editor.truncate(old, size)
        files[old] = files[old][:size].ljust(size, b"\0")
    elif old is not None and kind == "remove":
        editor.remove(old)
        del files[old]
    elif old is not None and kind == "move" and fresh.casefold() not in taken:
        editor.move(old, fresh)
        files[fresh] = files.pop(old)


def test_the_high_half_of_the_first_cluster_counts_on_fat32_only(tmp_path: Path) -> None:
    editor = make()
    editor.write("/FILE", b"x" * 700)
    editor.flush()
    place = editor.volume.geometry.root_offset + 32 + 20
    editor.volume.store.write(place, b"\xff\xff")
    volume = FatVolume(editor.volume.store)
    assert volume.read(volume.find("/FILE").item) == b"x" * 700
