"""Block maps: bmaptool copies by them and finds every checksum right."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bfimg.image.store import Store
from bfimg.map.bmap import bmap


def copy_with_bmaptool(image: Path, block_map: str, target: Path) -> None:
    map_file = image.with_suffix(".bmap")
    map_file.write_text(block_map)
    target.write_bytes(b"")
    command = ["bmaptool", "copy", "--bmap", map_file, image, target]
    subprocess.run(command, check=True, capture_output=True)


def test_bmaptool_copies_and_verifies(disk: Path, tmp_path: Path) -> None:
    with Store.open(disk) as store:
        text = bmap(store)
    copy_with_bmaptool(disk, text, tmp_path / "copy.img")
    assert (tmp_path / "copy.img").read_bytes() == disk.read_bytes()
    assert (tmp_path / "copy.img").stat().st_blocks * 512 < 4 << 20


def test_borders(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    with path.open("wb") as stream:
        stream.truncate(100_001)
        for offset in (0, 4096, 40_000, 99_999):
            stream.seek(offset)
            stream.write(b"x")
    with Store.open(path) as store:
        text = bmap(store)
    assert "<ImageSize> 100001 </ImageSize>" in text
    assert "<BlocksCount> 25 </BlocksCount>" in text
    copy_with_bmaptool(path, text, tmp_path / "copy.img")
    assert (tmp_path / "copy.img").read_bytes() == path.read_bytes()


def test_an_empty_image(tmp_path: Path) -> None:
    with Store.blank(8192) as store:
        assert "<MappedBlocksCount> 0 </MappedBlocksCount>" in bmap(store)
