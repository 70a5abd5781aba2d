"""A program that was run under limits is gone afterwards, however it or its caller behaves."""

import sys
import time
from pathlib import Path

import pytest

from bfimg.boot.process import run_limited
from bfimg.errors import ToolError


def python(body: str) -> list[str]:
    return [sys.executable, "-ISc", body]


def ignore(data: bytes) -> None:
    pass


def test_all_output_and_the_status_arrive():
    received = bytearray()
    body = "import os\nos.write(2, b'noise')\nfor i in range(1000): os.write(1, b'x' * 1000)\nos._exit(33)"
    outcome = run_limited(python(body), timeout=20, output_limit=10**7, on_output=received.extend)
    assert bytes(received) == b"x" * 1_000_000
    assert (outcome.status, outcome.stderr) == (33, b"noise")
    assert not outcome.timed_out and not outcome.overflowed


def test_exactly_the_limit_is_no_overflow():
    outcome = run_limited(python("print('x' * 99)"), timeout=20, output_limit=100, on_output=ignore)
    assert not outcome.overflowed
    outcome = run_limited(python("print('x' * 100)"), timeout=20, output_limit=100, on_output=ignore)
    assert outcome.overflowed


def test_standard_input_is_empty():
    body = "import sys\nsys.exit(len(sys.stdin.read()))"
    assert run_limited(python(body), timeout=20, output_limit=100, on_output=ignore).status == 0


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_callback_that_raises_leaves_nothing_behind(wait_until_gone, failure):
    pids = []

    def fail(data: bytes) -> None:
        pids.append(int(data))
        raise failure

    body = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.write(1, b'%d' % os.getpid())\ntime.sleep(60)"
    )
    with pytest.raises(failure):
        run_limited(python(body), timeout=50, output_limit=100, on_output=fail)
    assert wait_until_gone(pids[0])


def test_time_limit_holds_while_the_callback_blocks(is_running):
    pids = []

    def block(data: bytes) -> None:
        pids.append(int(data))
        time.sleep(5)
        pids.append(is_running(pids[0]))

    body = "import os, time\nos.write(1, b'%d' % os.getpid())\ntime.sleep(60)"
    outcome = run_limited(python(body), timeout=3, output_limit=100, on_output=block)
    assert outcome.timed_out
    assert pids[1] is False, "the program was still running after its time"


def test_children_of_the_program_are_ended_too(wait_until_gone):
    """A wrapper script that starts QEMU as its child, with both deaf to SIGTERM."""
    pids = []
    body = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-ISc', 'import time; time.sleep(60)'])\n"
        "os.write(1, b'%d' % child.pid)\ntime.sleep(60)"
    )
    outcome = run_limited(python(body), timeout=3, output_limit=100, on_output=lambda data: pids.append(int(data)))
    assert outcome.timed_out
    assert wait_until_gone(pids[0])


@pytest.mark.parametrize("pause", [0, 0.1], ids=["flood", "drip"])
def test_process_left_behind_that_keeps_the_output_open_does_not_delay_the_end(pause):
    """It is in another session, so that no group reaches it. It ends when its output is closed, or after minutes."""
    body = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    import signal\n"
        f"    signal.alarm(300)\n    while True: os.write(1, b'drip'); time.sleep({pause})\n"
        "    os._exit(0)\n"
        "sys.exit(33)"
    )
    outcome = run_limited(python(body), timeout=120, output_limit=10**9, on_output=ignore)
    assert outcome.status == 33
    assert not outcome.timed_out


def test_program_that_closes_its_output_first_keeps_its_status():
    body = "import os, time\nos.close(1)\nos.close(2)\ntime.sleep(0.3)\nos._exit(33)"
    assert run_limited(python(body), timeout=20, output_limit=100, on_output=ignore).status == 33


@pytest.mark.parametrize("content", [b"\0\1\2", b"#!/no/such/interpreter\n"])
def test_program_that_cannot_start_is_a_tool_error(tmp_path, content):
    program = tmp_path / "program"
    program.write_bytes(content)
    program.chmod(0o755)
    with pytest.raises(ToolError, match="cannot be started"):
        run_limited([str(program)], timeout=1, output_limit=1, on_output=ignore)


def test_interrupted_run_leaves_no_pipe_open():
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ZeroDivisionError):
        run_limited(python("print(1)"), timeout=20, output_limit=100, on_output=lambda data: 1 // 0)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
