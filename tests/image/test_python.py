"""The Python interface: nothing is lost in silence, and all of it can be found."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import bfimg
from bfimg.errors import BfimgError, UsageError
from bfimg.image.image import Image

CHANGES: list[Callable[[Image], object]] = [
    lambda image: image.write("fat:/A.TXT", b"1"),
    lambda image: image.__setitem__("fat:/A.TXT", b"1"),
    lambda image: image.remove("fat:/BAREFLOW.CFG"),
    lambda image: image.move("fat:/BAREFLOW.CFG", "fat:/B.CFG"),
    lambda image: image.make_folder("fat:/D"),
    lambda image: image.make_folder("fat:/D/E", parents=True),
    lambda image: image.field.__setitem__("fat.bpb.volume_id", 5),
    lambda image: image.field.assign({"fat.bpb.volume_id": 5}, raw=True),
    lambda image: image.commit(),
]


@pytest.mark.parametrize("change", CHANGES)
def test_an_image_open_for_reading_refuses_changes(disk: Path, change: Callable[[Image], object]) -> None:
    before = disk.read_bytes()
    with bfimg.open(disk) as image:
        with pytest.raises(UsageError, match="write=True"):
            change(image)
        assert image.pending_diff().same
    assert disk.read_bytes() == before


def test_commit_and_close_without_a_block(disk: Path) -> None:
    image = bfimg.open(disk, write=True)
    image["fat:/B.TXT"] = b"1"
    image.commit()
    image.close()
    image.close()
    with pytest.raises(UsageError, match="is closed"):
        image["fat:/B.TXT"]
    with pytest.raises(UsageError, match="is closed"):
        image["fat:/C.TXT"] = b"1"
    with bfimg.open(disk) as image:
        assert image["fat:/B.TXT"] == b"1"


def test_close_says_that_changes_are_lost(disk: Path) -> None:
    before = disk.read_bytes()
    image = bfimg.open(disk, write=True)
    image["fat:/B.TXT"] = b"1"
    with pytest.raises(UsageError, match="closed without its pending changes"):
        image.close()
    image = bfimg.open(disk, write=True)  # the lock was given up all the same
    image["fat:/B.TXT"] = b"1"
    image.discard()
    assert "fat:/B.TXT" not in image
    image.close()
    assert disk.read_bytes() == before


def test_an_image_that_is_forgotten_is_warned_of(disk: Path) -> None:
    image = bfimg.open(disk, write=True)
    image["fat:/B.TXT"] = b"1"
    with pytest.warns(ResourceWarning, match="neither committed nor closed"):
        image.__del__()
    image.__del__()


def test_iterating_gives_files(disk: Path) -> None:
    with bfimg.open(disk) as image:
        assert "part1:/BAREFLOW.CFG" in [file.where for file in image]
        assert "/BAREFLOW.CFG" in [file.path for file in image.volume("fat")]


def test_the_whole_interface_is_listed_and_documented() -> None:
    code = "import bfimg, sys; print(*dir(bfimg)); print('bfimg.image.image' in sys.modules)"
    listed, loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert loaded == "False"
    assert listed.split() == sorted([*bfimg.__all__, "__version__"])
    for name in bfimg.__all__:
        assert getattr(bfimg, name).__doc__, name
    assert bfimg.BfimgError is BfimgError
    with pytest.raises(AttributeError, match="nothing_such"):
        bfimg.nothing_such  # noqa: B018 - raises
