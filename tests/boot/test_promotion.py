"""What the kernel says of compiled functions, as objects."""

from __future__ import annotations

import pytest

from bfimg.boot.promotion import CompiledFunction, compiled_functions

EVENT = {
    "event": "function", "module": "sum", "function": 0, "function_name": "add", "level": 3, "calls": 10000,
    "code_bytes": 40, "compile_cycles": 700,
}  # fmt: skip


def test_functions_come_in_the_order_of_their_events():
    events = [{"event": "boot"}, EVENT, {**EVENT, "function_name": "sub", "level": 0}, {"event": "done"}]
    add = CompiledFunction("sum", "add", 3, 10000, 40, 700)
    assert compiled_functions(events) == (add, CompiledFunction("sum", "sub", 0, 10000, 40, 700))


@pytest.mark.parametrize("change", [{"module": 1}, {"function_name": None}, {"level": True}, {"calls": "7"}])
def test_an_event_that_is_not_as_the_kernel_sends_it_is_left_out(change):
    assert compiled_functions([{**EVENT, **change}]) == ()
