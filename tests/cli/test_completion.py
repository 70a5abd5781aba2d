"""Completion in a real bash, on a terminal; the scripts of the other shells by their text."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bfimg.image.journal import journal_path

Run = Callable[..., Any]
Complete = Callable[[str], str]
Answers = Callable[..., list[str]]
TAB, LINE_START = "\t", "\x01"


@pytest.fixture
def folder(disk: Path, bfimg: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with disk.img, which has a folder and a name with a blank."""
    monkeypatch.chdir(disk.parent)
    (disk.parent / "hello.txt").write_text("hello")
    assert bfimg("mkdir", "disk.img", "part1:/DOCS").code == 0
    assert bfimg("add", "disk.img", "hello.txt", "part1:/DOCS/two words.txt").code == 0
    return disk.parent


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TERM": "dumb"}


@pytest.fixture
def complete(folder: Path) -> Complete:
    """What a line is after Tab was pressed at its end, in an interactive bash."""

    def typed(line: str) -> str:
        keys = f'eval "$(bfimg completion bash)"\n{line}{TAB}{LINE_START}echo "=" \n'
        master, slave = pty.openpty()
        with subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            cwd=folder,
            env={**environment(), "PS1": "$ "},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        ) as shell:
            os.close(slave)
            os.write(master, keys.encode() + b"exit\n")
            output = b""
            while True:
                try:
                    output += os.read(master, 4096)
                except OSError:  # Linux: the other end is closed
                    break
            shell.wait(30)
        os.close(master)
        found = re.findall(r"^= (.*?)\r?$", output.decode(), re.MULTILINE)
        assert found, output
        return str(found[-1])

    return typed


@pytest.fixture
def answers(folder: Path, bfimg: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What bfimg tells a shell that asks for completions of a line."""

    def ask(line: str, shell: str = "bash") -> list[str]:
        words = line.split(" ")
        request = {
            "_BFIMG_COMPLETE": f"{shell}_complete",
            "_BFIMG_LINE": line,
            "_BFIMG_BREAKS": " \t\n:=@",
            "COMP_WORDS": line,
            "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
        }
        with monkeypatch.context() as patch:
            for name, value in request.items():
                patch.setenv(name, value)
            result = bfimg()
        assert (result.code, result.err) == (0, "")
        return [answer for answer in result.out.splitlines() if answer]

    return ask


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("bfimg insp", "bfimg inspect"),
        ("bfimg mkfs --sectors-per-c", "bfimg mkfs --sectors-per-cluster"),
        ("bfimg mkfs x --fat 3", "bfimg mkfs x --fat 32"),
        ("bfimg ls disk.img part1:/SHA2", "bfimg ls disk.img part1:/SHA256.MOD"),
        ("bfimg ls disk.img part1:/sha2", "bfimg ls disk.img part1:/SHA256.MOD"),
        ("bfimg cat part1:/SHA2", "bfimg cat part1:/SHA256.MOD"),
        ("bfimg cat disk.img /SHA2", "bfimg cat disk.img /SHA256.MOD"),
        ("bfimg cat -i disk.img part1:/DOCS/two", "bfimg cat -i disk.img part1:/DOCS/two words.txt"),
        ("bfimg rm disk.img part1:/DO", "bfimg rm disk.img part1:/DOCS/"),
        ("bfimg ls disk.img par", "bfimg ls disk.img part1:/"),
        ("bfimg get disk.img stage2.kernel_l", "bfimg get disk.img stage2.kernel_lba"),
        ("bfimg get disk.img mbr.partitions[0].lb", "bfimg get disk.img mbr.partitions[0].lba_start"),
        ("bfimg inspect dis", "bfimg inspect disk.img"),
        ("bfimg add disk.img hel", "bfimg add disk.img hello.txt"),
        ("bfimg inspect none.img part1:/S", "bfimg inspect none.img part1:/S"),
    ],
)
def test_bash_completes(line: str, completed: str, complete: Complete) -> None:
    assert complete(line) == completed


def test_all_that_can_follow_is_offered(answers: Answers) -> None:
    assert answers("bfimg inspect disk.img ") == [
        "plain,mbr",
        "plain,stage2",
        "plain,kernel",
        r"plain,jit_cache",
        "plain,part1:/",
    ]
    assert answers("bfimg set disk.img ")[0] == "plain,mbr."
    assert answers("bfimg get disk.img mbr.partitions[0].l") == [r"plain,mbr.partitions\[0\].lba_start"]
    assert answers("bfimg get disk.img mbr.p")[1] == r"plain,mbr.partitions\[1\]."
    assert answers("bfimg ls disk.img part1:/DOCS/") == [r"plain,/DOCS/two\ words.txt"]
    assert answers("bfimg ls ") == answers("bfimg map ") == ["file,"]
    assert answers("bfimg add disk.img ") == ["file,"]
    assert {"plain,map", "plain,mkfs"} < set(answers("bfimg m"))
    assert answers("bfimg nonsense ") != []
    assert answers("bfimg ls disk.img stage2:/") == ["file,stage2:/"]


def test_zsh_and_fish_get_whole_values(answers: Answers) -> None:
    assert answers("bfimg ls disk.img part1:/SHA2", "zsh") == ["plain", "part1:/SHA256.MOD", "_"]
    assert answers("bfimg ls disk.img part1:/SHA2", "fish") == ["plain,part1:/SHA256.MOD"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_ask_bfimg(shell: str, bfimg: Run) -> None:
    result = bfimg("completion", shell)
    assert result.code == 0
    assert f"_BFIMG_COMPLETE={shell}_complete" in result.out
    assert "_bfimg_completion" in result.out and "%(" not in result.out


def test_bash_accepts_its_script(bfimg: Run) -> None:
    subprocess.run(["bash", "-n"], input=bfimg("completion", "bash").out, text=True, check=True)


def test_completion_never_changes_an_image(folder: Path, answers: Answers) -> None:
    journal = journal_path(folder / "disk.img")
    journal.write_bytes(b"half a journal")
    assert answers("bfimg ls disk.img part1:/S") == ["file,part1:/S"]
    assert journal.read_bytes() == b"half a journal"


def test_trouble_is_silent(folder: Path, answers: Answers) -> None:
    (folder / "bfimg.toml").write_text("image = [\n")
    assert answers("bfimg cat part1:/S") == ["file,part1:/S"]
    assert answers("bfimg ls disk.img@@x part1:/S") == ["file,part1:/S"]
    assert answers("bfimg ls 'quoted", "powershell") == []
