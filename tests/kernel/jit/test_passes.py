"""What the passes of the kernel's compiler prove of loads and stores, and what they must not."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from bfimg.formats.memory_map import PAGE_SIZE
from bfimg.formats.pattern_program import ARENA_START
from bfimg.pattern.assemble import assemble
from bfimg.pattern.encode import encode_program
from bfimg.pattern.interpret import Machine
from tests.compiled import Case, compare, compile_only, record

GUARDED = ARENA_START + PAGE_SIZE
LARGE = ARENA_START + 16 * PAGE_SIZE
LEVEL = 2


def program(body: str, arena: int = GUARDED) -> bytes:
    head = f"program entry @main, arena {arena}, stack 64, data_end 16, depth 2\n"
    function = 'function "main" (i32, i32) -> i32, registers 6 1 0 1, frame 32\n'
    return encode_program(assemble(head + function + body + " return.value r2\n"))


def straight(*lines: str) -> str:
    return "b0, depth 0:\n" + "".join(f" {line}\n" for line in lines)


def proven(body: str, runner: Path, arena: int = GUARDED, *, of: int) -> int:
    """How many accesses are proven, `of` so many in the code; what the program does at the edges is compared, too."""
    data = program(body, arena)
    head = compile_only(runner, data, LEVEL)
    assert head["accesses"] == of
    machine, case = Machine(data), Case(data)
    edges = [arena - 4100, arena - 8, arena - 4, arena - 1, arena, arena + 4090]
    for first in (0, 16, 100, *edges, 1 << 31, (1 << 32) - 8):
        for second in (0, 1, 3, 300):
            values = [first % (1 << 32), second]
            record(machine, case, values, machine.call(values, fuel=100_000))
    compare(runner, [case])
    return int(head["proven"])


@pytest.mark.parametrize(
    ("second", "count"),
    [
        ("load.i32 r2, [r0 + 508]", 1),
        ("load.i32.at r2, [r0 + 4096]", 1),
        ("load.i32.at r2, [r0 + 4097]", 0),
        ("load.u8.at r2, [r0 + 4099]", 1),
        ("load.i64.at r6, [r0 + 4092]", 1),
        ("load.i64.at r6, [r0 + 4096]", 0),
        ("load.f64.at r7, [r0 + -4096]", 1),
        ("load.u8.at r2, [r0 + -4097]", 0),
        ("load.i32 r2, [r1]", 0),
    ],
)
def test_what_is_less_than_a_page_from_a_good_access_needs_no_check(
    second: str, count: int, compiled_runner: Path
) -> None:
    assert proven(straight("store.i32 r1, [r0]", second), compiled_runner, of=2) == count


def test_without_a_page_behind_the_arena_only_what_was_accessed_is_good(compiled_runner: Path) -> None:
    for second, count in (("", 1), (" + -8", 1), (" + 4", 0)):
        lines = straight("store.i32 r1, [r0]", f"load.i32 r2, [r0{second}]")
        assert proven(lines, compiled_runner, 256, of=2) == count


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ("add.i32.imm8 r0, r0, -100", 1),
        ("add.i32.imm32 r0, r0, 5000", 0),
        ("shl.i32.imm8 r0, r0, 1", 0),
        ("load.i32 r0, [r0]", 1),
        ("move.i32 r3, r0", 1),
    ],
)
def test_facts_follow_what_happens_to_a_register(change: str, count: int, compiled_runner: Path) -> None:
    lines = straight("store.i32 r1, [r0]", change, "load.u8 r2, [r0]")
    assert proven(lines, compiled_runner, of=2 + change.startswith("load")) == count


def test_a_fact_holds_for_sums_of_multiples(compiled_runner: Path) -> None:
    lines = ["shl.i32.imm8 r2, r1, 7", "store.i32.at r1, [r2 + r0 * 4 + 16]", "add.i32.imm8 r1, r1, 1"]
    lines += ["mul.i32.imm32 r3, r1, 128", "load.i32.at r2, [r3 + r0 * 4 + 16]"]
    assert proven(straight(*lines), compiled_runner, of=2) == 1


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        (["and.i32.imm32 r2, r0, 1023", "load.i32.at r3, [r2 * 4 + 16]"], 1),
        (["and.i32.imm32 r2, r0, 4095", "load.i32.at r3, [r2 * 4 + 16]"], 0),
        (["shr.i32.imm8 r2, r0, 22", "load.i32.at r3, [r2 * 8 + 16]"], 1),
        (["extend.u8 r2, r0", "shl.i32.imm8 r3, r2, 4", "load.i64 r6, [r3]"], 1),
        (["frame r2, 0", "store.i32 r0, [r2 + 28]"], 1),
        (["frame r2, 32", "store.i32.at r0, [r2 + 4096]"], 0),
        (["const.i32.16 r2, 20", "load.i32 r3, [r2]"], 1),
        (["const.i32.16 r2, -1", "load.i32 r3, [r2]"], 1),
        (["const.i32 r2, 9000", "load.i32 r3, [r2]"], 0),
        (["const.i32.16 r3, 100", "select.i32.compare r3, r0, r3, ult, r0, r3", "load.i32 r2, [r3]"], 1),
        (["const.i32.16 r3, 100", "select.i32.compare r3, r0, r3, ugt, r0, r3", "load.i32 r2, [r3]"], 0),
        (["const.i32.16 r3, 500", "rem.u32 r2, r0, r3", "load.u8 r4, [r2]"], 1),
    ],
)
def test_a_small_value_is_a_good_address(lines: list[str], count: int, compiled_runner: Path) -> None:
    assert proven(straight(*lines), compiled_runner, of=1) == count


@pytest.mark.parametrize(("lost", "count"), [("add.i32.imm8 r4, r4, 1", 1), ("move.i32 r0, r1", 0)])
def test_a_fact_must_hold_on_all_ways(lost: str, count: int, compiled_runner: Path) -> None:
    body = straight("store.i32 r1, [r0]", "branch.i32 ult, r1, r0, b1, b2")
    body += f"b1, depth 0:\n {lost}\n jump b2\nb2, depth 0:\n load.i32 r2, [r0]\n"
    assert proven(body, compiled_runner, of=2) == count


def test_a_branch_bounds_a_register(compiled_runner: Path) -> None:
    body = straight("branch.i32.imm32 ult, r0, 4000, b2, b1")
    body += "b1, depth 0:\n load.u8 r2, [r0]\n jump b2\nb2, depth 0:\n load.u8 r3, [r0]\n"
    assert proven(body, compiled_runner, of=2) == 1


@pytest.mark.parametrize(("step", "count"), [(4, 1), (-64, 1), (127, 1), (4096, 1), (4097, 0), (-4097, 0)])
def test_the_first_round_of_a_loop_checks_for_the_others(step: int, count: int, compiled_runner: Path) -> None:
    body = straight("jump b1")
    body += f"b1, depth 1:\n load.u8 r2, [r0]\n add.i32.imm32 r0, r0, {step}\n add.i32.imm8 r1, r1, -1\n"
    body += " branch.i32.imm8 ne, r1, 0, b1, b2\nb2, depth 0:\n"
    assert proven(body, compiled_runner, LARGE, of=2) == count


def test_an_access_on_one_way_through_a_loop_does_not_check_for_the_others(compiled_runner: Path) -> None:
    body = straight("jump b1")
    body += "b1, depth 1:\n and.i32.imm8 r3, r1, 64\n branch.i32.imm8 eq, r3, 0, b2, b3\n"
    body += "b2, depth 1:\n load.u8 r2, [r0]\n jump b3\n"
    body += "b3, depth 1:\n add.i32.imm32 r0, r0, 128\n add.i32.imm8 r1, r1, -1\n branch.i32.imm8 ne, r1, 0, b1, b4\n"
    assert proven(body + "b4, depth 0:\n", compiled_runner, LARGE, of=2) == 0


CHANGES = [
    "add.i32.imm8 {0}, {0}, 3",
    "add.i32.imm32 {0}, {0}, -1000",
    "add.i32.imm8 {0}, {1}, 5",
    "shl.i32.imm8 {0}, {1}, 2",
    "mul.i32.imm8 {0}, {1}, -5",
    "mul.i32.imm32 {0}, {1}, 1000",
    "move.i32 {0}, {1}",
    "const.i32.16 {0}, 7",
    "add.i32 {0}, {1}, {2}",
    "sub.i32 {0}, {1}, {2}",
    "address {0}, [{1} + {2} * 4 + 8]",
]
MIXES = "".join(f" rotl.i32.imm8 r2, r2, 5\n xor.i32 r2, r2, r{number}\n" for number in (3, 4, 5))


def later_rounds(random: Random) -> str:
    """A loop whose operations depend on those of the round before, in its first block, on one way, or in its last."""
    names = ["r3", "r4", "r5"]

    def changes() -> str:
        lines = []
        for _ in range(random.randint(0, 2)):
            operands = [random.choice(names), random.choice(["r1", *names]), random.choice(["r1", *names])]
            lines.append(random.choice(CHANGES).format(*operands))
        return "".join(f" {line}\n" for line in lines) + random.choice(["", MIXES])

    last = " add.i32.imm8 r1, r1, -1\n branch.i32.imm8 ne, r1, 0, b1, b4\n"
    body = straight("const.i32.16 r4, 9", "jump b1")
    body += f"b1, depth 1:\n load.u8.at r2, [100]\n{changes()} and.i32.imm8 r0, r1, 1\n"
    body += " branch.i32.imm8 eq, r0, 0, b2, b3\n"
    if random.random() < 0.3:  # two ways to the next round
        body += f"b2, depth 1:\n{changes()}{last}"
    else:
        body += f"b2, depth 1:\n{changes()} jump b3\n"
    return body + f"b3, depth 1:\n{changes()}{MIXES} store.i32.at r2, [100]\n{last}b4, depth 0:\n{MIXES}"


def test_registers_have_their_values_in_later_rounds(compiled_runner: Path) -> None:
    cases = []
    for seed in range(400):
        data = program(later_rounds(Random(seed)))
        machine, case = Machine(data), Case(data)
        for rounds in (1, 2, 3, 10):
            record(machine, case, [0, rounds], machine.call([0, rounds]))
        cases.append(case)
    compare(compiled_runner, cases)
