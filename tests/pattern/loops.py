"""Random programs of loops that walk over memory, up to its ends and beyond: for what a compiler proves of addresses.

The entry has nested loops that count up or down, tested at the top or the bottom. Their bodies load and store at
addresses made of parameters, counters, running pointers and numbers, some on only some of the ways through the body,
and call a leaf that does so, too. Arguments decide how far they get. Wild programs soon leave the arena, others late.
"""

from __future__ import annotations

from random import Random

from bfimg.pattern.assemble import assemble
from bfimg.pattern.program import Program

# Most fill whole pages but for the 16 bytes that no arena has in front.
ARENAS = [16 + 4096, 16 + 4096, 16 + 8192, 16 + 3 * 4096, 4096, 6000, 304]
STACK = 64
ENTRY = "(i32, i32, i32) -> i32, registers 12 2 1 2, frame"
LEAF = "(i32, i32) -> i32, registers 6 2 1 2, frame"

PARAMETERS = ["r0", "r1", "r2"]
COUNTERS = ["r3", "r4", "r5"]  # by depth
VALUES = ["r6", "r7", "r8", "r9"]
POINTERS = ["r10", "r11"]
# Registers of a type and a size of access, in the entry; in the leaf, which has fewer of i32.
DATA = {"i32": VALUES, "i64": ["r12", "r13"], "f32": ["r14"], "f64": ["r15", "r16"]}
LEAF_DATA = {"i32": ["r2", "r3"], "i64": ["r6", "r7"], "f32": ["r8"], "f64": ["r9", "r10"]}
ACCESSES = [("u8", "i8", "i32", 1), ("s16", "i16", "i32", 2), ("i32", "i32", "i32", 4), ("i64", "i64", "i64", 8)]
ACCESSES += [("i32", "i32", "i32", 4)] * 3 + [("f32", "f32", "f32", 4), ("f64", "f64", "f64", 8)]

STEPS = [1, 1, 1, 2, 4, 4, 8, 64, -1, -1, -4, -8]
NEAR = [0, 0, 0, 4, 8, 12, 16, 20, 64, 100]
FAR = [0, 4, -4, 8, 16, -16, 100, 255, -256, 1000, 4080, 4092, 4096, -4096, 5000, -8000]
MOST_ROUNDS = 24
DEEPEST = 3


class _Writer:
    """Text of one program. Blocks are written in order; a label stands for a block that may come later."""

    def __init__(self, random: Random, *, wild: bool) -> None:
        self.random = random
        self.wild = wild
        self.blocks: list[tuple[int, list[str]]] = [(0, [])]
        self.labels: list[int] = []

    def put(self, line: str) -> None:
        self.blocks[-1][1].append(line)

    def label(self) -> str:
        self.labels.append(-1)
        return f"{{{len(self.labels) - 1}}}"

    def begin(self, label: str, depth: int) -> None:
        self.labels[int(label.strip("{}"))] = len(self.blocks)
        self.blocks.append((depth, []))

    def text(self) -> str:
        names = [f"b{number}" for number in self.labels]
        lines = []
        for number, (depth, block) in enumerate(self.blocks):
            lines += [f"b{number}, depth {depth}:", *(line.format(*names) for line in block)]
        return "\n".join(lines) + "\n"

    def access(self, data: dict[str, list[str]], bases: list[str]) -> None:
        """A load or a store."""
        random = self.random
        load, store, kind, size = random.choice(ACCESSES)
        register = random.choice(data[kind])
        base = random.choice(bases)
        name = f"load.{load}" if random.random() < 0.6 else f"store.{store}"
        if random.random() < 0.5:
            places = [0, 1, 2, -1, 127, -128] if self.is_far() else [0, 0, 1, 2, 5]
            self.put(f"{name} {register}, [{base} + {random.choice(places) * size}]")
            return
        terms = [base] if not self.is_far() else []
        if random.random() < 0.5:
            terms.append(f"{random.choice(bases)} * {random.choice([1, 2, 4, 8])}")
        terms.append(str(self.displacement()))
        self.put(f"{name}.at {register}, [{' + '.join(terms)}]")

    def is_far(self) -> bool:
        return self.random.random() < (0.3 if self.wild else 0.01)

    def displacement(self) -> int:
        return self.random.choice(FAR if self.is_far() else NEAR)


