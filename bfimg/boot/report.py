"""The result of one run."""

from __future__ import annotations

from dataclasses import dataclass

from bfimg.boot.serial_protocol import Event, ModuleResult


@dataclass(frozen=True, slots=True)
class Expectation:
    """A regular expression that was asked for, and the first line it was found in; None when in none."""

    pattern: str
    line: str | None


@dataclass(frozen=True, slots=True)
class BootReport:
    """What an image did in QEMU, and the verdict.

    passed: it proved that it booted, and all went well. reason: one line; why it failed, or what passed.
    qemu_status: QEMU's exit status, negative signal number when a signal ended it.
    exit_value: name of the value the guest wrote to isa-debug-exit, None when it wrote none that is known.
    boot_error, boot_error_meaning: number that stage 1 or 2 failed with, and what it means.
    nonce_echoed: the boot line carried the nonce of this very run.
    events, modules, malformed: the machine lines. transcript: serial text, each line ended by LF.
    profile: file the kernel's export was written to, None when none was asked for or was correct.
    seconds: wall time from QEMU's start to its end. command: what was run.
    """

    passed: bool
    reason: str
    qemu_status: int
    exit_value: str | None
    boot_error: int | None
    boot_error_meaning: str | None
    nonce_echoed: bool
    timed_out: bool
    seconds: float
    modules: tuple[ModuleResult, ...]
    expected: tuple[Expectation, ...]
    malformed: tuple[str, ...]
    events: tuple[Event, ...]
    transcript: str
    profile: str | None
    command: tuple[str, ...]
