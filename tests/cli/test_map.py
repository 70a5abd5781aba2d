"""`bfimg map` for terminals, pipes and pictures."""

from __future__ import annotations

import itertools
import json
import os
import pty
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

Run = Callable[..., Any]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def fragmented(disk: Path, bfimg: Run, tmp_path: Path) -> Path:
    """The default image with one file in three pieces on its volume."""
    names = [f"F{index}" for index in range(4)]
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 30_000)
    (tmp_path / "BIG").write_bytes(b"y" * 300_000)
    assert bfimg("add", disk, *(tmp_path / name for name in names), "part1:/").code == 0
    assert bfimg("rm", disk, "part1:/F0", "part1:/F2").code == 0
    assert bfimg("add", disk, tmp_path / "BIG", "part1:/").code == 0
    return disk


def rows(text: str) -> dict[str, str]:
    """The cells of each region, by its name."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines()[1:]:
        match = re.fullmatch(r" *\d+  (\S*) +([^ ]+)", line)
        if match is None:
            break
        name = match[1] or name
        found[name] = found.get(name, "") + match[2]
    return found


def on_a_terminal(image: Path, **environment: str) -> str:
    """What `bfimg map` writes to a terminal of 100 columns."""
    import fcntl
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    variables = {**os.environ, "TERM": "xterm", **environment}
    for name in ("COLUMNS", "LINES"):
        variables.pop(name, None)
    command = [sys.executable, "-m", "bfimg", "map", str(image)]
    with subprocess.Popen(command, env=variables, stdout=slave, stdin=slave) as process:
        os.close(slave)
        output = b""
        while True:
            try:
                output += os.read(master, 4096)
            except OSError:  # Linux: the other end is closed
                break
        assert process.wait(30) == 0
    os.close(master)
    return output.decode().replace("\r\n", "\n")


def test_regions_and_fragments(fragmented: Path, bfimg: Run) -> None:
    result = bfimg("map", fragmented)
    assert result.code == 0
    assert result.out.startswith(f"{fragmented}: bareflow, 34603008 bytes, 32 sectors in a character\n")
    cells = rows(result.out)
    assert list(cells) == ["mbr", "stage2", "kernel", "jit_cache", "part1"]
    assert (cells["mbr"], cells["stage2"]) == ("T", "B")
    assert re.fullmatch(r"K+\.+", cells["kernel"]) and len(cells["kernel"]) == 32
    assert re.fullmatch(r"RF+[#+]+%+[#+%]+\.+", cells["part1"]) and len(cells["part1"]) == 2048
    assert "\n  % file in several pieces\n" in result.out
    assert "part1: 16 files, 1 in pieces, " in result.out
    assert re.search(r"^  part1:/BIG  3 pieces: LBA \d+-\d+, \d+-\d+, \d+-\d+$", result.out, re.MULTILINE)
    assert "\x1b" not in result.out


def test_width_sets_the_cells_of_a_row(disk: Path, bfimg: Run) -> None:
    lines = bfimg("map", disk, "--width", "16").out.splitlines()
    assert max(len(line.split()[-1]) for line in lines[1:20]) == 16
    assert "128 sectors in a character" in lines[0]
    assert bfimg("map", disk, "--width", "2").code == 2


def test_colours_are_for_terminals_and_no_color_turns_them_off(fragmented: Path) -> None:
    plain = on_a_terminal(fragmented, NO_COLOR="1")
    assert "\x1b" not in plain
    assert "\x1b" not in on_a_terminal(fragmented, TERM="dumb")
    coloured = on_a_terminal(fragmented)
    assert COLOUR.search(coloured)
    assert COLOUR.sub("", coloured) == plain
    assert max(len(line) for line in plain.splitlines()[1:30]) <= 100


def test_json_says_the_same(fragmented: Path, bfimg: Run) -> None:
    document = json.loads(bfimg("map", fragmented, "--format", "json").out)
    counts = Counter(cell["use"] for region in document["regions"] for cell in region["cells"])
    shown = Counter("".join(rows(bfimg("map", fragmented).out).values()))
    for use, symbols in (("table", "T"), ("fat", "F"), ("fragmented", "%"), ("file", "#+"), ("free", ".")):
        assert counts[use] == sum(shown[symbol] for symbol in symbols)
    (volume,) = document["volumes"]
    (file,) = volume["fragmented"]
    assert (file["path"], len(file["pieces"])) == ("/BIG", 3)


def test_picture(fragmented: Path, bfimg: Run, tmp_path: Path) -> None:
    assert bfimg("map", fragmented, "--svg", tmp_path / "map.svg").out == ""
    text = (tmp_path / "map.svg").read_text()
    assert bfimg("map", fragmented, "--svg", "-").out == text
    space = "{http://www.w3.org/2000/svg}"
    root = ElementTree.fromstring(text)
    titles = [title.text or "" for title in root.iter(f"{space}title")]
    assert "LBA 0 to 0: partition table" in titles
    assert sum(title.endswith(": file in several pieces") for title in titles) >= 3
    last = [re.fullmatch(r"LBA (\d+) to (\d+): .*", title) for title in titles]
    spans = [(int(match[1]), int(match[2])) for match in last if match]
    assert spans[0][0] == 0 and spans[-1][1] == 34_603_008 // 512 - 1
    assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(spans))
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    for rectangle in root.iter(f"{space}rect"):
        values = {name: int(rectangle.attrib.get(name, "0")) for name in ("x", "y", "width", "height")}
        assert values["x"] + values["width"] <= width and values["y"] + values["height"] <= height
    assert "cannot be written" in bfimg("map", fragmented, "--svg", tmp_path / "none" / "map.svg").err


def test_names_from_the_host_do_no_harm(disk: Path, bfimg: Run) -> None:
    target = disk.rename(disk.with_name("a<b>&\x1b[31m.img"))
    assert "\x1b" not in bfimg("map", target).out
    text = bfimg("map", target, "--svg", "-").out
    assert "a&lt;b&gt;&amp;?[31m.img" in text
    ElementTree.fromstring(text)


def test_damage_and_many_fragments(disk: Path, bfimg: Run, tmp_path: Path) -> None:
    path = tmp_path / "v.img"
    assert bfimg("mkfs", path, "--size", "4M", "--fat", "12", "--sectors-per-cluster", "8").code == 0
    (tmp_path / "x").write_bytes(b"x" * 4096)
    with_gaps = [f"fat:/G{index:03}" for index in range(150)]
    for where in with_gaps:
        assert bfimg("add", path, tmp_path / "x", where).code == 0
    assert bfimg("rm", path, *with_gaps[::2]).code == 0
    (tmp_path / "two").write_bytes(b"x" * 8192)
    for index in range(12):
        assert bfimg("add", path, tmp_path / "two", f"fat:/TWO{index}").code == 0
    (tmp_path / "many").write_bytes(b"x" * 4096 * 6)
    assert bfimg("add", path, tmp_path / "many", "fat:/A").code == 0
    out = bfimg("map", path).out
    assert "13 in pieces" in out and "  and 3 more; --format json has all\n" in out
    with path.open("r+b") as stream:
        stream.truncate(10_000)
    assert "fat: cannot be read as a volume: volume of 4194304 bytes" in bfimg("map", path).out
    data = bytearray(disk.read_bytes())
    data[(2048 + 1) * 512 + 4 : (2048 + 1) * 512 + 6] = b"\0\0"  # the first file's chain
    disk.write_bytes(data)
    assert "  not complete: 1 damaged cluster chains; bfimg check tells more\n" in bfimg("map", disk).out
