"""The pipeline recipe in samples/ runs, in a fresh folder, as its users would run it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    shutil.copytree(repository / "samples", tmp_path / "samples", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def test_every_step_of_the_ci_file_runs(checkout: Path, environment: dict[str, str]) -> None:
    text = (checkout / "samples" / "pipeline" / "ci.yml").read_text()
    steps = re.findall(r"^ +run: (.+)$", text, re.MULTILINE)
    assert len(steps) == 4
    for step in steps:
        result = subprocess.run(
            step, shell=True, cwd=checkout, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, (step, result.stdout[-2000:], result.stderr)
    assert (checkout / "samples" / "pipeline" / "change.bfpatch").stat().st_size < 20_000


def test_the_gate_closes_on_a_damaged_image(checkout: Path, environment: dict[str, str]) -> None:
    folder = checkout / "samples" / "pipeline"
    subprocess.run(["make", "release.img"], cwd=folder, env=environment, check=True, capture_output=True)
    image = folder / "release.img"
    data = bytearray(image.read_bytes())
    data[5000] ^= 1  # in the kernel
    image.write_bytes(data)
    result = subprocess.run(["make"], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "BF" in result.stdout
