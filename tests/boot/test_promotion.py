"""What the kernel says of compiled functions, as objects and in words."""

from __future__ import annotations

import pytest

from bfimg.boot.promotion import CompiledFunction, Promotion, compiled_functions, promotion_text

SWAP = {
    "event": "swap", "module": "sum", "function": 0, "function_name": "add", "level": 1, "calls": 100,
    "back_edges": 70, "code_bytes": 30, "compile_cycles": 600,
}  # fmt: skip
EVENT = {
    "event": "function", "module": "sum", "function": 0, "function_name": "add", "level": 3, "calls": 10000,
    "code_bytes": 40, "compile_cycles": 700, "cycles_before": 9000, "cycles_after": 5000,
}  # fmt: skip
BY_CALLS = Promotion(1, 100, 70, None, None)


def test_functions_come_in_the_order_of_their_events_with_their_own_swaps():
    sub = {"function": 1, "function_name": "sub", "level": 0}
    not_measured = {key: value for key, value in EVENT.items() if not key.startswith("cycles")}
    in_loop = {**SWAP, **sub, "level": 2, "block": 0, "problem": "no room"}
    events = [{"event": "boot"}, SWAP, in_loop, EVENT, {**not_measured, **sub}, {"event": "done"}]
    assert compiled_functions(events) == (
        CompiledFunction("sum", "add", 3, 10000, 40, 700, 9000, 5000, (BY_CALLS,)),
        CompiledFunction("sum", "sub", 0, 10000, 40, 700, None, None, (Promotion(2, 100, 70, 0, "no room"),)),
    )


def test_a_module_that_runs_again_begins_without_swaps():
    first, second, third = compiled_functions([SWAP, EVENT, SWAP, EVENT, EVENT])
    assert [f.promotions for f in (first, second, third)] == [(BY_CALLS,), (BY_CALLS,), ()]


CHANGES = [
    {"module": 1}, {"function_name": None}, {"level": True}, {"calls": "7"}, {"cycles_before": None},
    {"cycles_after": 1.5}, {"function": []}, {"code_bytes": "many"},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_an_event_that_is_not_as_the_kernel_sends_it_is_left_out(change):
    assert compiled_functions([{**EVENT, **change}]) == ()


@pytest.mark.parametrize("change", [{"module": []}, {"back_edges": None}, {"block": "1"}, {"problem": 3}])
def test_a_swap_that_is_not_as_the_kernel_sends_it_is_left_out(change):
    assert compiled_functions([{**SWAP, **change}, EVENT])[0].promotions == ()


CALLS = tuple(Promotion(level, 10**level * 10, 0, None, None) for level in (1, 2, 3))
LOOPS = tuple(Promotion(level, 1, 10**level * 100, 4, None) for level in (1, 2, 3))


@pytest.mark.parametrize(
    ("promotions", "text"),
    [
        ((), ""),
        (CALLS, "O1 at 100 calls, O2 at 1,000, O3 at 10,000"),
        (LOOPS, "O1 at 1,000 jumps back, O2 at 10,000, O3 at 100,000"),
        ((CALLS[0], *LOOPS[1:]), "O1 at 100 calls, O2 at 10,000 jumps back, O3 at 100,000"),
        ((*LOOPS[:2], CALLS[2]), "O1 at 1,000 jumps back, O2 at 10,000, O3 at 10,000 calls"),
        ((Promotion(3, 1, 0, None, None),), "O3 at 1 call"),
        ((Promotion(3, 1, 1, 2, None),), "O3 at 1 jump back"),
        (
            (CALLS[0], Promotion(2, 1000, 0, None, "no room: raise jit_code_kib"), Promotion(2, 1200, 0, None, None)),
            "O1 at 100 calls, no O2 at 1,000: no room: raise jit_code_kib, O2 at 1,200",
        ),
    ],
)
def test_swaps_in_words(promotions, text):
    assert promotion_text(promotions) == text
