"""Modules arrive on the volume, all or none."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from bfimg.errors import BfimgError, FitError, NotFoundError, UsageError
from bfimg.image.image import open_image
from bfimg.image.inspect import inspect
from bfimg.module.add import AddedModule
from bfimg.module.add import add_modules as add_to_image
from bfimg.module.prepare import ModuleRequest
from bfimg.module.wrap import native_module


def add_modules(
    image: Path, sources: list[Path], request: ModuleRequest | None = None, *, output: Path | None = None
) -> list[AddedModule]:
    """One transaction, as the command line makes it."""
    with open_image(image, write=output is None, draft=output is not None) as opened:
        added = add_to_image(opened, sources, request)
        if output is not None:
            opened.commit(output)
    return added


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(image: Path) -> dict[str, int]:
    return {f.path: f.item.size for f in inspect(image).volumes[0].files}


def test_mtools_reads_back_what_was_added(disk: Path, repository: Path) -> None:
    (added,) = add_modules(disk, [repository / "samples" / "sha256.bc"])
    assert (added.where, added.replaced) == ("part1:/SHA256.BC", False)
    read = subprocess.run(["mtype", "-i", f"{disk}@@1M", "::SHA256.BC"], capture_output=True, check=True).stdout
    assert read == added.module.data
    assert add_modules(disk, [repository / "samples" / "sha256.bc"])[0].replaced


def test_long_names_get_a_short_one_too(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "m.mod").write_bytes(native_module("a_rather_long_name", b"\xc3"))
    (added,) = add_modules(disk, [tmp_path / "m.mod"])
    assert (added.where, added.short_name) == ("part1:/a_rather_long_name.mod", "A_RATH~1.MOD")


def test_output_leaves_the_image_alone(disk: Path, repository: Path, tmp_path: Path) -> None:
    before = digest(disk)
    other = tmp_path / "other.img"
    add_modules(disk, [repository / "samples" / "sha256.bc"], output=other)
    assert digest(disk) == before
    assert "/SHA256.BC" in files(other) and "/SHA256.BC" not in files(disk)


def test_one_bad_module_keeps_all_out(disk: Path, repository: Path, tmp_path: Path) -> None:
    before = digest(disk)
    bad = tmp_path / "bad.bc"
    bad.write_bytes(b"BC\xc0\xde garbage")
    with pytest.raises(BfimgError):
        add_modules(disk, [repository / "samples" / "sha256.bc", bad])
    with pytest.raises(UsageError, match=r"two modules would be called SHA256\.BC"):
        add_modules(disk, [repository / "samples" / "sha256.bc"] * 2)
    assert digest(disk) == before


def test_a_full_volume_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    image, module = tmp_path / "v.img", tmp_path / "m.mod"
    image.write_bytes(bytes(360 * 1024))
    subprocess.run(["mkfs.fat", image], check=True, capture_output=True)
    module.write_bytes(native_module("large", b"\xc3" * 400_000))
    before = digest(image)
    with pytest.raises(FitError, match="volume is full"):
        add_modules(image, [module])
    assert digest(image) == before


def test_an_image_without_a_volume_is_refused(tmp_path: Path, repository: Path) -> None:
    image = tmp_path / "x.img"
    image.write_bytes(bytes(10_000))
    with pytest.raises(NotFoundError, match="no FAT volume"):
        add_modules(image, [repository / "samples" / "sha256.bc"], ModuleRequest())