class _Entry(_Writer):
    def body(self, depth: int) -> None:
        """What a loop of this depth does in a round, or the function around its loops."""
        for _ in range(self.random.randint(1, 4)):
            self.statement(depth)

    def statement(self, depth: int) -> None:
        random = self.random
        kind = random.random()
        bases = [*PARAMETERS, *COUNTERS[:depth], *POINTERS]
        usable = [*bases, random.choice(VALUES)]
        if kind < 0.45:
            self.access(DATA, usable if self.wild else bases)
        elif kind < 0.65:
            self.arithmetic(usable)
        elif kind < 0.69:
            self.address(bases)
        elif kind < 0.73:
            self.alternative(depth)
        elif kind < 0.78:
            self.put(f"call {random.choice(VALUES)}, @leaf, {random.choice(usable)}, {random.choice(usable)}")
        elif kind < 0.81:
            self.put(random.choice(["fill r10, r6, r4", "copy r10, r11, r3", "check r10, r3", "check.imm32 r11, 40"]))
        elif depth < DEEPEST:
            self.loop(depth)

    def arithmetic(self, usable: list[str]) -> None:
        """Numbers, and a pointer from time to time."""
        random = self.random
        target = random.choice([*VALUES, *POINTERS] if self.wild else VALUES)
        a, b, pointer = random.choice(usable), random.choice(usable), random.choice(POINTERS)
        self.put(
            random.choice(
                [
                    f"add.i32 {target}, {a}, {b}",
                    f"sub.i32 {target}, {a}, {b}",
                    f"add.i32.imm8 {target}, {a}, {random.choice([1, 2, -4, 16, 100])}",
                    f"add.i32.imm32 {target}, {a}, {self.displacement()}",
                    f"shl.i32.imm8 {target}, {a}, {random.choice([1, 2, 3, 6])}",
                    f"mul.i32.imm8 {target}, {a}, {random.choice([3, 12, 100])}",
                    f"move.i32 {target}, {a}",
                    f"extend.u8 {target}, {a}",
                    f"add.i32.imm8 {pointer}, {pointer}, {random.choice([1, 2, 4, 4, 8, 16, -4])}",
                    f"extend.u32 r12, {a}",
                    "add.f64 r15, r15, r16",
                    f"f64.from.i32 r16, {a}",
                ]
            )
        )

    def address(self, bases: list[str]) -> None:
        """A pointer made anew."""
        random = self.random
        pointer, base, index = random.choice(POINTERS), random.choice(bases), random.choice([*COUNTERS, *VALUES])
        self.put(
            random.choice(
                [
                    f"address {pointer}, [{base} + {random.choice(COUNTERS)} * 4 + {self.displacement()}]",
                    f"and.i32.imm32 {pointer}, {index}, {random.choice([255, 0xFFC, 0xFFF, 0x1FF0])}",
                    f"and.i32.imm8 {pointer}, {index}, 127",
                    f"shl.i32.imm8 {pointer}, {random.choice(COUNTERS)}, {random.choice([2, 3, 4])}",
                    f"const.i32.16 {pointer}, {random.choice([16, 20, 1000, 4000])}",
                ]
            )
        )

    def condition(self) -> str:
        return self.random.choice(["eq", "ne", "slt", "sge", "ult", "ugt"])

    def alternative(self, depth: int) -> None:
        yes, no, end = self.label(), self.label(), self.label()
        value = self.random.choice([*VALUES, *COUNTERS[:depth]])
        self.put(f"branch.i32.imm8 {self.condition()}, {value}, {self.random.choice([0, 1, 5, -1])}, {yes}, {no}")
        for label in (yes, no):
            self.begin(label, depth)
            for _ in range(self.random.randint(0, 2)):
                self.access(DATA, [*PARAMETERS, *COUNTERS[:depth], *POINTERS])
            self.put(f"jump {end}")
        self.begin(end, depth)

    def loop(self, depth: int) -> None:
        random, counter = self.random, COUNTERS[depth]
        step, rounds = random.choice(STEPS), random.randint(0, MOST_ROUNDS >> depth)
        start = random.choice([0, 16, 16, 20, 100, 4000])
        head, body, end = self.label(), self.label(), self.label()
        at_top = random.random() < 0.6
        if random.random() < 0.25:
            # As far as an argument says.
            limit, branch = random.choice(PARAMETERS), "branch.i32"
            start = random.choice([0, 16])
        else:
            limit, branch = str(start + step * rounds), "branch.i32.imm32"
        condition = random.choice(["ne", "slt", "ult"] if step > 0 else ["ne", "sgt", "ugt"])
        self.put(f"const.i32.16 {counter}, {start}")
        self.put(f"jump {head if at_top else body}")
        if at_top:
            self.begin(head, depth + 1)
            self.put(f"{branch} {condition}, {counter}, {limit}, {body}, {end}")
        self.begin(body, depth + 1)
        self.body(depth + 1)
        self.put(f"add.i32.imm8 {counter}, {counter}, {step}")
        if at_top:
            self.put(f"jump {head}")
        else:
            self.put(f"{branch} {condition}, {counter}, {limit}, {body}, {end}")
        self.begin(end, depth)


