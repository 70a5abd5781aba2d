"""Which QEMU is run, and with which command line."""

from itertools import pairwise
from pathlib import Path

import pytest

from bfimg.boot import BootOptions
from bfimg.boot.qemu import find_qemu, qemu_command
from bfimg.errors import ToolError


def executable(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def drives(**options: object) -> list[str]:
    command = qemu_command(BootOptions(**options), "qemu", "nonce")
    return [after for before, after in pairwise(command) if before == "-drive"]


@pytest.fixture(autouse=True)
def empty_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BFIMG_QEMU", raising=False)


def test_the_one_chosen_comes_first_then_the_variable_then_the_path(tmp_path, monkeypatch):
    with pytest.raises(ToolError, match="apt-get install qemu-system-x86"):
        find_qemu()
    large = executable(tmp_path, "qemu-system-x86_64")
    assert find_qemu() == large
    small = executable(tmp_path, "qemu-system-i386")
    assert find_qemu() == small
    monkeypatch.setenv("BFIMG_QEMU", executable(tmp_path, "mine"))
    assert find_qemu() == str(tmp_path / "mine")
    assert find_qemu(large) == large


def test_missing_choice_is_no_reason_to_take_another(tmp_path, monkeypatch):
    executable(tmp_path, "qemu-system-i386")
    with pytest.raises(ToolError, match="absent: this QEMU is not there"):
        find_qemu(str(tmp_path / "absent"))
    monkeypatch.setenv("BFIMG_QEMU", "absent")
    with pytest.raises(ToolError, match="unset BFIMG_QEMU"):
        find_qemu()


def test_disks_are_attached_read_only_by_absolute_path():
    first, second = drives(image=Path("-a,b.img"), slave=Path("/x/nbd:c"))
    assert first == f"file={Path.cwd()}/-a,,b.img,format=raw,if=ide,index=0,snapshot=on"
    assert second == "file=/x/nbd:c,format=raw,if=ide,index=1,snapshot=on"


def test_what_the_guest_writes_is_kept_on_the_boot_disk_alone():
    first, second = drives(image=Path("a"), slave=Path("b"), keep_writes=True)
    assert first.endswith("index=0,snapshot=off")
    assert second.endswith("index=1,snapshot=on")
    assert drives(image=Path("a"), floppy=True, keep_writes=True)[0].endswith("snapshot=off")


def test_floppy_takes_the_place_of_the_boot_disk():
    assert "if=floppy,index=0" in drives(image=Path("a"), floppy=True)[0]
    assert "order=a" in qemu_command(BootOptions(Path("a"), floppy=True), "qemu", "nonce")


def test_choices_reach_the_command_line():
    plain = qemu_command(BootOptions(Path("a")), "qemu", "abc")
    assert plain[0] == "qemu"
    assert "name=opt/bareflow/nonce,string=abc" in plain
    assert "-icount" not in plain and "-cpu" not in plain
    chosen = qemu_command(BootOptions(Path("a"), icount=True, cpu="486", memory_mib=64, machine="q35"), "q", "n")
    text = " ".join(chosen)
    assert "-icount shift=0,sleep=off" in text
    assert "-cpu 486" in text and "-m 64" in text and "-M q35" in text
