"""Why a run failed, as one line: of all reasons that hold the one closest to the cause."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bfimg.boot.exit_status import guest_exit
from bfimg.boot.process import Outcome
from bfimg.boot.report import Expectation
from bfimg.boot.serial_protocol import Event, MachineLines, ModuleResult
from bfimg.boot.serial_text import shortened
from bfimg.formats.boot_protocol import HOST_CONFIG_FILE, ExitValue

# Exit status of a QEMU that gives up.
QEMU_FAILURE = 1
# Statuses of a module that fail the run, whatever the kernel's exit value says.
BAD_MODULE_STATUSES = ("failed", "stopped", "invalid")


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the verdict rests on. timeout in seconds, output_limit in bytes: the limits of the run.

    more_keys_wanted: the guest was ended because it waited for more keys than there are. unused_keys: those it never
    waited for, in one line. output_problem: why there is no profile, or no dump, although it was asked for.
    """

    outcome: Outcome
    lines: Sequence[str]
    machine_lines: MachineLines
    nonce: str
    expected: tuple[Expectation, ...]
    timeout: float | None
    output_limit: int
    more_keys_wanted: bool = False
    unused_keys: str | None = None
    output_problem: str | None = None

    @property
    def nonce_echoed(self) -> bool:
        return any(event.get("nonce") == self.nonce for event in self.machine_lines.of("boot"))


def failure(evidence: Evidence) -> str | None:
    """The reason why the run failed. None when all of this holds:

    the guest ended with PASSED, echoed the nonce of this run, sent a done line, no fault of its own and no malformed
    machine line, no module failed, was stopped or invalid, every setting was accepted, every key waited for, the export
    came when one was asked for, and every expected text was found.
    """
    return next(_reasons(evidence), None)


def success(machine_lines: MachineLines) -> str:
    """What passed, such as ``12 modules, 1 not yet executable``; it begins with ``no modules`` when none was run."""
    counts = Counter(module.status for module in machine_lines.modules)
    passed = counts.pop("passed", 0)
    parts = []
    if passed:
        parts.append(_count(passed, "module"))
    elif not counts["unchecked"]:
        parts.append("no modules run")
    parts += [f"{count} {shortened(status, 40)}" for status, count in counts.items()]
    return ", ".join(parts)


def refusal(outcome: Outcome, lines: Sequence[str]) -> str | None:
    """QEMU's own message when it could not make the machine: a wrong machine or CPU, too much memory.

    None when a guest may have run: it said something, or QEMU ended in another way or without a message.
    """
    stopped = outcome.timed_out or outcome.overflowed
    ran = stopped or bool(lines) or outcome.status != QEMU_FAILURE
    return None if ran else _cause(outcome.stderr)


def _reasons(evidence: Evidence) -> Iterator[str]:
    yield from _limits(evidence)
    yield from _ending(evidence)
    yield from _proof(evidence)
    yield from _results(evidence)


def _limits(evidence: Evidence) -> Iterator[str]:
    if evidence.outcome.overflowed:
        yield f"stopped: the serial output exceeded {evidence.output_limit:,} bytes"
    if evidence.outcome.timed_out:
        unused = f", with these keys not used: {evidence.unused_keys}" if evidence.unused_keys else ""
        yield f"timed out after {evidence.timeout:g} s{unused}; {_last_line(evidence.lines)}"
    if evidence.more_keys_wanted:
        yield "stopped: the kernel waits for another key, and all keys are used; end the list with the one that ends it"


def _ending(evidence: Evidence) -> Iterator[str]:
    """Endings that are failures whatever was said before."""
    status = evidence.outcome.status
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        yield f"QEMU was ended by {name}{_qemu_says(evidence.outcome.stderr)}"
        return
    if status == 0:
        # QEMU ends so too when somebody sends it SIGTERM, and then says that.
        if b"terminating on signal" in evidence.outcome.stderr:
            yield f"QEMU was stopped from outside{_qemu_says(evidence.outcome.stderr)}"
        if not evidence.lines:
            message = _cause(evidence.outcome.stderr) or "no output, as from a boot sector that resets itself"
            yield f"QEMU ended without booting anything: {message}"
        yield f"the guest reset itself (triple fault) or shut down; {_last_line(evidence.lines)}"
        return
    ending = guest_exit(status)
    if status == QEMU_FAILURE and evidence.lines and not _messages(evidence.outcome.stderr):
        # So does the value 0 at isa-debug-exit, which no kernel writes. A QEMU that fails says why.
        yield f"the guest ended with the value 0, which means nothing; {_last_line(evidence.lines)}"
    elif ending is None:
        yield f"QEMU failed with status {status}{_qemu_says(evidence.outcome.stderr)}"
    elif ending.boot_error is not None:
        yield f"boot error {ending.boot_error}: {ending.boot_error_meaning}"
    elif ending.name is None:
        yield f"the guest ended with the unknown value {ending.value:#x}; {_last_line(evidence.lines)}"


