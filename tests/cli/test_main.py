"""The command line: help, verbs, exit codes, errors on one line."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from bfimg import __version__
from bfimg.cli.main import VERBS
from bfimg.codegen.c_header import c_header

Run = Callable[..., Any]
HELPERS = {"__init__", "argument_files", "diff_text", "images", "main", "options", "output", "progress", "terminal"}


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_explains_itself(verb: str, bfimg: Run) -> None:
    command: click.Command = importlib.import_module(f"bfimg.cli.{verb.replace('-', '_')}").command
    assert command.name == verb
    assert command.get_short_help_str(200) == VERBS[verb]
    result = bfimg(verb, "--help")
    assert result.code == 0
    assert "Example:" in result.out
    assert "xit code" in result.out


def test_there_is_a_verb_for_every_file(repository: Path) -> None:
    stems = {path.stem for path in (repository / "bfimg" / "cli").glob("*.py")} - HELPERS
    assert {stem.replace("_", "-") for stem in stems} == set(VERBS)


def test_help_and_version(bfimg: Run) -> None:
    result = bfimg("--help")
    assert result.code == 0
    assert all(verb in result.out for verb in VERBS)
    assert "Exit codes: 0 done, 1 failed" in result.out
    assert bfimg("--version").out == f"bfimg, version {__version__}\n"


def test_help_loads_no_verb() -> None:
    code = (
        "import sys\nfrom bfimg.cli import main\nsys.argv = ['bfimg', '--help']\n"
        "try:\n    main.main()\nexcept SystemExit:\n    pass\n"
        "loaded = [m for m in sys.modules if m.startswith(('construct', 'bfimg.formats', 'subprocess'))]\n"
        "sys.exit(str(loaded) if loaded else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("verb", ["inspect", "ls", "check", "map", "get", "diff"])
def test_verbs_that_only_read_do_not_load_construct(verb: str, disk: Path) -> None:
    rest = {"get": ["stage2.kernel_lba"], "diff": [str(disk)]}.get(verb, [])
    code = (
        "import sys\nfrom bfimg.cli import main\n"
        f"sys.argv = ['bfimg', {verb!r}, {str(disk)!r}, *{rest!r}]\n"
        "try:\n    main.main()\nexcept SystemExit as stop:\n"
        "    sys.exit('construct' if 'construct' in sys.modules else stop.code)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("arguments", [["nonsense"], ["inspect", "--nonsense"], ["formats"], ["formats", "basic"]])
def test_usage_errors_exit_with_2(bfimg: Run, arguments: list[str]) -> None:
    result = bfimg(*arguments)
    assert result.code == 2
    assert result.err.startswith("bfimg: ") and result.err.count("\n") == 1
    assert result.err.endswith(" --help\n")


def test_library_errors_are_one_line_on_stderr(bfimg: Run, tmp_path: Path) -> None:
    result = bfimg("inspect", tmp_path / "none.img")
    assert result.code == 2
    assert result.out == ""
    assert (
        result.err
        == f"bfimg: {tmp_path}/none.img: cannot be opened: No such file or directory; name an existing image\n"
    )


def test_the_library_never_imports_click_or_prints(repository: Path) -> None:
    library = [p for p in (repository / "bfimg").rglob("*.py") if "cli" not in p.parts] + list(
        (repository / "formats").glob("*.py")
    )
    assert len(library) > 30
    for path in library:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None)]
                assert "click" not in names, path
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("print", "sys.exit", "exit"), path


class TestImageRule:
    def test_named_by_environment_configuration_and_custom(
        self, bfimg: Run, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "empty"
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert "no image named" in bfimg("inspect").err
        (folder / "bfimg.toml").write_text(f'image = "{disk}"\n')
        assert bfimg("inspect").out.startswith(f"{disk}: bareflow")
        monkeypatch.setenv("BFIMG_IMAGE", "other.img")
        assert "other.img: cannot be opened" in bfimg("inspect").err
        monkeypatch.delenv("BFIMG_IMAGE")
        (folder / "bfimg.toml").write_text("image = [\n")
        assert "bfimg.toml: cannot be read" in bfimg("inspect").err
        (folder / "bfimg.toml").unlink()
        (folder / "disk.img").symlink_to(disk)
        assert bfimg("inspect").out.startswith("disk.img: bareflow")


class TestDoctor:
    def test_lists_tools(self, bfimg: Run) -> None:
        result = bfimg("doctor", "--format", "json")
        assert result.code == 0
        tools = {row["command"]: row for row in json.loads(result.out)["tools"]}
        assert tools["clang"]["path"]
        assert "qemu-system-i386" in bfimg("doctor", "--for", "boot").out

    def test_names_what_is_missing(self, bfimg: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        assert bfimg("doctor", "--packages", "--for", "build").out == "clang\nlld\n"
        result = bfimg("doctor")
        assert result.code == 1
        assert "missing: apt-get install qemu-system-x86" in result.out


class TestFormats:
    def test_prints_what_the_generators_make(self, bfimg: Run) -> None:
        assert bfimg("formats", "c").out == c_header()
        for kind, text in [
            ("asm", ".macro bf_emit_mbr"),
            ("crc", "crc32_table"),
            ("doc", "# Formats"),
            ("svg", "<svg"),
        ]:
            result = bfimg("formats", kind)
            assert result.code == 0
            assert text in result.out or (kind == "asm" and ".macro bf_emit_stage2_descriptor" in result.out)


def test_a_closed_pipe_is_no_traceback(disk: Path) -> None:
    result = subprocess.run(
        f"{sys.executable} -m bfimg formats doc | head -1", shell=True, capture_output=True, text=True, check=False
    )
    assert result.stdout == "# Formats\n"
    assert "Traceback" not in result.stderr
