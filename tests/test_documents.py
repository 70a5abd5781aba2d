"""What the documents say is so: paths exist, commands run, output is what the commands print."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bfimg.boot import BootOptions, boot

PAGES = [
    "README.md",
    *(f"docs/{n}.md" for n in ("architecture", "add-a-module", "events", "configuration", "jit-levels")),
]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_named_exists(repository: Path, page: str) -> None:
    text = (repository / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:formats|bfimg|kernel|samples|tests|docs)/[\w./-]*)`", text))
    linked = set(re.findall(r"\]\(((?!http)[^)#]+)\)", text))
    assert named | linked
    missing = [path for path in named if not (repository / path).exists() and "VERB" not in path]
    missing += [path for path in linked if not ((repository / page).parent / path).exists()]
    assert not missing


def test_architecture_names_every_folder_and_definition(repository: Path) -> None:
    text = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = [p for top in ("bfimg", "kernel") for p in (repository / top).iterdir() if p.is_dir()]
    names = [f"{p.relative_to(repository)}/" for p in folders if p.name != "__pycache__"]
    names += [
        f"formats/{p.name}" for p in (repository / "formats").glob("*.py") if p.stem not in ("__init__", "cpu_features")
    ]
    assert [name for name in names if name not in text] == []


def commands(text: str) -> list[tuple[str, list[str]]]:
    """(command, output lines) of each ``$`` line in console blocks."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


# Answers of modules, in the kernel's own lines and in the table: the same with every compiler and in every run.
ANSWER = r"\banswer [0-9a-f]{8}\b|\bpassed +0x[0-9a-f]{8}\b"
NUMBER = r"\b(?:0x[0-9a-f]+|[0-9a-f]*[0-9][0-9a-f,.]*)\b"


def masked(line: str) -> str:
    """A line without what differs between compilers and runs: numbers, ids, the length of bars and columns."""
    line = re.sub(f"({ANSWER})|{NUMBER}", lambda found: found[1] or "N", line)
    return re.sub(r"\s+", " ", re.sub(r"#+\.*|\.{4,}", "BAR", line)).strip()


def test_mask_keeps_answers_and_no_other_number() -> None:
    assert masked("186 (0xba) sectors, 1,023 free") == "N (N) sectors, N free"
    row = "sum  native  passed  0x38f8dffa  5,265,600"
    assert masked(row) == masked(row.replace("5,265,600", "17")) == "sum native passed 0x38f8dffa N"
    assert masked(row) != masked(row.replace("dffa", "dffb"))


def run_page(text: str, folder: Path) -> None:
    """Run every command of the page, in order, in `folder`, and compare what it prints."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    shown = commands(text)
    assert len(shown) >= 5
    for command, output in shown:
        result = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, (command, result.stdout, result.stderr)
        assert [masked(line) for line in result.stdout.splitlines()] == [masked(line) for line in output], command


def test_the_tour_in_the_readme_prints_what_it_shows(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    shutil.copy(repository / "samples" / "sha256.bc", tmp_path / "samples")
    run_page((repository / "README.md").read_text(encoding="utf-8"), tmp_path)


def test_the_page_on_adding_a_module_prints_what_it_shows(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / "add-a-module.md").read_text(encoding="utf-8")
    sources = re.findall(r"^`([\w.]+)`:\n\n```c\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert [name for name, _ in sources] == ["collatz.c", "broken.c"]
    for name, source in sources:
        (tmp_path / name).write_text(source, encoding="utf-8")
    run_page(text, tmp_path)
    assert (tmp_path / "collatz.svg").read_text(encoding="utf-8").startswith("<svg")


def test_every_key_of_the_configuration_is_documented(repository: Path) -> None:
    table = (repository / "docs" / "configuration.md").read_text(encoding="utf-8")
    files = ("loader/config.c", "jit/config_keys.c")
    source = "".join((repository / "kernel" / name).read_text(encoding="utf-8") for name in files)
    documented = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE))
    pattern = r"^    (?:CONFIG_\w+_KEY\(|\{)\"(\w+)\", [^\"\n]*?(?:\"(\w+)\", )?(?:(\d+), (\d+), [^,\n]+)?[)}]+,$"
    keys = re.findall(pattern, source, re.MULTILINE)
    assert list(documented) == [name for name, _, _, _ in keys]
    assert sum(bool(high) for _, _, _, high in keys) >= 10
    for name, word, low, high in keys:
        if high and high != "0":
            assert documented[name].startswith((f"`{word}`, or " if word else "") + f"{low} to {high}")


def test_every_event_of_the_kernel_is_documented(repository: Path) -> None:
    text = (repository / "docs" / "events.md").read_text(encoding="utf-8")
    sent = {
        name
        for path in (repository / "kernel").rglob("*.c")
        for name in re.findall(r'json_begin\("(\w+)"\)', path.read_text(encoding="utf-8"))
    }
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sent


def test_every_member_of_an_event_is_documented(repository: Path, disk: Path, bfimg) -> None:
    assert bfimg("add-module", "-i", disk, repository / "samples" / "sha256.bc").code == 0
    docs = repository / "docs"
    keys = " ".join(re.findall(r"^\| `(\w+)` \|", (docs / "configuration.md").read_text(), re.MULTILINE))
    text = (docs / "events.md").read_text().replace("[every key](configuration.md)", keys)
    documented = dict(re.findall(r"^\| `(\w+)` \|.*\|([^|]*)\|$", text, re.MULTILINE))
    events = boot(BootOptions(disk, keys=("r", "u", "down", "r", "a", "q"))).events
    kinds = {event["event"] for event in events}
    assert kinds == set(documented) - {"cache", "dump", "fault"}
    for event in events:
        assert set(event) - {"event"} <= set(re.findall(r"\w+", documented[event["event"]]))


def test_every_command_of_the_features_table_runs(repository: Path, tmp_path: Path) -> None:
    shutil.copytree(repository / "samples", tmp_path / "samples", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    rows = re.findall(r"^\| [^|]+ \| `(.+)` \|$", (repository / "docs" / "features.md").read_text(), re.MULTILINE)
    assert len(rows) >= 24
    for row in rows:
        command = row.replace("\\|", "|")
        result = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, (command, result.stdout[-500:], result.stderr)


def test_the_python_of_the_readme_runs(repository: Path, disk: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    result = subprocess.run([sys.executable, "-c", code], cwd=disk.parent, capture_output=True, text=True, check=True)
    assert len(result.stdout.splitlines()) == 12
