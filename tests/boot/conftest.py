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

# What a stand-in adds that has a monitor: `monitor(request)` answers one request, and returns it.
MONITOR = """
import socket

def described(keys):
    return [
        {"name": "send-key", "meta-type": "command", "arg-type": "1"},
        {"name": "1", "members": [{"name": "keys", "type": "[2]"}]},
        {"name": "[2]", "element-type": "2"},
        {"name": "2", "variants": [{"case": "number", "type": "9"}, {"case": "qcode", "type": "3"}]},
        {"name": "3", "members": [{"name": "data", "type": "4"}]},
        {"name": "4", "members": [{"name": key} for key in keys]},
    ]

assert "-S" in arguments and "chardev=monitor,mode=control" in arguments
channel = socket.socket(fileno=int(arguments[arguments.index("-chardev") + 1].partition("fd=")[2]))
requests = channel.makefile("rwb", buffering=0)

def tell(**message):
    requests.write(json.dumps(message).encode() + b"\\r\\n")

def monitor(answer={}):
    request = json.loads(requests.readline())
    tell(event="SOMETHING")
    tell(**{"return": answer})
    return request

def begin(keys=("a", "b", "shift", "ret")):
    tell(QMP={})
    assert monitor() == {"execute": "qmp_capabilities"}
    assert monitor(described(keys)) == {"execute": "query-qmp-schema"}
    assert monitor() == {"execute": "cont"}

def wait_key():
    event("wait_key")
    request = monitor()
    if request["execute"] == "quit":
        sys.exit(0)
    pressed = [key["data"] for key in request["arguments"]["keys"]]
    say("pressed " + "+".join(pressed))
    return pressed
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
    """Function that waits up to a minute for the end of a process, and tells whether it came."""

    def wait(pid: int) -> bool:
        deadline = time.monotonic() + 60
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
def with_monitor() -> str:
    """What a body begins with when its stand-in has a monitor."""
    return MONITOR


@pytest.fixture
def good_run() -> str:
    return GOOD_RUN


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(1024))
    return path