def _leaf(random: Random, *, wild: bool) -> str:
    writer = _Writer(random, wild=wild)
    for _ in range(random.randint(1, 3)):
        writer.access(LEAF_DATA, ["r0", "r1"])
        writer.put(random.choice(["add.i32 r4, r0, r1", "xor.i32 r2, r2, r3", "add.i32.imm8 r0, r0, 4"]))
    if random.random() < 0.4:
        yes, end = writer.label(), writer.label()
        writer.put(f"branch.i32.imm8 ne, r2, 0, {yes}, {end}")
        writer.begin(yes, 0)
        writer.access(LEAF_DATA, ["r0"])
        writer.put(f"jump {end}")
        writer.begin(end, 0)
    writer.put("return.value r2")
    return writer.text()


def loop_program(random: Random) -> Program:
    """A random program."""
    arena = random.choice(ARENAS)
    wild = random.random() < 0.3
    entry = _Entry(random, wild=wild)
    for pointer in POINTERS:
        entry.put(f"const.i32.16 {pointer}, {random.choice([16, 16, 40, 200, arena - STACK - 100])}")
    while len(entry.blocks) < 4:
        entry.body(0)
        entry.loop(0)
    entry.put("xor.i32 r6, r6, r7")
    entry.put("return.value r6")
    frames = [random.choice([0, 0, 16]) for _ in range(2)]
    return assemble(
        f"program entry @entry, arena {arena // 16 * 16}, stack {STACK}, data_end 200, depth 2\n"
        f"data {random.randbytes(100).hex(' ')}01\n"
        f'function "entry" {ENTRY} {frames[0]}\n{entry.text()}'
        f'function "leaf" {LEAF} {frames[1]}\n{_leaf(random, wild=wild)}'
    )


def loop_arguments(random: Random, program: Program) -> list[int]:
    """Arguments for its entry: pointers near both ends of the arena, small numbers, and some that are neither."""
    arena = program.arena_size
    good = [16, 16, 20, 32, 33, 100, 200, 16 + arena // 2 % 4000]
    ends = [0, 4, 7, arena - 4, arena - 8, arena - 64, arena - 4096, 0xFFFFFFF0]
    return [random.choice(good if random.random() < 0.85 else ends) % (1 << 32) for _ in range(3)]
