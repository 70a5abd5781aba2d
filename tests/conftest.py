"""Fixtures that several folders share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bfimg.build.build import BuildReport, build_image
from bfimg.build.layout import default_layout
from bfimg.cli.main import main
from bfimg.toolchain.compiler import select

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout the tests belong to."""
    return REPOSITORY


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests do not reach them."""
    for name in list(os.environ):
        if name.startswith("BFIMG_") or name in ("SOURCE_DATE_EPOCH", "CC", "LD", "NO_COLOR"):
            monkeypatch.delenv(name)


@dataclass(frozen=True)
class CommandResult:
    code: int
    out: str
    err: str


@pytest.fixture
def bfimg(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., CommandResult]:
    """Run the command line in this process: ``bfimg("inspect", path)``."""

    def call(*arguments: object) -> CommandResult:
        monkeypatch.setattr(sys, "argv", ["bfimg", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1 if stop.code else 0
        captured = capsys.readouterr()
        return CommandResult(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def default_build(tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    """The default image, built once. Tests that change it copy it first."""
    return build_image(default_layout(), tmp_path_factory.mktemp("build") / "disk.img", select("clang"))


@pytest.fixture
def disk(default_build: BuildReport, tmp_path: Path) -> Path:
    """A fresh copy of the default image."""
    path = tmp_path / "disk.img"
    subprocess.run(["cp", "--sparse=always", default_build.image, path], check=True)
    return path
