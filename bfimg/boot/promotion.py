"""What became of the functions of bitcode modules: the `function` events of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bfimg.boot.serial_protocol import Event


@dataclass(frozen=True, slots=True)
class CompiledFunction:
    """A function that was called. level: of its code in the end, 0 to 3. calls: each one. code_bytes: of that code.
    compile_cycles: spent on compiling that code, by rdtsc."""

    module: str
    function_name: str
    level: int
    calls: int
    code_bytes: int
    compile_cycles: int


def compiled_functions(events: Iterable[Event]) -> tuple[CompiledFunction, ...]:
    """The functions that the kernel reported, in that order; an event that lacks something is left out."""
    found = []
    for event in events:
        texts = [event.get(key) for key in ("module", "function_name")]
        numbers = [event.get(key) for key in ("level", "calls", "code_bytes", "compile_cycles")]
        # `type`, because to isinstance a JSON true is an integer.
        if (
            event["event"] == "function"
            and all(type(text) is str for text in texts)
            and all(type(number) is int for number in numbers)
        ):
            found.append(CompiledFunction(*texts, *numbers))  # type: ignore[arg-type]
    return tuple(found)
