"""Run a program under a time limit and an output limit that always hold."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

from bfimg.errors import ToolError

# How long a program may take to end by itself after SIGTERM.
GRACE_SECONDS = 0.5
# How often a program whose output stays open is asked whether it has ended.
POLL_SECONDS = 0.1
CHUNK_BYTES = 65_536
STDERR_KEPT_BYTES = 65_536
# Linux, prctl(2): the signal a process gets when the one that started it has ended.
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended.

    status: exit status, negative signal number when a signal ended it. stderr: its last STDERR_KEPT_BYTES.
    seconds: wall time. timed_out, overflowed: a limit was reached, and the program was stopped for it.
    """

    status: int
    stderr: bytes
    seconds: float
    timed_out: bool
    overflowed: bool


def run_limited(
    command: Sequence[str],
    *,
    timeout: float | None,
    output_limit: int,
    on_output: Callable[[bytes], None],
    on_start: Callable[[], None] | None = None,
    inherited: Sequence[int] = (),
    typed: int | None = None,
) -> Outcome:
    """Run `command`; give its standard output to `on_output` as it comes.

    It is stopped, with every process in its group, after `timeout` seconds (None: never), when it writes more than
    `output_limit` bytes, and when `on_output` raises or the caller is interrupted. When this returns or
    raises, nothing of the group is left. On Linux the program itself is killed even when the caller has no time
    to see to it, as by SIGKILL.
    on_start: called once when the program runs, under the same limits. inherited: file descriptors the program gets.
    typed: file descriptor of a terminal; what is typed there becomes the standard input, which is empty without.
    Raises ToolError when the program cannot be started.
    """
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL if typed is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=inherited,
            # Its own process group, so that the whole group can be killed. A Ctrl-C then reaches only us.
            start_new_session=True,
            preexec_fn=_bind_to_caller(),
        )
    except (OSError, ValueError) as error:
        raise ToolError(f"cannot be started: {error}", path=command[0], hint="name another program") from None
    child = _Child(process)
    # A thread of its own: the limit holds even while `on_output` blocks.
    watchdog = threading.Timer(timeout or 0, child.expire)
    watchdog.daemon = True
    stderr = bytearray()
    try:
        if timeout is not None:
            watchdog.start()
        if on_start is not None:
            on_start()
        overflowed = _collect(process, output_limit, on_output, stderr, typed)
        if not overflowed:
            # Both pipes can be closed a moment before the end. The watchdog bounds this wait.
            process.wait()
    finally:
        watchdog.cancel()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        child.stop()
    return Outcome(process.returncode, bytes(stderr), time.monotonic() - started, child.timed_out, overflowed)


def _bind_to_caller() -> Callable[[], None] | None:
    """What the new process does before it becomes the program, so that it does not outlive us; None but on Linux.

    The signal comes when the calling thread ends, which waits for the program as long as it lives.
    """
    if sys.platform != "linux":
        return None
    import ctypes  # here, because it takes some milliseconds

    prctl = ctypes.CDLL(None).prctl
    caller = os.getpid()
    sigkill = int(signal.SIGKILL)

    def bind() -> None:
        # Between fork and exec another thread's locks stay locked for ever: no import, nothing that takes one.
        prctl(PR_SET_PDEATHSIG, sigkill)
        if os.getppid() != caller:  # it ended before the call above
            os._exit(1)

    return bind


class _Child:
    """A process group that is stopped once, from whichever thread asks first."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._stopped = False
        self.timed_out = False

    def expire(self) -> None:
        """Stop the program because its time is up."""
        if self._process.poll() is None:
            self.timed_out = True
            self.stop()

    def stop(self) -> None:
        """End the whole group: politely first, then by SIGKILL. Returns when the program has ended."""
        with self._lock:
            # Once only: later the group's number may belong to somebody else.
            if self._stopped:
                return
            try:
                if self._process.poll() is None:
                    self._signal(signal.SIGTERM)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self._process.wait(GRACE_SECONDS)
            finally:
                self._signal(signal.SIGKILL)
                self._stopped = True
                self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        # PermissionError is what some systems say of a group in which all have ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _collect(
    process: subprocess.Popen[bytes],
    limit: int,
    on_output: Callable[[bytes], None],
    stderr: bytearray,
    typed: int | None,
) -> bool:
    """Read both pipes until their end, or the program's. True when standard output exceeded `limit` bytes."""
    assert process.stdout is not None and process.stderr is not None
    total = 0
    pipes: set[object] = {process.stdout, process.stderr}
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.register(process.stderr, selectors.EVENT_READ)
        if typed is not None and process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(typed, selectors.EVENT_READ)
        while pipes:
            # Asked before the pipes are: what a program wrote before its end is then always read.
            ended = process.poll() is not None
            ready = selector.select(0 if ended else POLL_SECONDS)
            if ended and not ready:
                # Somebody the program left behind keeps the pipes open.
                break
            for key, _ in ready:
                if key.fileobj not in pipes:
                    if ended or process.stdin is None or not _hand_over(key.fd, process.stdin):
                        selector.unregister(key.fileobj)
                    continue
                data = os.read(key.fd, CHUNK_BYTES)
                if not data:
                    selector.unregister(key.fileobj)
                    pipes.discard(key.fileobj)
                elif key.fileobj is process.stderr:
                    stderr += data
                    del stderr[:-STDERR_KEPT_BYTES]
                else:
                    on_output(data[: limit - total])
                    total += len(data)
                    if total > limit:
                        return True
    return False


def _hand_over(typed: int, stdin: IO[bytes]) -> bool:
    """Pass on what was typed. False when no more can come, or be taken."""
    try:
        data = os.read(typed, CHUNK_BYTES)
        if data:
            os.write(stdin.fileno(), data)
    except BlockingIOError:
        # As on a serial line without flow control: what the program does not read in time is lost.
        return True
    except OSError:
        return False
    return bool(data)
