"""``bfimg boot``: what it prints, its exit codes, and that a signal leaves no QEMU behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bfimg.cli.boot import command
from bfimg.errors import InputError, UsageError


@pytest.fixture
def invoke(disk: Path, fake_qemu: Callable[[str], str], monkeypatch) -> Callable[..., Result]:
    """Function that runs the verb on the disk, with a stand-in of this body as QEMU."""

    def run(body: str, *arguments: str) -> Result:
        monkeypatch.setenv("BFIMG_QEMU", fake_qemu(body))
        return CliRunner().invoke(command, [str(disk), *arguments])

    return run


def test_passed_run_shows_lines_table_and_verdict(invoke, good_run):
    result = invoke(good_run)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[:4] == [
        "SUM OK",
        "",
        "module  kind    status  answer      cycles  note",
        "sum     native  passed  0x00000007   1,234",
    ]
    assert lines[4].startswith("passed: 1 module, 0.")
    assert len(lines) == 5


def test_run_without_modules_passes_and_says_so(invoke):
    result = invoke('event("boot", nonce=nonce)\nevent("done")\nsys.exit(33)')
    assert result.exit_code == 0
    assert result.stdout.startswith("passed: no modules run, 0.")


def test_failed_module_shows_what_was_expected(invoke):
    body = 'event("boot", nonce=nonce)\nmodule("failed", answer=8)\nevent("done")\nsys.exit(35)'
    result = invoke(body)
    assert result.exit_code == 1
    assert "0x00000008   1,234  expected 0x00000007" in result.stdout
    assert result.stdout.splitlines()[-1] == "failed: 1 of 1 modules failed: sum"


def test_malformed_machine_line_is_shown_with_the_lines_for_people(invoke):
    assert "@@ {oops\n" in invoke('say("@@ {oops")').stdout


def test_quiet_prints_only_the_verdict(invoke, good_run):
    assert len(invoke(good_run, "-q").stdout.splitlines()) == 1


def test_json_is_one_object_and_nothing_else(invoke, good_run):
    result = invoke('os.write(1, b"\\xff\\x1b[2J\\n")\n' + good_run, "--format", "json", "--expect", "SUM")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["schema_version"] == 1 and report["passed"] is True
    assert report["modules"][0]["cycles"] == 1234
    assert report["expected"] == [{"pattern": "SUM", "line": "SUM OK"}]
    assert report["events"][0]["event"] == "boot"
    assert report["transcript"].startswith("\\xff\x1b[2J\n@@ ")


def test_json_of_a_failed_run_has_exit_code_1(invoke):
    result = invoke("sys.exit(0x83)", "--format", "json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["boot_error"], report["boot_error_meaning"]) == (1, "the BIOS could not read stage 2")


def test_guest_cannot_steer_the_terminal(invoke):
    result = invoke('say("\\x1b[2Jgone")\nmodule(name="\\x1b[1m")')
    assert "\x1b" not in result.stdout
    assert "\\x1b[2Jgone" in result.stdout


def test_output_that_the_terminal_cannot_encode_is_escaped(disk, fake_qemu):
    environment = os.environ | {"BFIMG_QEMU": fake_qemu('say("café")'), "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(
        [sys.executable, "-m", "bfimg", "boot", str(disk)], env=environment, capture_output=True, check=False
    )
    assert result.stdout.startswith(b"caf\\xe9\n")
    assert result.stderr == b""
    assert result.returncode == 1


def test_usage_and_unreadable_input_raise_the_errors_that_mean_exit_code_2(invoke, good_run, tmp_path):
    assert isinstance(invoke(good_run, "--expect", "(").exception, UsageError)
    assert isinstance(invoke(good_run, "--slave", str(tmp_path / "none")).exception, InputError)
    assert invoke(good_run, "--timeout", "soon").exit_code == 2


def test_image_may_come_from_the_environment(invoke, good_run, disk, monkeypatch):
    invoke(good_run)  # sets BFIMG_QEMU
    monkeypatch.setenv("BFIMG_IMAGE", str(disk))
    assert CliRunner().invoke(command, []).exit_code == 0


def test_help_has_an_example_and_the_exit_codes():
    text = CliRunner().invoke(command, ["--help"]).stdout
    assert "Example: bfimg boot disk.img" in text
    assert "Exit codes:" in text


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 1), (signal.SIGTERM, 128 + 15), (signal.SIGHUP, 128 + 1), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_signal_leaves_no_qemu_behind(disk, fake_qemu, wait_until_gone, tmp_path, number, status):
    pid_file = tmp_path / "pid"
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    write_pid = f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n"
    environment = os.environ | {"BFIMG_QEMU": fake_qemu(deaf + write_pid + 'say("up")\ntime.sleep(60)')}
    verb = subprocess.Popen(
        [sys.executable, "-m", "bfimg", "boot", str(disk)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert verb.stdout.readline() == b"up\n"
    verb.send_signal(number)
    _, stderr = verb.communicate(timeout=5)
    assert verb.returncode == status
    assert b"Traceback" not in stderr
    assert wait_until_gone(int(pid_file.read_text()))