def _proof(evidence: Evidence) -> Iterator[str]:
    boots = evidence.machine_lines.of("boot")
    # A fault of a module is one of its results.
    faults = [event for event in evidence.machine_lines.of("fault") if not event.get("module")]
    if faults:
        yield f"the kernel reported a fault: {_fields(faults[0])}"
    if not evidence.nonce_echoed:
        detail = "its boot line carries another nonce" if boots else "it sent no boot line"
        yield f"the image did not prove that it booted: {detail}"
    malformed = evidence.machine_lines.malformed
    if malformed:
        yield f"{_count(len(malformed), 'malformed machine line')}: {shortened(malformed[0])}"


def _results(evidence: Evidence) -> Iterator[str]:
    modules = evidence.machine_lines.modules
    for status in BAD_MODULE_STATUSES:
        names = [_blame(module) for module in modules if module.status == status]
        if names:
            yield f"{len(names)} of {len(modules)} modules {status}: {shortened(', '.join(names))}"
    ending = guest_exit(evidence.outcome.status)
    if ending is not None and ending.value == ExitValue.FAULT:
        yield f"the kernel ended by a fault; {_last_line(evidence.lines)}"
    done = evidence.machine_lines.of("done")
    if not done:
        yield f"the kernel sent no done line; {_last_line(evidence.lines)}"
    absent = [str(event.get("module")) for event in evidence.machine_lines.of("config") if event.get("module")]
    if absent:
        yield f"no module of this name: {shortened(', '.join(absent))}"
    if done and (ending is None or ending.value != ExitValue.PASSED):
        yield f"the kernel reported failure: {_fields(done[-1])}"
    refused = [event for event in evidence.machine_lines.of("config") if event.get("file") == HOST_CONFIG_FILE]
    if refused:
        # A person asked for something that was not done. What a volume asks for is the kernel's to judge.
        yield f"the kernel refused setting {refused[0].get('line')}: {shortened(str(refused[0].get('problem')))}"
    if evidence.unused_keys:
        yield f"the kernel did not wait for these keys: {evidence.unused_keys}"
    if evidence.output_problem:
        yield evidence.output_problem
    missing = [expectation.pattern for expectation in evidence.expected if expectation.line is None]
    if missing:
        yield f"not found in the serial output: {shortened(', '.join(missing))}"


def _blame(module: ModuleResult) -> str:
    """The module, and what stopped it."""
    return f"{module.name} ({module.reason})" if module.status == "stopped" and module.reason else module.name


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _last_line(lines: Sequence[str]) -> str:
    last = next((line for line in reversed(lines) if line.strip()), None)
    return "no serial output" if last is None else f"last line: {shortened(last)}"


def _messages(stderr: bytes) -> list[str]:
    """What QEMU said, warnings last. The first message names the cause, those behind it only advise."""
    lines = [line for line in stderr.decode("utf-8", "backslashreplace").splitlines() if line.strip()]
    return [shortened(line, 400) for line in sorted(lines, key=_is_warning)]


def _is_warning(message: str) -> bool:
    return "warning:" in message


def _cause(stderr: bytes) -> str | None:
    """QEMU's first message that is no warning."""
    return next((message for message in _messages(stderr) if not _is_warning(message)), None)


def _qemu_says(stderr: bytes) -> str:
    messages = _messages(stderr)
    return f": {messages[0]}" if messages else " and gave no message"


def _fields(event: Event) -> str:
    """``vector 13, eip 0x10f20``: all fields of an event but its kind. Large numbers are mostly addresses."""
    texts = []
    for key, value in event.items():
        if key != "event":
            texts.append(f"{key} {value:#x}" if type(value) is int and value > 255 else f"{key} {value}")
    return shortened(", ".join(texts), 300)
