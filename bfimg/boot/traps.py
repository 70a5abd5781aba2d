"""Where programs were stopped: the places that `fault` events name."""

from __future__ import annotations

from collections.abc import Iterable

from bfimg.boot.serial_protocol import Event
from bfimg.formats.pattern_ops import Op

_OPS = {op.value: op for op in Op}


def trap_places(events: Iterable[Event]) -> dict[str, str]:
    """By module, where its program was stopped last, such as ``add_byte, block 1, operation 3 (div.u32)``.

    Blocks and operations count from 0. What ran natively has no place, nor has an event that is not as the kernel sends
    it.
    """
    places: dict[str, str] = {}
    for event in events:
        module, name = event.get("module"), event.get("function_name")
        numbers = [event.get(key) for key in ("function", "block", "operation", "op")]
        if event["event"] != "fault" or not all(type(number) is int for number in numbers):
            continue
        function, block, operation, number = numbers
        op = _OPS.get(number or 0)
        if op is not None and isinstance(module, str) and isinstance(name, str):
            where = name or f"function {function}"
            places[module] = f"{where}, block {block}, operation {operation} ({op.mnemonic})"
    return places
