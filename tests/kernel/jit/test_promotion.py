"""Loops that go on in better code where they are, with many values of all types that are needed behind them."""

from __future__ import annotations

from pathlib import Path
from random import Random

from bfimg.pattern.assemble import assemble
from bfimg.pattern.encode import encode_program
from bfimg.pattern.interpret import Machine
from tests.compiled import Case, compare, record

PROGRAMS = 40
# By type: first register, how many, operations on them.
KINDS = {
    "i32": (0, 14, ("add", "sub", "xor", "mul", "and", "or", "shl", "rotr")),
    "i64": (14, 7, ("add", "sub", "xor", "mul", "and", "or")),
    "f32": (21, 5, ("add", "sub", "max")),
    "f64": (26, 7, ("add", "sub", "min", "max")),
}
# i32: parameter, counters of the outer and the inner loop, then working registers.
COUNTERS = 3


def operations(random: Random, count: int) -> str:
    """`count` of them on random registers; all but the counters are written."""
    lines = []
    for _ in range(count):
        kind = random.choice([*KINDS])
        first, size, names = KINDS[kind]
        registers = [first + random.randrange(size) for _ in range(3)]
        if kind == "i32":
            registers[0] = first + random.randrange(COUNTERS, size)
        lines.append(f" {random.choice(names)}.{kind} " + ", ".join(f"r{number}" for number in registers))
    return "\n".join(lines) + "\n"


def stores() -> str:
    """All values go to the arena, where the test compares them."""
    lines = [" const.i32.16 r2, 16"]
    for kind, (first, size, _) in KINDS.items():
        for number in range(first, first + size):
            lines += [f" store.{kind} r{number}, [r2]", " add.i32.imm8 r2, r2, 8"]
    return "\n".join(lines) + "\n"


def first_values(random: Random) -> str:
    (_, i32s, _), (i64, i64s, _), (f32, f32s, _), (f64, f64s, _) = KINDS.values()
    lines = [f" const.i32 r{number}, {random.getrandbits(31)}" for number in range(COUNTERS, i32s)]
    lines += [f" const.i64 r{i64 + number}, {random.getrandbits(63)}" for number in range(i64s)]
    lines += [f" f32.from.i32 r{f32 + number}, r{COUNTERS + number}" for number in range(f32s)]
    lines += [f" f64.from.i32 r{f64 + number}, r{COUNTERS + number}" for number in range(f64s)]
    return "\n".join(lines) + "\n"


def program(random: Random) -> str:
    """Two loops, one in the other, a call in the outer one, and a recursive one behind them."""
    head = "program entry @main, arena 1024, stack 128, data_end 512, depth 6\n"
    registers = " ".join(str(size) for _, size, _ in KINDS.values())
    text = f'{head}function "main" (i32) -> i32, registers {registers}, frame 16\nb0, depth 0:\n'
    text += first_values(random)
    text += " const.i32.16 r1, 9\n jump b1\nb1, depth 1:\n const.i32.16 r2, 7\n"
    text += operations(random, random.randrange(2, 12)) + " jump b2\nb2, depth 2:\n"
    text += operations(random, random.randrange(4, 25))
    text += " add.i32.imm8 r2, r2, -1\n branch.i32.imm8 ne, r2, 0, b2, b3\nb3, depth 1:\n"
    text += " call r3, @step, r3, r14\n"
    text += operations(random, random.randrange(2, 12))
    text += " add.i32.imm8 r1, r1, -1\n branch.i32.imm8 ne, r1, 0, b1, b4\nb4, depth 0:\n"
    text += stores()
    text += " branch.i32.imm8 eq, r0, 0, b6, b5\nb5, depth 0:\n add.i32.imm8 r0, r0, -1\n call r4, @main, r0\n"
    text += stores() + " jump b6\nb6, depth 0:\n return.value r3\n"
    return (
        text
        + """function "step" (i32, i64) -> i32, registers 2 1 0 0, frame 0
b0, depth 0:
 low.i64 r1, r2
 xor.i32 r0, r0, r1
 return.value r0
"""
    )


def test_all_values_are_there_in_the_better_code(compiled_runner: Path) -> None:
    cases = []
    for seed in range(PROGRAMS):
        data = encode_program(assemble(program(Random(seed))))
        machine, case = Machine(data), Case(data)
        for argument in (0, 2):
            outcome = machine.call([argument])
            assert outcome.stop is None
            record(machine, case, [argument], outcome)
        cases.append(case)
    compare(compiled_runner, cases)
