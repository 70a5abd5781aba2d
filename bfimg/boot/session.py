"""One run from options to report."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bfimg.boot.exit_status import guest_exit
from bfimg.boot.keys import ScriptedKeys
from bfimg.boot.monitor import Monitor
from bfimg.boot.options import BootOptions
from bfimg.boot.people_text import LiveText
from bfimg.boot.process import run_limited
from bfimg.boot.qemu import find_qemu, qemu_command
from bfimg.boot.report import BootReport, Expectation
from bfimg.boot.serial_protocol import MachineLines, event_kind, parse_machine_lines
from bfimg.boot.serial_text import LineReader
from bfimg.boot.terminal import Terminal, typed_keys
from bfimg.boot.verdict import Evidence, failure, refusal, success
from bfimg.errors import FormatError, InputError, ToolError, UsageError
from bfimg.host_file import replaced_file

if TYPE_CHECKING:
    from bfimg.image.store import Store

# A guest in an endless print loop sends some MiB a second; a real run sends some KiB in all.
OUTPUT_LIMIT = 16 * 1024 * 1024
# Always the same length, so that the guest executes the same instructions on each run.
NONCE_BYTES = 16
# The machine line by which the kernel says that it waits for a key.
WAIT_KEY_EVENT = "wait_key"


def boot(
    options: BootOptions, on_line: Callable[[str], None] | None = None, terminal: Terminal | None = None
) -> BootReport:
    """Boot an image in QEMU and judge what it does. The disks are not written, but for `options.keep_writes`.

    `on_line` gets each serial line as it comes, without its line end; when it raises, QEMU is stopped.
    `terminal` is where an interactive run takes place.
    The report is a verdict, not an error, whatever the guest or QEMU does once the machine runs.

    Raises InputError when a disk cannot be read or a file that was asked for not be written, UsageError when one of
    these would overwrite a disk, when QEMU does not know a key, or when there is no terminal for an interactive
    run, BusyError when another process changes an image that is to be written, ToolError when QEMU is missing,
    cannot be started, or refuses to make the machine, in its own words.
    """
    disks = [options.image] if options.slave is None else [options.image, options.slave]
    for disk in disks:
        _check_disk(disk)
    if options.profile is not None:
        _check_output(options.profile, disks, "profile")
    if options.dump is not None:
        _check_output(options.dump, disks, "dump")
    if options.interactive and terminal is None:
        raise UsageError("an interactive run needs a terminal", hint="hand one over, or give keys beforehand")
    nonce = os.urandom(NONCE_BYTES).hex()
    command = qemu_command(options, find_qemu(options.qemu), nonce)
    serial = bytearray()
    with contextlib.ExitStack() as stack:
        if options.keep_writes:
            stack.enter_context(_locked(options.image))
        receivers = [_transcript_writer(options.transcript, disks, stack)]
        if options.profile is not None:
            receivers.append(serial.extend)
        if terminal is not None:
            stack.enter_context(typed_keys(terminal.keyboard))
            receivers.append(LiveText(terminal.show).feed)
        keys = None
        if options.keys:
            keys = ScriptedKeys(options.keys, stack.enter_context(Monitor()))
            command += keys.monitor.arguments
        reader = LineReader(_line_taker(on_line, keys))
        receivers.append(reader.feed)

        def take(data: bytes) -> None:
            for receive in receivers:
                receive(data)

        outcome = run_limited(
            command,
            timeout=options.timeout,
            output_limit=OUTPUT_LIMIT,
            on_output=take,
            on_start=keys.start if keys is not None else None,
            inherited=(keys.monitor.inherited,) if keys is not None else (),
            typed=terminal.keyboard if terminal is not None else None,
        )
        reader.finish()
    refused = refusal(outcome, reader.lines)
    if refused is not None:
        raise ToolError(f"QEMU does not start the machine: {refused}", hint="correct what it names")

    export_problem = _save_export(bytes(serial), options.profile) if options.profile is not None else None
    machine_lines = parse_machine_lines(reader.lines)
    dump_problem = _save_dump(machine_lines, options.dump) if options.dump is not None else None
    evidence = Evidence(
        outcome=outcome,
        lines=reader.lines,
        machine_lines=machine_lines,
        nonce=nonce,
        expected=tuple(_expectation(pattern, reader.lines) for pattern in options.expect),
        timeout=options.timeout,
        output_limit=OUTPUT_LIMIT,
        more_keys_wanted=keys is not None and keys.ended_guest,
        unused_keys=keys.unused if keys is not None else None,
        output_problem=export_problem or dump_problem,
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
        profile=str(options.profile) if options.profile is not None and export_problem is None else None,
        command=command,
    )


def _line_taker(on_line: Callable[[str], None] | None, keys: ScriptedKeys | None) -> Callable[[str], None]:
    def take(line: str) -> None:
        if on_line is not None:
            on_line(line)
        if keys is not None and event_kind(line) == WAIT_KEY_EVENT:
            keys.guest_waits()

    return take


def _save_export(serial: bytes, path: Path) -> str | None:
    """Write the export in a run's serial output to `path`; the reason when it has none that is complete and correct."""
    from bfimg.profile.export import take_export
    from bfimg.profile.read import parse_profile

    try:
        document = take_export(serial)
        parse_profile(document)
    except FormatError as error:
        return f"no profile: {error}"
    try:
        with replaced_file(path) as stream:
            stream.write(document)
    except OSError as error:
        raise _unwritable(path, error, "profile") from None
    return None


def _save_dump(lines: MachineLines, path: Path) -> str | None:
    """Write the dumps of a run to `path` as text; the reason when they are not what the kernel sends."""
    from bfimg.boot.dump import dump_lines

    try:
        text = "".join(f"{line}\n" for line in dump_lines(lines.of("dump")))
    except FormatError as error:
        return f"no dump: {error}"
    try:
        with replaced_file(path) as stream:
            stream.write(text.encode())
    except OSError as error:
        raise _unwritable(path, error, "dump") from None
    return None


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


def _locked(image: Path) -> Store:
    """The image, kept from other writers until it is closed."""
    from bfimg.image.store import Store

    return Store.open(image, write=True)


def _transcript_writer(
    path: Path | None, disks: Sequence[Path], stack: contextlib.ExitStack
) -> Callable[[bytes], None]:
    """Function that appends to the transcript; it does nothing without one. `stack` closes the file."""
    if path is None:
        return lambda data: None
    _check_output(path, disks, "transcript")
    try:
        # Unbuffered: it is complete up to the last byte even when we are killed.
        file = stack.enter_context(path.open("wb", buffering=0))
    except (OSError, ValueError) as error:
        raise _unwritable(path, error, "transcript") from None

    def write(data: bytes) -> None:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise _unwritable(path, error, "transcript") from None

    return write


def _check_output(path: Path, disks: Sequence[Path], kind: str) -> None:
    """Raises what can be known before the run: UsageError for a disk, InputError when there is no place for a file."""
    if any(path.exists() and path.samefile(disk) for disk in disks):
        raise UsageError(f"the {kind} would overwrite a disk", path=str(path), hint="name another file")
    if path.is_dir() or not path.absolute().parent.is_dir():
        number = errno.EISDIR if path.is_dir() else errno.ENOENT
        raise _unwritable(path, OSError(number, os.strerror(number)), kind)


def _unwritable(path: Path, error: Exception, kind: str) -> InputError:
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(f"cannot be written: {reason}", path=str(path), hint=f"name another {kind} file")
