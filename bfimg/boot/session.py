"""One run from options to report."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from bfimg.boot.exit_status import guest_exit
from bfimg.boot.options import BootOptions
from bfimg.boot.process import run_limited
from bfimg.boot.qemu import find_qemu, qemu_command
from bfimg.boot.report import BootReport, Expectation
from bfimg.boot.serial_protocol import parse_machine_lines
from bfimg.boot.serial_text import LineReader
from bfimg.boot.verdict import Evidence, failure, refusal, success
from bfimg.errors import InputError, ToolError, UsageError

# A guest in an endless print loop sends some MiB a second; a real run sends some KiB in all.
OUTPUT_LIMIT = 16 * 1024 * 1024
# Always the same length, so that the guest executes the same instructions on each run.
NONCE_BYTES = 16


def boot(options: BootOptions, on_line: Callable[[str], None] | None = None) -> BootReport:
    """Boot an image in QEMU and judge what it does. The disks are never written.

    `on_line` gets each serial line as it comes, without its line end; when it raises, QEMU is stopped.
    The report is a verdict, not an error, whatever the guest or QEMU does once the machine runs.

    Raises InputError when a disk cannot be read or the transcript not be written, UsageError when the
    transcript would overwrite a disk, ToolError when QEMU is missing, cannot be started, or refuses to make the
    machine, in its own words.
    """
    disks = [options.image] if options.slave is None else [options.image, options.slave]
    for disk in disks:
        _check_disk(disk)
    nonce = os.urandom(NONCE_BYTES).hex()
    command = qemu_command(options, find_qemu(options.qemu), nonce)
    reader = LineReader(on_line)
    with contextlib.ExitStack() as stack:
        keep = _transcript_writer(options.transcript, disks, stack)

        def take(data: bytes) -> None:
            keep(data)
            reader.feed(data)

        outcome = run_limited(command, timeout=options.timeout, output_limit=OUTPUT_LIMIT, on_output=take)
    reader.finish()
    refused = refusal(outcome, reader.lines)
    if refused is not None:
        raise ToolError(f"QEMU does not start the machine: {refused}", hint="correct what it names")

    evidence = Evidence(
        outcome=outcome,
        lines=reader.lines,
        machine_lines=parse_machine_lines(reader.lines),
        nonce=nonce,
        expected=tuple(_expectation(pattern, reader.lines) for pattern in options.expect),
        timeout=options.timeout,
        output_limit=OUTPUT_LIMIT,
    )
    reason = failure(evidence)
    # A QEMU that had to be stopped says nothing of the guest by its status.
    stopped = outcome.timed_out or outcome.overflowed
    ending = None if stopped else guest_exit(outcome.status)
    return BootReport(
        passed=reason is None,
        reason=success(evidence.machine_lines) if reason is None else reason,
        qemu_status=outcome.status,
        exit_value=ending.name if ending else None,
        boot_error=ending.boot_error if ending else None,
        boot_error_meaning=ending.boot_error_meaning if ending else None,
        nonce_echoed=evidence.nonce_echoed,
        timed_out=outcome.timed_out,
        seconds=outcome.seconds,
        modules=evidence.machine_lines.modules,
        expected=evidence.expected,
        malformed=evidence.machine_lines.malformed,
        events=evidence.machine_lines.events,
        transcript="".join(line + "\n" for line in reader.lines),
        command=command,
    )


def _expectation(pattern: str, lines: Sequence[str]) -> Expectation:
    search = re.compile(pattern).search
    return Expectation(pattern, next((line for line in lines if search(line)), None))


def _check_disk(path: Path) -> None:
    """Raises InputError for what QEMU would reject obscurely, wait for, or boot as an empty disk."""
    try:
        mode = path.stat()
        if not (stat.S_ISREG(mode.st_mode) or stat.S_ISBLK(mode.st_mode)):
            raise InputError("is no disk image", path=str(path), hint="give a regular file or a block device")
        with path.open("rb") as file:
            empty = not file.read(1)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read: {reason}", path=str(path), hint="name a disk image") from None
    if empty:
        raise InputError("is empty", path=str(path), hint="make an image: bfimg build -o disk.img")


def _transcript_writer(
    path: Path | None, disks: Sequence[Path], stack: contextlib.ExitStack
) -> Callable[[bytes], None]:
    """Function that appends to the transcript; it does nothing without one. `stack` closes the file."""
    if path is None:
        return lambda data: None
    if any(path.exists() and path.samefile(disk) for disk in disks):
        raise UsageError("the transcript would overwrite a disk", path=str(path), hint="name another file")
    try:
        # Unbuffered: it is complete up to the last byte even when we are killed.
        file = stack.enter_context(path.open("wb", buffering=0))
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None

    def write(data: bytes) -> None:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise _unwritable(path, error) from None

    return write


def _unwritable(path: Path, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(f"cannot be written: {reason}", path=str(path), hint="name another transcript file")
