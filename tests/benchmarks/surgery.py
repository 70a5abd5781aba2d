"""Speeds of image surgery, as ratios to other programs in one run: 64 MiB FAT16, 1,000 files, 20 MB.

Needs mtools, dosfstools, sleuthkit; the build is compared with genimage where that is installed.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import bfimg
from bfimg.check.image import check_image
from bfimg.clock import FAT_EPOCH
from bfimg.fat.mkfs import FatOptions, format_volume
from bfimg.fat.volume import FatVolume
from bfimg.image.store import Store

sys.path.insert(0, str(Path(__file__).parent))
from table import Row, interleaved, milliseconds, peaks, print_table, program

BFIMG = str(Path(sys.executable).with_name("bfimg"))
FILES, FILE_BYTES, EDITS = 1000, 20_000, 200
REPETITIONS = 7
MOST_MEMORY_MIB = 64


def make_volume(image: Path, source: Path | None) -> None:
    with image.open("wb") as stream:
        stream.truncate(64 << 20)
    subprocess.run(["mkfs.fat", "-F", "16", "-r", "4096", image], check=True, capture_output=True)
    if source is not None:
        subprocess.run(["mcopy", "-s", "-i", image, *sorted(source.iterdir()), "::/"], check=True)


def listing(image: Path) -> tuple[Row, Row]:
    def ours() -> None:
        with Store.open(image) as store:
            assert len(list(FatVolume(store).walk())) == FILES

    def pyfatfs() -> None:
        from pyfatfs.PyFat import PyFat

        volume = PyFat()
        volume.open(str(image), read_only=True)
        assert len(volume.root_dir.get_entries()[1]) == FILES
        volume.close()

    mine, fls, theirs = interleaved([ours, program("fls", "-r", image), pyfatfs], REPETITIONS)
    return (
        Row("list 1,000 files", mine / fls, 2, "x", f"fls, {fls:.0f} ms; ours {mine:.1f} ms"),
        Row("  the inverse, to pyfatfs", mine / theirs, 1 / 20, "x", f"pyfatfs (low level), {theirs:.0f} ms"),
    )


def edits(image: Path, folder: Path) -> Row:
    source = folder / "edit"
    source.write_bytes(os.urandom(5000))
    ours, theirs = folder / "ours.img", folder / "theirs.img"
    for copy in (ours, theirs):
        shutil.copy(image, copy)

    def one_transaction() -> None:
        with bfimg.open(ours, write=True) as opened:
            for number in range(EDITS):
                opened[f"fat:/EDIT{number}.DAT"] = source.read_bytes()

    def mcopy_runs() -> None:
        for number in range(EDITS):
            subprocess.run(["mcopy", "-o", "-i", theirs, source, f"::/EDIT{number}.DAT"], check=True)

    mine, them = interleaved([one_transaction, mcopy_runs], 3)
    return Row("200 edits, one transaction", mine / them, 0.3, "x", f"200 mcopy, {them:.0f} ms; ours {mine:.0f} ms")


def adding(source: Path, folder: Path) -> Row:
    ours, theirs = folder / "ours.img", folder / "theirs.img"
    times: list[tuple[float, float]] = []
    for _ in range(REPETITIONS):
        make_volume(ours, None)
        make_volume(theirs, None)
        mine = milliseconds(program(BFIMG, "add", ours, source, "fat:/"))
        them = milliseconds(program("mcopy", "-s", "-i", theirs, source, "::/"))
        times.append((mine, them))
    mine, them = (statistics.median(column) for column in zip(*times, strict=True))
    return Row("add 1,000 files (CLI)", mine / them, 2, "x", f"mcopy -s, {them:.0f} ms; ours {mine:.0f} ms")


def diffs(image: Path, folder: Path) -> tuple[Row, Row]:
    changed = folder / "changed.img"
    shutil.copy(image, changed)
    with changed.open("r+b") as stream:
        stream.seek(40 << 20)
        byte = stream.read(1)[0]
        stream.seek(40 << 20)
        stream.write(bytes([byte ^ 1]))
    mine, cmp = interleaved([program(BFIMG, "diff", image, changed), program("cmp", image, changed)], REPETITIONS)
    first = Row("diff 64 MiB, one byte (CLI)", mine / cmp, 3, "x", f"cmp, {cmp:.0f} ms; ours {mine:.0f} ms")
    large = [folder / "large1.img", folder / "large2.img"]
    for path in large:
        with path.open("wb") as stream:
            stream.truncate(2 << 30)
            stream.seek(1 << 30)
            stream.write(b"same")
    mine, cmp = interleaved([program(BFIMG, "diff", *large), program("cmp", *large)], 3)
    return first, Row("diff 2 GiB, sparse (CLI)", mine / cmp, 0.15, "x", f"cmp, {cmp:.0f} ms; ours {mine:.0f} ms")


def checking(image: Path) -> Row:
    def check() -> None:
        with Store.open(image) as store:
            assert not check_image(store).findings

    (mine,) = interleaved([check], 15)
    (fsck,) = interleaved([program("fsck.fat", "-n", image)], 5)
    return Row("check", mine, 10, "ms", f"fsck.fat as a process, {fsck:.0f} ms")


def making() -> Row:
    sectors = (2 << 30) // 512

    def mkfs() -> None:
        format_volume(Store.blank(sectors * 512), 0, FatOptions(sectors, bits=16), FAT_EPOCH)

    (mine,) = interleaved([mkfs], 15)
    return Row("mkfs 2 GiB", mine, 2, "ms", "in memory, before the commit")


def memory() -> Row:
    """The largest so far. A build is left out: the system counts the compilers it runs as its own memory."""
    return Row("peak memory (CLI)", peaks["bfimg"], MOST_MEMORY_MIB, "MiB", "the largest bfimg process of this run")


def building(folder: Path, source: Path) -> Row | None:
    """Our build against genimage, both making a partitioned disk with the same files on a FAT16 volume."""
    if shutil.which("genimage") is None:
        return None
    files = sorted(source.iterdir())[:200]
    layout, config = folder / "layout.toml", folder / "genimage.cfg"
    rows = "".join(f'[[file]]\nto = "/{f.name}"\nfrom = "{f}"\n' for f in files)
    layout.write_text(f'[image]\nsize = "65MiB"\n{rows}')
    names = ", ".join(f'"{f}"' for f in files)
    config.write_text(
        f'image part.vfat {{ vfat {{ files = {{ {names} }} extraargs = "-F 16" }} size = 64M }}\n'
        'image disk.img { hdimage {} partition one { partition-type = 0xE image = "part.vfat" } }\n'
    )
    (folder / "root").mkdir()

    def genimage() -> None:
        shutil.rmtree(folder / "tmp", ignore_errors=True)
        places = ["--rootpath", folder / "root", "--tmppath", folder / "tmp", "--outputpath", folder / "out"]
        subprocess.run(["genimage", "--config", config, "--inputpath", "/", *places], check=True, capture_output=True)

    ours = program(BFIMG, "build", layout, "-o", folder / "built.img")
    mine, them = interleaved([ours, genimage], 5)
    return Row("build, 200 files (CLI)", mine / them, 0.5, "x", f"genimage, {them:.0f} ms; ours {mine:.0f} ms")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bfimg-bench-") as name:
        folder = Path(name)
        source, image = folder / "files", folder / "volume.img"
        source.mkdir()
        generator = random.Random(1)
        for number in range(FILES):
            (source / f"file{number:04}.dat").write_bytes(generator.randbytes(FILE_BYTES))
        make_volume(image, source)
        rows: list[Row | None] = [
            *listing(image),
            edits(image, folder),
            adding(source, folder),
            *diffs(image, folder),
            checking(image),
            making(),
            memory(),
            building(folder, source),
        ]
    print_table([row for row in rows if row is not None])


if __name__ == "__main__":
    main()
