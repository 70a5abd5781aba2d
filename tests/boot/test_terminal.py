"""An interactive run: the guest has the user's terminal, and gives it back as it was, however the run ends."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bfimg.boot import BootOptions, Terminal, boot
from bfimg.boot.terminal import typed_keys
from bfimg.cli.boot import command
from bfimg.errors import InputError, UsageError

# Shows each byte that is typed, and ends well after a `q`.
MENU = """
event("boot", nonce=nonce)
os.write(1, b"choose: ")
while (key := os.read(0, 1)) not in (b"q", b""):
    say("got " + key.hex())
    os.write(1, b"choose: ")
say("leaving")
event("done")
sys.exit(33)
"""


class Screen:
    """The other side of a terminal: what a user sees and types."""

    def __init__(self) -> None:
        self.side, self.terminal = pty.openpty()
        self.text = ""

    def wait_for(self, text: str) -> None:
        """Reads until the text is on the screen."""
        deadline = time.monotonic() + 10
        while text not in self.text:
            assert select.select([self.side], [], [], max(deadline - time.monotonic(), 0))[0], self.text
            self.text += os.read(self.side, 1000).decode()

    def type(self, keys: bytes) -> None:
        os.write(self.side, keys)

    def mode(self) -> list[object]:
        return termios.tcgetattr(self.terminal)


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    os.close(screen.side)
    os.close(screen.terminal)


@pytest.fixture
def start(screen: Screen, disk: Path, fake_qemu: Callable[[str], str]) -> Callable[..., subprocess.Popen[bytes]]:
    """Function that starts ``bfimg boot --interactive`` on the terminal, with a stand-in of this body."""

    def run(body: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            # The shell makes the terminal the one that Ctrl-C comes from.
            ["setsid", "--ctty", sys.executable, "-m", "bfimg", "boot", str(disk), "--interactive", *arguments],
            env=os.environ | {"BFIMG_QEMU": fake_qemu(body)},
            stdin=screen.terminal,
            stdout=screen.terminal,
            stderr=screen.terminal,
        )

    return run


def test_keys_go_to_the_guest_one_by_one_and_only_its_own_text_is_shown(screen, start):
    before = screen.mode()
    verb = start(MENU)
    screen.wait_for("choose: ")
    screen.type(b"x")
    screen.wait_for("got 78\r\nchoose: ")
    screen.type(b"\x1a\x1c\r\x1b[A")  # Ctrl-Z, Ctrl-\, Enter, the arrow up
    screen.wait_for("got 41\r\n")
    assert "\r\n".join(f"choose: got {byte:02x}" for byte in b"\x1a\x1c\n\x1b[A") in screen.text
    screen.type(b"q")
    screen.wait_for("passed: no modules run")
    assert verb.wait(10) == 0
    assert "@@" not in screen.text
    assert screen.mode() == before


@pytest.mark.parametrize(
    ("end", "status", "last"),
    [
        (lambda screen, verb: screen.type(b"\x03"), 1, "bfimg: interrupted"),
        (lambda screen, verb: verb.terminate(), 128 + 15, ""),
        (lambda screen, verb: verb.send_signal(signal.SIGHUP), 128 + 1, ""),
    ],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
)
def test_terminal_is_given_back_when_the_run_is_interrupted(screen, start, end, status, last):
    before = screen.mode()
    verb = start(MENU)
    screen.wait_for("choose: ")
    assert screen.mode() != before
    end(screen, verb)
    assert verb.wait(10) == status
    screen.wait_for(last)
    assert screen.mode() == before


def test_terminal_is_given_back_when_qemu_fails_or_the_time_is_up(screen, start):
    before = screen.mode()
    assert start("sys.stderr.write('no such machine')\nsys.exit(1)").wait(10) == 2
    screen.wait_for("does not start the machine: no such machine")
    assert start(MENU, "--timeout", "0.5").wait(10) == 1
    screen.wait_for("failed: timed out after 0.5 s")
    assert screen.mode() == before


def test_there_is_no_limit_of_time_unless_one_is_given(screen, disk, fake_qemu, monkeypatch):
    options = BootOptions(disk, qemu=fake_qemu("time.sleep(0.3)\n" + MENU), interactive=True, timeout=None)
    screen.type(b"q")
    shown: list[str] = []
    assert boot(options, terminal=Terminal(screen.terminal, shown.append)).passed
    assert "".join(shown).startswith("choose: leaving\n")


def test_what_a_deaf_guest_does_not_read_is_lost_and_harms_nothing(screen, disk, fake_qemu):
    typed = []

    def type_much() -> None:
        # More than the terminal and a pipe hold.
        for _ in range(100):
            screen.type(b"x" * 1000)
            typed.append(1000)

    thread = threading.Thread(target=type_much, daemon=True)
    options = BootOptions(disk, qemu=fake_qemu('say("up")\ntime.sleep(1)\n' + GOOD_END), interactive=True)
    report = boot(options, terminal=Terminal(screen.terminal, lambda text: thread.start()))
    thread.join(10)
    assert report.passed, report.reason
    assert sum(typed) == 100_000


GOOD_END = 'event("boot", nonce=nonce)\nevent("done")\nsys.exit(33)'


def test_terminal_that_hangs_up_ends_the_input_only(disk, fake_qemu):
    screen = Screen()
    body = 'say("up")\nwhile os.read(0, 1): pass\ntime.sleep(0.3)\n' + GOOD_END

    def show(text: str) -> None:
        if screen.side >= 0:
            os.close(screen.side)
            screen.side = -1

    options = BootOptions(disk, qemu=fake_qemu(body), interactive=True, timeout=3)
    report = boot(options, terminal=Terminal(screen.terminal, show))
    os.close(screen.terminal)
    assert report.timed_out, report.reason


def test_no_terminal_no_interactive_run(disk, fake_qemu, good_run, tmp_path):
    options = BootOptions(disk, qemu=fake_qemu(good_run), interactive=True)
    with pytest.raises(UsageError, match="needs a terminal; hand one over"):
        boot(options)
    with (tmp_path / "file").open("w") as file, pytest.raises(UsageError, match="a terminal for its input"):
        boot(options, terminal=Terminal(file.fileno(), print))
    result = CliRunner().invoke(command, [str(disk), "--interactive"])
    assert isinstance(result.exception, UsageError) and "for its output" in str(result.exception)
    result = CliRunner().invoke(command, [str(disk), "--interactive", "--format", "json"])
    assert isinstance(result.exception, UsageError) and "for programs" in str(result.exception)


def test_mode_is_restored_after_an_error(screen):
    before = screen.mode()
    with pytest.raises(InputError), typed_keys(screen.terminal):
        assert screen.mode() != before
        raise InputError("x")
    assert screen.mode() == before
