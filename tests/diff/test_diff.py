"""What differs between two images is told by region, field and file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import bfimg
from bfimg.clock import FAT_EPOCH
from bfimg.diff import DiffReport, FileChange, diff, pending_diff
from bfimg.fat.editor import FatEditor
from bfimg.fat.mkfs import FatOptions, format_volume
from bfimg.fat.volume import FatVolume
from bfimg.formats.fat_directory import FatAttribute
from bfimg.formats.mbr import BOOT_SIGNATURE, Mbr, PartitionEntry
from bfimg.image.store import Store
from bfimg.module.wrap import native_module

SECTORS = {12: 2880, 16: 16_384, 32: 70_000}
Edit = Callable[[FatEditor], None]


def volume(path: Path, bits: int = 16, sectors: int = 0) -> Path:
    """A superfloppy with a few files."""
    size = sectors or SECTORS[bits]
    store = Store.blank(size * 512)
    format_volume(store, 0, FatOptions(size, bits=bits, sectors_per_cluster=1, volume_id=7), FAT_EPOCH)
    editor = FatEditor(FatVolume(store), FAT_EPOCH)
    editor.make_folders("/SUB/DEEP")
    for number in range(12):
        editor.write(f"/SUB/FILE{number}.DAT", bytes([number + 1]) * (900 + number))
    editor.write("/SUB/DEEP/LOW.TXT", b"deep down")
    editor.write("/EMPTY", b"")
    editor.flush()
    store.commit(path)
    return path


def changed(path: Path, edit: Edit, later: bool = False) -> Path:
    """A copy of an image with its volume edited."""
    copy = path.with_name("new.img")
    shutil.copy(path, copy)
    with Store.open(copy, write=True) as store:
        editor = FatEditor(FatVolume(store), FAT_EPOCH + timedelta(days=1) if later else FAT_EPOCH)
        edit(editor)
        editor.flush()
        pending = pending_diff(store)
        store.commit()
    report = compare(path, copy)
    parts = ("regions", "fields", "files", "contents", "notes")
    assert all(getattr(pending, part) == getattr(report, part) for part in parts)
    return copy


def compare(old: Path, new: Path) -> DiffReport:
    with Store.open(old) as before, Store.open(new) as after:
        return diff(before, after)


def one_file(old: Path, edit: Edit, later: bool = False) -> FileChange:
    report = compare(old, changed(old, edit, later))
    (file,) = report.files
    assert not report.same and not report.regions and not report.notes
    return file


@pytest.fixture(params=[12, 16, 32])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return volume(tmp_path / "old.img", request.param)


def test_an_image_is_the_same_as_itself(image: Path) -> None:
    report = compare(image, image)
    assert report.same
    assert (report.regions, report.fields, report.files, report.notes) == ((), (), (), ())
    assert report.contents.run_count == 0
    with Store.open(image) as store:
        assert pending_diff(store).same


def test_an_added_file(image: Path) -> None:
    file = one_file(image, lambda e: e.write("/SUB/NEW.DAT", b"n" * 700) and None)
    assert (file.kind, file.where, file.new_size, file.old_size) == ("added", "fat:/SUB/NEW.DAT", 700, None)


def test_a_removed_file(image: Path) -> None:
    file = one_file(image, lambda e: e.remove("/SUB/FILE3.DAT"))
    assert (file.kind, file.where, file.old_size, file.new_size) == ("removed", "fat:/SUB/FILE3.DAT", 903, None)


def test_an_added_folder_is_a_directory(image: Path) -> None:
    file = one_file(image, lambda e: e.make_folder("/MORE"))
    assert (file.kind, file.where, file.is_directory) == ("added", "fat:/MORE", True)


@pytest.mark.parametrize(("source", "target"), [("/SUB/FILE2.DAT", "/SUB/DEEP/x.dat"), ("/SUB/FILE2.DAT", "/A.DAT")])
def test_a_moved_file(image: Path, source: str, target: str) -> None:
    file = one_file(image, lambda e: e.move(source, target))
    assert (file.kind, file.old_where, file.where) == ("moved", f"fat:{source}", f"fat:{target}")
    assert (file.old_size, file.differing) == (902, 0)


def test_a_copy_that_replaces_its_source_has_moved(image: Path) -> None:
    def edit(editor: FatEditor) -> None:
        data = editor.volume.read(editor.volume.find("/SUB/FILE2.DAT").item)
        editor.write("/COPY.DAT", data)
        editor.remove("/SUB/FILE2.DAT")

    file = one_file(image, edit)
    assert (file.kind, file.where) == ("moved", "fat:/COPY.DAT")
    assert "first_cluster" in [field.path for field in file.entry]


def test_files_of_one_size_but_other_contents_have_not_moved(image: Path) -> None:
    def edit(editor: FatEditor) -> None:
        editor.remove("/SUB/FILE2.DAT")
        editor.remove("/SUB/FILE3.DAT")
        editor.write("/A.DAT", b"z" * 902)
        editor.write("/SUB/DEEP/FILE3.DAT", b"\x04" * 903)

    report = compare(image, changed(image, edit))
    assert [(file.kind, file.where) for file in report.files] == [
        ("added", "fat:/A.DAT"),
        ("moved", "fat:/SUB/DEEP/FILE3.DAT"),
        ("removed", "fat:/SUB/FILE2.DAT"),
    ]


def test_among_equal_files_those_of_one_name_are_paired(image: Path) -> None:
    def first(editor: FatEditor) -> None:
        editor.write("/ONE.DAT", b"same" * 100)
        editor.write("/TWO.DAT", b"same" * 100)

    twins = changed(image, first)
    twins.rename(image)

    def second(editor: FatEditor) -> None:
        editor.make_folder("/TO")
        editor.move("/TWO.DAT", "/TO/TWO.DAT")
        editor.move("/ONE.DAT", "/TO/ONE.DAT")

    report = compare(image, changed(image, second))
    assert [(f.old_where, f.where) for f in report.files if f.kind == "moved"] == [
        ("fat:/ONE.DAT", "fat:/TO/ONE.DAT"),
        ("fat:/TWO.DAT", "fat:/TO/TWO.DAT"),
    ]


def test_changed_contents_are_counted(image: Path) -> None:
    data = bytearray(b"\x05" * 904)
    data[600:603] = b"abc"
    file = one_file(image, lambda e: e.write("/SUB/FILE4.DAT", bytes(data)) and None, later=True)
    assert (file.kind, file.differing, file.first_difference) == ("changed", 3, 600)
    assert "modified" in [field.path for field in file.entry]
    (modified,) = [field for field in file.entry if field.path == "modified"]
    assert (modified.old, modified.new) == ("1980-01-01T00:00:00+00:00", "1980-01-02T00:00:00+00:00")


def test_a_byte_changed_behind_the_file_system_is_found_in_its_file(image: Path) -> None:
    with Store.open(image) as store:
        found = FatVolume(store)
        place = found.geometry.cluster_offset(found.find("/SUB/FILE7.DAT").item.first_cluster) + 513
    copy = image.with_name("poked.img")
    data = bytearray(image.read_bytes())
    data[place] ^= 1
    copy.write_bytes(data)
    report = compare(image, copy)
    (file,) = report.files
    assert (file.where, file.differing, file.first_difference, file.entry) == ("fat:/SUB/FILE7.DAT", 1, 513, ())
    (run,) = report.contents.runs
    assert (run.region, run.offset, run.size, run.differing) == ("fat", place, 1, 1)


def test_a_longer_file(image: Path) -> None:
    file = one_file(image, lambda e: e.append("/SUB/FILE4.DAT", b"tail" * 300) and None)
    assert (file.kind, file.old_size, file.new_size, file.differing) == ("changed", 904, 2104, 0)


def test_attributes_alone(image: Path) -> None:
    file = one_file(image, lambda e: e.set_attributes("/SUB/FILE4.DAT", add=int(FatAttribute.READ_ONLY)))
    (field,) = file.entry
    assert (field.path, field.old, field.new) == ("attributes", 0x20, 0x21)
    assert (file.differing, file.first_difference) == (0, None)


def test_the_label(image: Path) -> None:
    report = compare(image, changed(image, lambda e: e.set_label("HELLO")))
    assert {(f.path, f.old, f.new) for f in report.fields} >= {("fat.label", "", "HELLO")}
    assert report.files == ()


def test_a_file_put_elsewhere_is_told_by_its_first_cluster(image: Path) -> None:
    def edit(editor: FatEditor) -> None:
        data = editor.volume.read(editor.volume.find("/SUB/FILE2.DAT").item)
        editor.write("/GAP", b"g")
        editor.remove("/SUB/FILE2.DAT")
        editor.write("/GAP2", b"g" * 4000)
        editor.write("/SUB/FILE2.DAT", data)
        editor.remove("/GAP")
        editor.remove("/GAP2")

    file = one_file(image, edit)
    assert (file.kind, file.differing, [field.path for field in file.entry]) == ("changed", 0, ["first_cluster"])


def test_a_volume_made_larger(tmp_path: Path) -> None:
    small, large = volume(tmp_path / "small.img", 16), volume(tmp_path / "large.img", 16, 30_000)
    report = compare(small, large)
    assert (report.old_size, report.new_size) == (16_384 * 512, 30_000 * 512)
    assert [(r.name, r.kind) for r in report.regions] == [("fat", "resized")]
    assert {f.path for f in report.fields} == {"fat.bpb.total_sectors_16", "fat.bpb.sectors_per_fat_16"}
    assert report.files == ()
    assert not report.same


def test_only_the_size_differs(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"data")
    new.write_bytes(b"data and more")
    report = compare(old, new)
    assert not report.same
    assert (report.contents.run_count, [r.kind for r in report.regions]) == (0, ["resized"])


class TestPartitions:
    @staticmethod
    def disk(path: Path, *entries: tuple[int, int, int], signature: int = 1) -> Path:
        """A disk of 4 MiB: (type, first sector, sectors) of each partition."""
        table = [PartitionEntry(type=t, lba_start=start, sectors=count) for t, start, count in entries]
        table += [PartitionEntry()] * (4 - len(table))
        mbr = Mbr(disk_signature=signature, partitions=tuple(table), signature=int(BOOT_SIGNATURE))
        path.write_bytes(mbr.to_bytes().ljust(4 << 20, b"\0"))
        return path

    def test_each_kind_of_change(self, tmp_path: Path) -> None:
        old = self.disk(tmp_path / "old", (0x83, 8, 100), (0x83, 200, 100), (0x83, 400, 100), (0x83, 600, 100))
        new = self.disk(tmp_path / "new", (0x83, 9, 100), (0x83, 200, 50), (0x82, 400, 100))
        report = compare(old, new)
        assert [(r.name, r.kind) for r in report.regions] == [
            ("part1", "moved"),
            ("part2", "resized"),
            ("part3", "changed"),
            ("part4", "removed"),
        ]
        back = compare(new, old)
        assert ("part4", "added") in [(r.name, r.kind) for r in back.regions]
        (kind,) = [f for f in report.fields if f.path == "mbr.partitions[2].type"]
        assert (kind.old, kind.old_name, kind.new, kind.new_name) == (0x83, "linux", 0x82, "linux_swap")

    def test_runs_are_cut_at_regions_and_named(self, tmp_path: Path) -> None:
        old = self.disk(tmp_path / "old", (0x83, 8, 8))
        new = tmp_path / "new"
        data = bytearray(old.read_bytes())
        for start, end in ((500, 4100), (8 * 512 + 4000, 16 * 512 + 20)):
            data[start:end] = bytes(b ^ 0xFF for b in data[start:end])
        data[510:512] = b"\x55\xaa"
        new.write_bytes(data)
        assert [(r.region, r.offset, r.size) for r in compare(old, new).contents.runs] == [
            ("mbr", 500, 10),
            ("", 512, 4096 - 512),
            ("part1", 4096, 4),
            ("part1", 4096 + 4000, 96),
            ("", 8192, 20),
        ]

    def test_a_volume_that_is_gone(self, tmp_path: Path) -> None:
        old = self.disk(tmp_path / "old", (0x0E, 1000, 2880), signature=2)
        new = tmp_path / "new"
        floppy = volume(tmp_path / "floppy", 12)
        shutil.copy(old, new)
        with old.open("r+b") as stream:
            stream.seek(1000 * 512)
            stream.write(floppy.read_bytes())
        report = compare(old, new)
        assert {f.kind for f in report.files} == {"removed"} and len(report.files) == 16
        assert {f.where for f in report.files} >= {"part1:/EMPTY", "part1:/SUB/DEEP"}
        assert {f.kind for f in compare(new, old).files} == {"added"}
        assert any(f.path == "part1.bpb.volume_id" and f.new is None for f in report.fields)


class TestDamage:
    def test_a_boot_sector_that_is_none(self, image: Path) -> None:
        copy = image.with_name("new.img")
        data = bytearray(image.read_bytes())
        data[0:3] = b"\0\0\0"
        copy.write_bytes(data)
        report = compare(image, copy)
        assert not report.same
        assert {f.kind for f in report.files} == {"removed"}

    def test_a_directory_that_is_a_loop(self, tmp_path: Path) -> None:
        old = volume(tmp_path / "old.img", 16)
        with Store.open(old) as store:
            found = FatVolume(store)
            cluster = found.find("/SUB").item.first_cluster
            fat = found.geometry.fat_offset()
        data = bytearray(old.read_bytes())
        data[fat + 2 * cluster : fat + 2 * cluster + 2] = cluster.to_bytes(2, "little")
        new = tmp_path / "new.img"
        new.write_bytes(data)
        report = compare(old, new)
        assert report.files == ()
        assert report.notes == ("fat: could not be compared: cluster chain is a loop",)

    @pytest.mark.parametrize("moved", [False, True])
    def test_a_file_that_is_a_loop(self, tmp_path: Path, moved: bool) -> None:
        old = volume(tmp_path / "old.img", 16)

        def edit(editor: FatEditor) -> None:
            if moved:
                editor.move("/SUB/FILE5.DAT", "/SUB/MOVED.DAT")

        new = changed(old, edit) if moved else tmp_path / "new.img"
        data = bytearray((new if moved else old).read_bytes())
        with Store.open(old) as store:
            found = FatVolume(store)
            cluster = found.find("/SUB/FILE5.DAT").item.first_cluster
            fat = found.geometry.fat_offset()
        data[fat + 2 * cluster : fat + 2 * cluster + 2] = cluster.to_bytes(2, "little")
        new.write_bytes(data)
        report = compare(old, new)
        name = "MOVED" if moved else "FILE5"
        assert report.notes == (f"fat:/SUB/{name}.DAT: could not be compared: cluster chain is a loop",)
        assert [f.kind for f in report.files] == (["removed", "added"] if moved else [])

    def test_a_volume_cut_short(self, tmp_path: Path) -> None:
        old = volume(tmp_path / "old.img", 16)
        new = tmp_path / "new.img"
        new.write_bytes(old.read_bytes()[: 1 << 20])
        report = compare(old, new)
        (note,) = report.notes
        assert note.startswith("fat: files could not be compared: volume of 8388608 bytes")

    def test_a_structure_cut_short(self, disk: Path, tmp_path: Path) -> None:
        new = tmp_path / "new.img"
        new.write_bytes(disk.read_bytes()[: 9 * 512 + 20])
        notes = compare(disk, new).notes
        assert any(note.startswith("kernel: fields could not be compared: ") for note in notes)


class TestBareFlow:
    def test_fields_of_every_region(self, disk: Path, tmp_path: Path) -> None:
        new = tmp_path / "new.img"
        shutil.copy(disk, new)
        with bfimg.open(new, write=True) as image:
            image.field["stage2.flags"] = 0
            image.store.write(440, b"\1\2\3\4")
            image.store.write(512 + 8 + 24, b"\7\0\0\0")
        report = compare(disk, new)
        assert {f.path for f in report.fields} >= {"mbr.disk_signature", "stage2.flags"}
        (field,) = [f for f in report.fields if f.path == "mbr.disk_signature"]
        assert field.new == 0x04030201
        assert field.meaning == "Identifies the disk to operating systems"
        assert {run.region for run in report.contents.runs} == {"mbr", "stage2"}

    @staticmethod
    def edited(disk: Path, tmp_path: Path, name: str, edit: Callable[[bytearray], bytes]) -> DiffReport:
        new = tmp_path / "new.img"
        shutil.copy(disk, new)
        with bfimg.open(new, write=True) as image:
            image[name] = edit(bytearray(image[name]))
        return compare(disk, new)

    def test_header_and_payload_of_a_module(self, disk: Path, tmp_path: Path) -> None:
        def edit(data: bytearray) -> bytes:
            data[44:46] = b"\x09\0"  # version
            data[200] ^= 0xFF
            return bytes(data)

        (file,) = self.edited(disk, tmp_path, "part1:/SHA256.MOD", edit).files
        assert [(f.path, f.new) for f in file.header] == [("part1:/SHA256.MOD#version", 9)]
        assert (file.payload_differing, file.differing) == (1, 2)

    def test_table_of_a_native_module(self, disk: Path, tmp_path: Path) -> None:
        new = tmp_path / "new.img"
        shutil.copy(disk, new)
        with bfimg.open(new, write=True) as image:
            image.field["part1:/SUM.MOD#table.answer"] = 7
        (file,) = compare(disk, new).files
        changed = ["part1:/SUM.MOD#table.answer", "part1:/SUM.MOD#table.table_crc"]
        assert [field.path for field in file.header] == changed
        assert (file.header[0].new, file.payload_differing) == (7, 0)

    def test_a_module_without_a_table_in_place_of_one(self, disk: Path, tmp_path: Path) -> None:
        other = native_module("sha256", b"\xc3" * 200)
        (file,) = self.edited(disk, tmp_path, "part1:/SHA256.MOD", lambda data: other).files
        fields = {field.path.partition("#")[2]: (field.old, field.new) for field in file.header}
        assert fields["code_size"][1] == 200
        assert fields["table.function_count"] == (0, None)

    def test_what_is_no_module_any_more(self, disk: Path, tmp_path: Path) -> None:
        (file,) = self.edited(disk, tmp_path, "part1:/SHA256.MOD", lambda data: bytes(len(data))).files
        assert (file.header, file.payload_differing) == ((), None)
        assert file.differing > 100

    def test_a_file_that_is_no_module(self, disk: Path, tmp_path: Path) -> None:
        (file,) = self.edited(disk, tmp_path, "part1:/BAREFLOW.CFG", lambda data: bytes(data) + b"#\n").files
        assert (file.header, file.payload_differing) == ((), None)
