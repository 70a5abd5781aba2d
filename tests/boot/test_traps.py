"""Where the kernel says that programs were stopped, in words."""

from __future__ import annotations

import pytest

from bfimg.boot.traps import trap_places
from bfimg.formats.pattern_ops import Op

FAULT = {
    "event": "fault", "module": "sum", "name": "divide trap", "function": 2, "function_name": "add", "block": 1,
    "operation": 3, "op": Op.DIV_U32.value,
}  # fmt: skip


def test_a_place_is_told_in_words():
    assert trap_places([{"event": "boot"}, FAULT]) == {"sum": "add, block 1, operation 3 (div.u32)"}


def test_a_function_without_a_name_is_told_by_its_number():
    assert trap_places([{**FAULT, "function_name": ""}]) == {"sum": "function 2, block 1, operation 3 (div.u32)"}


def test_the_last_stop_of_a_module_counts():
    assert trap_places([FAULT, {**FAULT, "operation": 4}])["sum"].startswith("add, block 1, operation 4")


@pytest.mark.parametrize(
    "change", [{"event": "swap"}, {"module": 1}, {"block": True}, {"op": []}, {"op": 0}, {"function": None}]
)
def test_what_names_no_place_is_left_out(change):
    assert trap_places([{**FAULT, **change}]) == {}
