"""What became of the functions of bitcode modules: the `swap` and `function` events of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bfimg.boot.serial_protocol import Event


@dataclass(frozen=True, slots=True)
class Promotion:
    """Better code for a function. level: 1 to 3. calls, back_edges: calls and jumps back of the function up to then.

    block: head of the loop whose jumps back were enough, None when it was the calls. problem: why there was no better
    code, None when there was.
    """

    level: int
    calls: int
    back_edges: int
    block: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class CompiledFunction:
    """A function that was called. level: of its code in the end, 0 to 3. calls: each one. code_bytes: of that code.

    compile_cycles: spent on compiling that code, by rdtsc. cycles_before: of a call of the module's entry with this
    function at level 0 and all others as they were in the end. cycles_after: of one with all as they were in the end.
    Both are None when the kernel did not measure them. promotions: in their order.
    """

    module: str
    function_name: str
    level: int
    calls: int
    code_bytes: int
    compile_cycles: int
    cycles_before: int | None
    cycles_after: int | None
    promotions: tuple[Promotion, ...]


def compiled_functions(events: Iterable[Event]) -> tuple[CompiledFunction, ...]:
    """The functions that the kernel reported, in that order; an event that is not as it sends them is left out."""
    promotions: defaultdict[object, list[Promotion]] = defaultdict(list)
    found = []
    for event in events:
        if not _has(event, str, "module", "function_name") or not _has(event, int, "function", "level", "calls"):
            continue
        key = event["module"], event["function"]
        if (
            event["event"] == "swap"
            and _has(event, int, "back_edges")
            and _may_have(event, int, "block")
            and _may_have(event, str, "problem")
        ):
            values = event["level"], event["calls"], event["back_edges"], event.get("block"), event.get("problem")
            promotions[key].append(Promotion(*values))
        elif (
            event["event"] == "function"
            and _has(event, int, "code_bytes", "compile_cycles")
            and _may_have(event, int, "cycles_before", "cycles_after")
        ):
            names = "module", "function_name", "level", "calls", "code_bytes", "compile_cycles"
            members: dict[str, Any] = {name: event[name] for name in names}
            members |= {name: event.get(name) for name in ("cycles_before", "cycles_after")}
            # A module may run again: what it was promoted by begins anew.
            found.append(CompiledFunction(**members, promotions=tuple(promotions.pop(key, ()))))
    return tuple(found)


def promotion_text(promotions: Iterable[Promotion]) -> str:
    """In one line, such as ``O1 at 1,000 jumps back, O2 at 10,000, O3 at 10,000 calls``; the last unit holds on."""
    parts, unit = [], ""
    for promotion in promotions:
        count, one, many = (promotion.calls, "call", "calls")
        if promotion.block is not None:
            count, one, many = (promotion.back_edges, "jump back", "jumps back")
        text = f"O{promotion.level} at {count:,}"
        if many != unit:
            text += f" {one if count == 1 else many}"
        parts.append(text if promotion.problem is None else f"no {text}: {promotion.problem}")
        unit = many
    return ", ".join(parts)


def _has(event: Event, kind: type, *keys: str) -> bool:
    # `type`, because to isinstance a JSON true is an integer.
    return all(type(event.get(key)) is kind for key in keys)


def _may_have(event: Event, kind: type, *keys: str) -> bool:
    return all(key not in event or type(event[key]) is kind for key in keys)
