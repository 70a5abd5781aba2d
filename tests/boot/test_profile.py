"""``bfimg boot --profile``: the file is written whole from a correct export, or the run fails and says why."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bfimg.boot import BootOptions, BootReport, boot
from bfimg.cli.boot import command
from bfimg.errors import InputError, UsageError

NO_MEMORY = dict.fromkeys(("size", "used", "free", "peak", "largest_free", "allocations", "fragmentation_percent"), 0)
DOCUMENT = {
    "schema_version": 1,
    "build_id": "0" * 32,
    "kernel_bytes": 1,
    "cpu": {"vendor": "", "brand": "", "family": 0, "model": 0, "stepping": 0, "features": [], "needed": []},
    "probe": {"inner": 0, "outer": 0},
    "memory": {"heap": NO_MEMORY, "pools": []},
    "pci": [],
    "volumes": [],
    "modules": [],
}
TEXT = json.dumps(DOCUMENT).replace(', "', ',\n"') + "\n"
BOOT = 'event("boot", nonce=nonce)\n'
DONE = 'event("done")\nsys.exit(33)\n'


def export(text: str = TEXT, crc: int | None = None) -> str:
    """What a stand-in says to export `text`."""
    crc = zlib.crc32(text.encode()) if crc is None else crc
    lines = ["--- BEGIN JSON ---", *text.splitlines(), "--- END JSON ---", f"--- CRC32 {crc:08x} ---"]
    return "".join(f"say({line!r})\n" for line in lines)


@pytest.fixture
def run(fake_qemu: Callable[[str], str], disk: Path, tmp_path: Path) -> Callable[[str], BootReport]:
    """Function that boots a stand-in of this body, and asks for a profile in out.json."""

    def run_body(body: str) -> BootReport:
        return boot(BootOptions(disk, qemu=fake_qemu(body), timeout=20, profile=tmp_path / "out.json"))

    return run_body


def test_the_export_is_written_as_the_kernel_sent_it(run, tmp_path):
    report = run(BOOT + export() + DONE)
    assert report.passed, report.reason
    assert report.profile == str(tmp_path / "out.json")
    assert (tmp_path / "out.json").read_text() == TEXT


def test_the_kernel_is_asked_for_it(run):
    assert "export = yes" in run("say(repr(arguments))\nsys.exit(33)").transcript


def test_a_run_that_failed_has_its_profile_too(run, tmp_path):
    report = run(BOOT + "module('failed')\n" + export() + 'event("done")\nsys.exit(35)')
    assert report.reason == "1 of 1 modules failed: sum"
    assert (tmp_path / "out.json").read_text() == TEXT


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "no profile: the kernel sent no export; see the serial output"),
        (export().partition("say('--- END")[0], "no profile: the export was cut after "),
        (export(crc=1), "no profile: the CRC of the export is "),
        (export("{}\n"), "no profile: not as the schema says: 'schema_version' is a required property"),
        (export("{\n"), "no profile: the profile is no JSON: "),
        ('os.write(1, b"--- BEGIN JSON ---\\n\\xff\\n--- END JSON ---\\n--- CRC32 %08x ---\\n")'.replace(
            "%08x", f"{zlib.crc32(bytes([255, 10])):08x}") + "\n", "no profile: offset 0x0: the profile is no UTF-8"),
    ],
    ids=["none", "cut", "CRC", "schema", "JSON", "UTF-8"],
)  # fmt: skip
def test_without_a_correct_export_the_run_fails_and_the_file_stays(run, tmp_path, body, reason):
    (tmp_path / "out.json").write_text("old")
    report = run(BOOT + body + DONE)
    assert report.reason.startswith(reason)
    assert report.profile is None
    assert (tmp_path / "out.json").read_text() == "old"
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".new")]


def test_what_ended_the_run_goes_before_what_it_did_to_the_export(run):
    body = BOOT + export().partition("say('--- END")[0] + 'event("fault", vector=14)\nsys.exit(37)'
    assert run(body).reason == "the kernel reported a fault: vector 14"


def test_a_disk_is_not_overwritten(disk, fake_qemu, good_run):
    with pytest.raises(UsageError, match="the profile would overwrite a disk"):
        boot(BootOptions(disk, qemu=fake_qemu(good_run), profile=disk))


@pytest.mark.parametrize(("place", "message"), [("none/out.json", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_written_is_named_before_the_run(disk, fake_qemu, tmp_path, place, message):
    qemu = fake_qemu(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(InputError, match=f"{message}.*; name another profile file"):
        boot(BootOptions(disk, qemu=qemu, profile=tmp_path / place))
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_goes_during_the_run_is_an_error(disk, fake_qemu, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    qemu = fake_qemu(f"os.rmdir({str(folder)!r})\n" + BOOT + export() + DONE)
    with pytest.raises(InputError, match=r"out\.json: cannot be written: No such file or directory; name another"):
        boot(BootOptions(disk, qemu=qemu, profile=folder / "out.json"))


def test_people_do_not_see_the_export(disk, fake_qemu, tmp_path, monkeypatch):
    monkeypatch.setenv("BFIMG_QEMU", fake_qemu(BOOT + "say('before')\n" + export() + "say('after')\n" + DONE))
    arguments = [str(disk), "--profile", str(tmp_path / "out.json"), "--config", "iterations=2"]
    result = CliRunner().invoke(command, arguments)
    assert result.stdout.splitlines()[:2] == ["before", "after"] and "JSON" not in result.stdout
    document = json.loads(CliRunner().invoke(command, [*arguments, "--format", "json"]).stdout)
    assert document["profile"] == str(tmp_path / "out.json")
    assert "--- BEGIN JSON ---" in document["transcript"]


def test_keys_are_words(disk, fake_qemu, with_monitor, monkeypatch):
    body = with_monitor + "begin()\n" + BOOT + "wait_key()\nwait_key()\n" + DONE
    monkeypatch.setenv("BFIMG_QEMU", fake_qemu(body))
    assert CliRunner().invoke(command, [str(disk), "--keys", " a  b "]).exit_code == 0
    assert "names no key" in str(CliRunner().invoke(command, [str(disk), "--keys", " "]).exception)
