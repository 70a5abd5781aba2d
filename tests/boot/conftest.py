"""Stand-ins for QEMU, and a disk to hand them."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

# What every stand-in may use: the nonce it was given, and ways to speak as the kernel does.
PRELUDE = """
import json, os, signal, sys, time
arguments = sys.argv[1:]
nonce = arguments[arguments.index("-fw_cfg") + 1].partition("string=")[2]

def say(text):
    os.write(1, text.encode() + b"\\r\\n")

def event(kind, /, **fields):
    say("@@ " + json.dumps({"event": kind, **fields}))

def module(status="passed", **fields):
    event("module", **{"name": "sum", "file": "/SUM.MOD", "source": "disk", "kind": "native", "status": status,
                       "answer": 7, "expected": 7, "cycles": 1234, **fields})
"""

# A run in which all is well; PASSED is 0x10, so QEMU's status is 33.
GOOD_RUN = """
event("boot", nonce=nonce)
say("SUM OK")
module()
event("done", passed=1, failed=0)
sys.exit(33)
"""

FakeQemu = Callable[[str], str]


def _is_running(pid: int) -> bool:
    """False for a zombie too: it has ended, only nobody has asked for its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def is_running() -> Callable[[int], bool]:
    """Function that tells whether a process has not ended yet."""
    return _is_running


@pytest.fixture
def wait_until_gone() -> Callable[[int], bool]:
    """Function that waits up to 2 s for the end of a process, and tells whether it came."""

    def wait(pid: int) -> bool:
        deadline = time.monotonic() + 2
        while _is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        return not _is_running(pid)

    return wait


@pytest.fixture
def fake_qemu(tmp_path: Path) -> FakeQemu:
    """Function that makes an executable from a Python body and returns its path."""

    def make(body: str) -> str:
        program = tmp_path / "fake-qemu"
        program.write_text(f"#!{sys.executable} -IS\n{PRELUDE}\n{body}\n")
        program.chmod(0o755)
        return str(program)

    return make


@pytest.fixture
def good_run() -> str:
    return GOOD_RUN


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(1024))
    return path
