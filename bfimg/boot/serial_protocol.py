"""The lines for machines that a guest sends on its serial port."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bfimg.formats.boot_protocol import LINE_PREFIX

Event = dict[str, Any]
# Lists and objects inside one another in an event: few enough to be copied and written by recursion.
NESTING_MAX = 8


@dataclass(frozen=True, slots=True)
class ModuleResult:
    """What the kernel did with one module.

    name: name in the module's header, or the path when the header could not be read. file: path on the volume, "" for
    a module that is no file. source: "embedded", "disk" or "cache". kind: "native" or "bitcode".
    status: "passed", "failed", "unchecked", "stopped", "invalid", "not yet executable", ... size: the n it was called
    with. calls: how often. answer, expected: 32-bit results. cycles: of all calls that returned together, by rdtsc.
    code_bytes: machine code. reason: why it is invalid, or what stopped it. first_cycles, last_cycles: of a program,
    those of the first and of the last call that returned. None: the kernel did not say.
    """

    name: str
    file: str | None
    source: str | None
    kind: str | None
    status: str
    size: int | None
    calls: int | None
    answer: int | None
    expected: int | None
    cycles: int | None
    code_bytes: int | None
    reason: str | None
    first_cycles: int | None
    last_cycles: int | None


@dataclass(frozen=True, slots=True)
class MachineLines:
    """All machine lines of one run, in order. malformed: those that are no event, as they came."""

    events: tuple[Event, ...]
    modules: tuple[ModuleResult, ...]
    malformed: tuple[str, ...]

    def of(self, kind: str) -> tuple[Event, ...]:
        """The events of one kind, such as ``boot`` or ``done``."""
        return tuple(event for event in self.events if event["event"] == kind)


def parse_machine_lines(lines: Iterable[str]) -> MachineLines:
    """Read the lines that start with LINE_PREFIX; others are for people. Bad ones are kept apart.

    An event may stand behind what a module has sent to the port itself without ending the line.
    """
    events: list[Event] = []
    modules: list[ModuleResult] = []
    malformed: list[str] = []
    for line in lines:
        start = line.find(LINE_PREFIX + "{")
        event = _parse_event(line[start:]) if start >= 0 else None
        if event is None and not line.startswith(LINE_PREFIX):
            continue
        module = _module_result(event) if event is not None and event["event"] == "module" else None
        if event is None or (event["event"] == "module" and module is None):
            malformed.append(line)
            continue
        events.append(event)
        if module is not None:
            modules.append(module)
    return MachineLines(tuple(events), tuple(modules), tuple(malformed))


def is_event_line(line: str) -> bool:
    """Whether a serial line is a well-formed line for machines."""
    return event_kind(line) is not None


def event_kind(line: str) -> str | None:
    """What a serial line reports, such as ``boot``; None when it is no well-formed line for machines."""
    event = _parse_event(line) if line.startswith(LINE_PREFIX) else None
    return None if event is None else event["event"]


def _parse_event(line: str) -> Event | None:
    """The event in one machine line; None when it is not one JSON object with a textual ``event``."""
    try:
        event = json.loads(line[len(LINE_PREFIX) :], parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str) or not _is_shallow(event):
        return None
    return event


def _is_shallow(value: object, levels: int = NESTING_MAX) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return True
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in value)


def _refuse_constant(name: str) -> None:
    # Python reads NaN and Infinity; JSON has neither.
    raise ValueError(name)


def _module_result(event: Event) -> ModuleResult | None:
    """None when a field has a type that the protocol does not give it."""
    texts = {key: event.get(key) for key in ("name", "file", "source", "kind", "status", "reason")}
    of_calls = ("size", "calls", "answer", "expected", "cycles", "first_cycles", "last_cycles")
    numbers = {key: event.get(key) for key in (*of_calls, "code_bytes")}
    name = texts["name"] or texts["file"]
    if not name or not texts["status"]:
        return None
    if not all(value is None or isinstance(value, str) for value in texts.values()):
        return None
    # `type`, because to isinstance a JSON true is an integer.
    if not all(value is None or type(value) is int for value in numbers.values()):
        return None
    fields: dict[str, Any] = {**texts, **numbers, "name": name}
    return ModuleResult(**fields)
