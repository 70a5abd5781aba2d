"""What could lose data quietly is refused, or kept apart."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bfimg as library
from bfimg.errors import BusyError, FormatError, InputError, UsageError
from bfimg.fat.names import fold
from bfimg.formats.journal import JournalHeader, JournalTrailer
from bfimg.image.journal import journal_path
from bfimg.image.store import Store
from bfimg.image.transfer import add

Run = Callable[..., Any]


def leave_journal(image: Path, inode: int) -> None:
    """A complete journal without extents, as if a writer had been killed at its first write."""
    header = JournalHeader(image_size=image.stat().st_size, inode=inode).sealed()
    journal_path(image).write_bytes(header.to_bytes() + JournalTrailer().to_bytes())


def test_a_new_image_takes_no_journal_of_the_old_one(disk: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.img"
    target.write_bytes(bytes(5000))
    leave_journal(target, target.stat().st_ino)
    with library.open(disk) as image:
        image.commit(target)
    assert not journal_path(target).exists()
    assert target.read_bytes() == disk.read_bytes()


def test_a_journal_of_another_file_is_not_rolled_back(disk: Path) -> None:
    leave_journal(disk, disk.stat().st_ino + 1)
    before = disk.read_bytes()
    with pytest.raises(FormatError, match="journal is for another file"):
        Store.open(disk)
    assert disk.read_bytes() == before


def test_an_image_that_is_being_changed_is_not_replaced(disk: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.img"
    target.write_bytes(bytes(5000))
    with library.open(target, write=True), library.open(disk) as image, pytest.raises(BusyError):
        image.commit(target)


def test_an_image_with_several_links_is_not_changed_in_place(disk: Path, tmp_path: Path) -> None:
    os.link(disk, tmp_path / "link.img")
    with (
        pytest.raises(UsageError, match="has several hard links; write a new file with -o"),
        library.open(disk, write=True) as image,
    ):
        image["part1:/A"] = b"a"


def test_names_that_only_casefold_takes_for_one_stay_two(disk: Path) -> None:
    with library.open(disk, write=True) as image:
        image["/straße.txt"] = b"one"
        image["/STRASSE.TXT"] = b"two"
        image["/\u017f.txt"] = b"long s"
        image["/S.TXT"] = b"s"
    with library.open(disk) as image:
        assert (image["/STRAßE.TXT"], image["/strasse.txt"]) == (b"one", b"two")
        assert (image["/\u017f.txt"], image["/s.txt"]) == (b"long s", b"s")
    assert fold("Ärger ñ") == "ÄRGER Ñ"


@pytest.mark.parametrize("backup", [1, 40, 2100, 65535])
def test_a_backup_boot_sector_never_lands_on_other_data(tmp_path: Path, backup: int) -> None:
    path = tmp_path / "v.img"
    path.write_bytes(bytes(80000 * 512))
    subprocess.run(["mkfs.fat", "-F", "32", path], check=True, capture_output=True)
    before = path.read_bytes()
    try:
        with library.open(path, write=True) as image:
            image.field["fat.bpb.backup_boot_sector"] = backup
    except FormatError:
        assert path.read_bytes() == before
    after = path.read_bytes()
    assert after[512:] == before[512:]


def test_a_geometry_that_loses_the_files_needs_raw(disk: Path, bfimg: Run) -> None:
    before = disk.read_bytes()
    result = bfimg("set", disk, "fat.bpb.sectors_per_cluster=8")
    assert result.code == 2
    assert "the change would damage the volume" in result.err and "--raw" in result.err
    assert disk.read_bytes() == before
    assert bfimg("set", "--raw", disk, "fat.bpb.sectors_per_cluster=8").code == 0


def test_sources_of_one_name_are_refused(disk: Path, tmp_path: Path) -> None:
    for name in ("h1/x.txt", "h2/X.TXT"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    with library.open(disk, draft=True) as image:
        image.make_folder("/A")
        image.make_folder("/B")
        image["/A/x.txt"] = b"one"
        image["/B/X.TXT"] = b"two"
        with pytest.raises(UsageError, match="would be written twice"):
            image.move_all(["/A/x.txt", "/B/X.TXT"], "part1:/")
        with pytest.raises(UsageError, match="would be written twice"):
            add(image, [tmp_path / "h1" / "x.txt", tmp_path / "h2" / "X.TXT"], "part1:/A")
        assert (image["/A/x.txt"], image["/B/X.TXT"]) == (b"one", b"two")


def test_only_files_and_folders_are_added(disk: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with library.open(disk) as image:
        for source in (tmp_path / "fifo", Path("/dev/null")):
            with pytest.raises(InputError, match="is no regular file"):
                add(image, [source], "part1:/X")


def test_a_patch_is_not_written_over_its_image(disk: Path, tmp_path: Path, bfimg: Run) -> None:
    other = tmp_path / "other.img"
    bfimg("set", disk, "fat.bpb.volume_id=7", "-o", other)
    for target in (disk, other):
        before = target.read_bytes()
        result = bfimg("diff", disk, other, "-o", target)
        assert result.code == 2
        assert "is one of the images" in result.err
        assert target.read_bytes() == before


def test_patches_that_hold_nothing_or_the_wrong_offsets(disk: Path, tmp_path: Path, bfimg: Run) -> None:
    before = disk.read_bytes()
    empty, dump = tmp_path / "empty", tmp_path / "dump"
    empty.write_bytes(b"")
    dump.write_text(bfimg("inspect", disk, "--hex", "part1:/BAREFLOW.CFG").out)
    for patch in (empty, dump):
        assert bfimg("patch", disk, patch).code == 2
    assert disk.read_bytes() == before


def test_a_patched_image_goes_to_standard_output_alone(disk: Path, tmp_path: Path, bfimg: Run) -> None:
    other, patch = tmp_path / "other.img", tmp_path / "change.bfpatch"
    bfimg("set", disk, "fat.bpb.volume_id=7", "-o", other)
    bfimg("diff", disk, other, "-o", patch)
    command = [sys.executable, "-m", "bfimg", "patch", disk, patch, "-o", "-"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert result.stdout == other.read_bytes()
    assert not (tmp_path / "-").exists()
