"""`bfimg check`: output, exit bits of fsck(8), what it writes and what it leaves."""

from __future__ import annotations

import fcntl
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Patient = Any  # of conftest.py
Run = Callable[..., Any]


def lose_clusters(victim: Patient) -> None:
    end = victim.volume().geometry.cluster_end
    victim.set_entry(end - 1, 0xFFFF)


def test_a_clean_image(bfimg: Run, disk: Path) -> None:
    result = bfimg("check", disk)
    assert (result.code, result.out, result.err) == (0, f"{disk}: clean, bareflow\n", "")
    assert bfimg("check", disk, "--repair").code == 0


def test_findings_are_one_line_each(bfimg: Run, patient: Callable[[int], Patient]) -> None:
    victim = patient(16)
    lose_clusters(victim)
    victim.write(victim.slot("/F2.BIN"), b"F\x1b[2J")
    result = bfimg("check", victim.path)
    assert result.code == 4
    lines = result.out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("FAT304 fat:/F\\x1b[2J.BIN: 8.3 name b'F\\x1b[2J   BIN'")
    assert lines[1].startswith("FAT209 fat: 1 clusters of 2048 bytes are in use, but no file has them; use --repair")
    assert lines[2] == f"{victim.path}: 0 errors and 2 warnings left, 1 of them repairable"


def test_repair(bfimg: Run, patient: Callable[[int], Patient], fsck: Callable[..., Any]) -> None:
    victim = patient(16)
    lose_clusters(victim)
    result = bfimg("check", "--repair", victim.path)
    assert result.code == 1
    assert result.out.splitlines() == [
        "repaired FAT209 fat: 1 clusters freed",
        f"{victim.path}: 1 repaired, 0 errors and 0 warnings left",
    ]
    assert fsck(victim.path).clean
    lose_clusters(victim)
    victim.write(victim.slot("/F2.BIN"), b"F*")
    assert bfimg("check", "--repair", victim.path).code == 1 | 4


def test_dry_run_changes_nothing(bfimg: Run, patient: Callable[[int], Patient]) -> None:
    victim = patient(16)
    lose_clusters(victim)
    before = victim.path.read_bytes()
    result = bfimg("check", "--repair", "-n", victim.path)
    assert result.code == 4
    assert result.out.splitlines() == [
        "would repair FAT209 fat: 1 clusters freed",
        f"{victim.path}: 1 would be repaired, 0 errors and 0 warnings left",
    ]
    assert victim.path.read_bytes() == before
    assert bfimg("check", "-n", victim.path).code == 4


def test_output_elsewhere(bfimg: Run, patient: Callable[[int], Patient], tmp_path: Path, fsck: Run) -> None:
    victim = patient(16)
    lose_clusters(victim)
    before = victim.path.read_bytes()
    out = tmp_path / "out.img"
    assert bfimg("check", "--repair", "-o", out, victim.path).code == 1
    assert victim.path.read_bytes() == before
    assert fsck(out).clean
    assert bfimg("check", "-o", out, victim.path).code == 16


def test_json(bfimg: Run, patient: Callable[[int], Patient]) -> None:
    victim = patient(16)
    lose_clusters(victim)
    document = json.loads(bfimg("check", "--format", "json", victim.path).out)
    assert document["schema_version"] == 1
    assert document["kind"] == "fat volume" and document["clean"] is False and document["repairs"] == []
    assert document["findings"] == [
        {
            "code": "FAT209",
            "severity": "warning",
            "place": "fat",
            "offset": None,
            "message": "1 clusters of 2048 bytes are in use, but no file has them",
            "remedy": document["findings"][0]["remedy"],
            "repairable": True,
        }
    ]
    mended = json.loads(bfimg("check", "--repair", "--format", "json", victim.path).out)
    assert mended["repairs"] == [{"code": "FAT209", "place": "fat", "action": "1 clusters freed"}]
    assert mended["clean"] is True and mended["findings"] == []


def test_trouble_and_usage_have_their_bits(bfimg: Run, tmp_path: Path, disk: Path) -> None:
    missing = bfimg("check", tmp_path / "none.img")
    assert (missing.code, missing.out) == (8, "")
    assert missing.err.startswith(f"bfimg: {tmp_path}/none.img: cannot be opened")
    assert bfimg("check", tmp_path).code == 8
    assert bfimg("check", f"{disk}@@x").code == 16
    wrong = bfimg("check", "--nonsense")
    assert (wrong.code, wrong.out) == (16, "")
    assert len(wrong.err.splitlines()) == 1 and "see bfimg check --help" in wrong.err


def test_an_image_that_is_being_changed(bfimg: Run, disk: Path) -> None:
    with disk.open("r+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert bfimg("check", "--repair", disk).code == 8
        assert bfimg("check", disk).code == 0


def test_a_volume_inside_an_image(bfimg: Run, disk: Path) -> None:
    result = bfimg("check", f"{disk}@@1M")
    assert (result.code, result.out) == (0, f"{disk}@@1M: clean, fat volume\n")


def test_standard_streams(patient: Callable[[int], Patient], monkeypatch: pytest.MonkeyPatch) -> None:
    victim = patient(12)
    lose = victim.volume().geometry.cluster_end - 1
    sound = victim.path.read_bytes()
    victim.set_entry(lose, 0xFFF)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(victim.path.read_bytes())))
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, write_through=True))
    monkeypatch.setattr(sys, "argv", ["bfimg", "check", "--repair", "-"])
    from bfimg.cli.main import main

    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert out.getvalue() == sound


def test_the_list_of_codes(bfimg: Run, repository: Path) -> None:
    assert bfimg("check", "--codes").out == (repository / "docs" / "check.md").read_text(encoding="utf-8")
