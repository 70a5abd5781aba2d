"""`bfimg.open`: files by WHERE, one transaction a block."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import bfimg
from bfimg.errors import BusyError, FitError, FormatError, NotFoundError, UsageError
from bfimg.fat.volume import FatVolume
from bfimg.formats.disk_layout import disk_region
from bfimg.image.image import Image
from bfimg.image.journal import Extent
from bfimg.image.store import Store


@pytest.fixture
def filled(disk: Path) -> Path:
    """The default image with folders and files to match patterns on."""
    with bfimg.open(disk, write=True) as image:
        image.make_folder("part1:/DOCS/OLD/deep one", parents=True)
        for name in ("A.TXT", "B.TXT", "NOTES.md"):
            image[f"part1:/DOCS/{name}"] = name.encode()
        image["part1:/DOCS/OLD/C.TXT"] = b"c"
        image["part1:/DOCS/OLD/deep one/D.TXT"] = b"d"
    return disk


def fsck(disk: Path, folder: Path) -> None:
    volume = folder / "part1.img"
    with disk.open("rb") as stream:
        stream.seek(disk_region("part1").first_lba * 512)
        volume.write_bytes(stream.read())
    subprocess.run(["fsck.fat", "-n", volume], check=True, capture_output=True)


def names(image: Image, where: str) -> list[str]:
    return [file.where for file in image.find(where)]


def test_what_a_block_did_is_there_after_it(filled: Path, tmp_path: Path) -> None:
    fsck(filled, tmp_path)
    with bfimg.open(filled) as image:
        assert image["fat:/docs/a.txt"] == image["/DOCS/A.TXT"] == b"A.TXT"
        assert "part1:/DOCS/OLD" in image and "part1:/DOCS/NEW" not in image
        assert image["mbr.signature"] == b"\x55\xaa"
        assert len(image["stage2"]) == 4096
    listed = subprocess.run(
        ["mdir", "-/", "-b", "-i", f"{filled}@@1M", "::/DOCS"], capture_output=True, text=True, check=True
    )
    assert "::/DOCS/OLD/deep one/D.TXT" in listed.stdout.splitlines()


def test_an_error_in_the_block_changes_nothing(filled: Path) -> None:
    before = filled.read_bytes()
    with pytest.raises(RuntimeError), bfimg.open(filled, write=True) as image:
        del image["part1:/DOCS/A.TXT"]
        image.field["stage2.kernel_sectors"] = 40
        raise RuntimeError
    with pytest.raises(FitError), bfimg.open(filled, write=True) as image:
        image["part1:/A"] = b"a"
        image["part1:/TOO BIG"] = bytes(40 << 20)
    assert filled.read_bytes() == before


def test_changes_without_write_go_nowhere_but_to_a_new_file(filled: Path, tmp_path: Path) -> None:
    before = filled.read_bytes()
    with bfimg.open(filled, draft=True) as image:
        image["part1:/NEW"] = b"new"
        assert image["part1:/NEW"] == b"new"
        image.commit(tmp_path / "other.img")
    assert filled.read_bytes() == before
    with bfimg.open(tmp_path / "other.img") as image:
        assert image["part1:/NEW"] == b"new"


def test_pending_changes_can_be_shown(filled: Path) -> None:
    with bfimg.open(filled, draft=True) as image:
        assert image.pending_diff().same
        image["part1:/NEW"] = b"new"
        assert not image.pending_diff().same


def test_one_writer_at_a_time(disk: Path) -> None:
    with bfimg.open(disk, write=True), pytest.raises(BusyError):
        bfimg.open(disk, write=True)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("part1:/DOCS/*.TXT", ["/DOCS/A.TXT", "/DOCS/B.TXT"]),
        ("/docs/[ab].txt", ["/DOCS/A.TXT", "/DOCS/B.TXT"]),
        ("part1:/DOCS/?.md", []),
        ("part1:/D*/OLD/*", ["/DOCS/OLD/deep one", "/DOCS/OLD/C.TXT"]),
        (
            "part1:/DOCS/**/*.TXT",
            ["/DOCS/A.TXT", "/DOCS/B.TXT", "/DOCS/OLD/C.TXT", "/DOCS/OLD/deep one/D.TXT"],
        ),
        ("part1:/**/D.TXT", ["/DOCS/OLD/deep one/D.TXT"]),
        ("part1:/DOCS/OLD/DEEPON~?", ["/DOCS/OLD/deep one"]),
        ("part1:/DOCS/notes.MD", ["/DOCS/NOTES.md"]),
    ],
)
def test_patterns(filled: Path, pattern: str, found: list[str]) -> None:
    with bfimg.open(filled) as image:
        if not found:
            with pytest.raises(NotFoundError, match="nothing matches"):
                image.find(pattern)
        else:
            assert names(image, pattern) == [f"part1:{path}" for path in found]


def test_a_name_with_brackets_is_found_as_it_stands(disk: Path) -> None:
    with bfimg.open(disk, write=True) as image:
        image["part1:/a[1].txt"] = b"brackets"
        assert names(image, "part1:/a[1].txt") == ["part1:/a[1].txt"]


def test_bytes_of_a_place(disk: Path) -> None:
    with bfimg.open(disk) as image:
        assert image.extent("mbr.signature") == Extent(510, 2)
        assert image.extent("stage2") == Extent(512, 4096)
        assert image.extent("mbr.partitions[0]") == Extent(446, 16)
        assert image.extent("fat:/BAREFLOW.CFG") == Extent(0, len(image["fat:/BAREFLOW.CFG"]))


def test_moving_and_removing(filled: Path, tmp_path: Path) -> None:
    with bfimg.open(filled, write=True) as image:
        image.move_all(image.expand(["part1:/DOCS/*.TXT"]), "part1:/DOCS/OLD")
        image.move_all(["part1:/DOCS/OLD/C.TXT"], "part1:/DOCS/renamed file")
        image.remove("part1:/DOCS/OLD/deep one", recursive=True)
        with pytest.raises(UsageError, match="is no folder"):
            image.move_all(["part1:/A", "part1:/B"], "part1:/DOCS/NOTES.md")
    fsck(filled, tmp_path)
    with bfimg.open(filled) as image:
        assert sorted(f.file.path for f in image.walk("part1:/DOCS")) == [
            "/DOCS/NOTES.md",
            "/DOCS/OLD",
            "/DOCS/OLD/A.TXT",
            "/DOCS/OLD/B.TXT",
            "/DOCS/renamed file",
        ]


def test_places_that_are_none(disk: Path) -> None:
    with bfimg.open(disk) as image:
        for where in ("part9:/X", "mbr:/X", "part1:/NONE"):
            with pytest.raises(NotFoundError):
                image.find(where)
        for where in ("stage2", "part1:X"):
            with pytest.raises(UsageError):
                image.find(where)
        with pytest.raises(UsageError, match="is a directory"):
            image["part1:/"]


def test_a_change_that_would_damage_the_volume_is_not_written(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = disk.read_bytes()
    with pytest.raises(FormatError, match="the change would damage the volume"), bfimg.open(disk, write=True) as image:
        editor = image.editor("part1")
        editor.write("/A", b"a" * 5000)
        chain = editor.volume.table.chain(editor.volume.find("/A").item.first_cluster)
        editor.volume.table.link([*chain, editor.volume.find("/BAREFLOW.CFG").item.first_cluster])
    assert disk.read_bytes() == before


def test_a_second_reader_that_disagrees_stops_the_commit(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = disk.read_bytes()
    monkeypatch.setattr(FatVolume, "walk", lambda self, folder="/": iter(()))
    with pytest.raises(FormatError, match="pyfatfs reads"), bfimg.open(disk, write=True) as image:
        image["part1:/A"] = b"a"
    assert disk.read_bytes() == before


def test_damage_from_before_does_not_stop_other_changes(disk: Path) -> None:
    with Store.open(disk, write=True) as store:
        volume = FatVolume(store, disk_region("part1").first_lba * 512)
        item = volume.find("/SUM.MOD").item
        place = volume.offset + volume.geometry.fat_offset() + item.first_cluster * 2
        for copy in range(2):
            store.write(place + copy * volume.geometry.fat_bytes, item.first_cluster.to_bytes(2, "little"))
        store.commit()
    with bfimg.open(disk, write=True) as image:
        image["part1:/NEW"] = b"new"
    with bfimg.open(disk) as image:
        assert image["part1:/NEW"] == b"new"


def test_a_partition_inside_a_larger_file(disk: Path) -> None:
    with bfimg.open(disk, write=True, offset=1 << 20) as image:
        assert [region.name for region in image.regions] == ["fat"]
        image["/INSIDE.TXT"] = b"inside"
    with bfimg.open(disk) as image:
        assert image["part1:/INSIDE.TXT"] == b"inside"
