"""Random programs of loops that walk over memory, up to its ends and beyond: for what a compiler proves of addresses.

The entry has nested loops that count up or down, tested at the top or the bottom. Their bodies load and store at
addresses made of parameters, counters, running pointers, masked and loaded values, some on only some of the ways
through the body, and call a leaf that does so, too. Arguments are such that single accesses are at the edges of the
arena, or of the pages beside it.
"""

from __future__ import annotations

import struct
from random import Random

from bfimg.pattern.assemble import assemble
from bfimg.pattern.program import NO_REGISTER, Program

# Most fill whole pages but for the 16 bytes that no arena has in front.
ARENAS = [16 + 4096, 16 + 4096, 16 + 8192, 16 + 3 * 4096, 4096, 6000, 304, 320]
STACK = 64
PAGE = 4096
ENTRY = "(i32, i32, i32) -> i32, registers 12 2 1 2, frame"
LEAF = "(i32, i32) -> i32, registers 6 2 1 2, frame"

PARAMETERS = ["r0", "r1", "r2"]
COUNTERS = ["r3", "r4", "r5"]  # by depth
VALUES = ["r6", "r7", "r8", "r9"]
POINTERS = ["r10", "r11"]
# Registers of each type that are loaded and stored.
DATA = {"i32": [*VALUES, *VALUES, *POINTERS], "i64": ["r12", "r13"], "f32": ["r14"], "f64": ["r15", "r16"]}
LEAF_DATA = {"i32": ["r2", "r3"], "i64": ["r6", "r7"], "f32": ["r8"], "f64": ["r9", "r10"]}
# Load, store, type of the register, size.
ACCESSES = [("u8", "i8", "i32", 1), ("s16", "i16", "i32", 2), ("i64", "i64", "i64", 8)]
ACCESSES += [("i32", "i32", "i32", 4)] * 4 + [("f32", "f32", "f32", 4), ("f64", "f64", "f64", 8)]

NEAR = [0, 0, 0, 4, 8, 12, 16, 20, 64, 100]
FAR = [0, 4, 1000, 2000, 4080, 4092, 4096, 4100, 5000, 8000, -16, -1000, -4096, -5000]
STEPS = [1, 1, 1, 2, 4, 4, 8, 64, -1, -1, -4, -8]
# Operations whose result is at most so large.
MASKS = [
    ("extend.u8 {}, {}", 255),
    ("and.i32.imm8 {}, {}, 127", 127),
    ("and.i32.imm32 {}, {}, 4095", 4095),
    ("and.i32.imm32 {}, {}, 252", 252),
    ("shr.i32.imm8 {}, {}, 25", 127),
]
MOST_ROUNDS = 24
DEEPEST = 3


class _Writer:
    """Text of one function. Blocks are written in order; a label stands for a block that may come later."""

    def __init__(self, random: Random, arena: int) -> None:
        self.random = random
        self.arena = arena
        self.far = random.choice([0.0, 0.02, 0.2, 0.5])  # how often something is far away
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

    def displacement(self) -> int:
        return self.random.choice(FAR if self.random.random() < self.far else NEAR)

    def access(self, data: dict[str, list[str]], bases: list[str]) -> None:
        """A load or a store."""
        random = self.random
        index = f" + {random.choice(bases)} * {random.choice([1, 2, 4, 8])}" if random.random() < 0.25 else ""
        self.access_at(data, f"{random.choice(bases)}{index}", self.displacement())

    def access_at(self, data: dict[str, list[str]], terms: str, displacement: int) -> None:
        load, store, kind, size = self.random.choice(ACCESSES)
        name = f"load.{load}" if self.random.random() < 0.6 else f"store.{store}"
        is_short = " " not in terms and displacement % size == 0 and -128 <= displacement // size < 128
        suffix = "" if is_short and self.random.random() < 0.8 else ".at"
        self.put(f"{name}{suffix} {self.random.choice(data[kind])}, [{terms} + {displacement}]")


class _Entry(_Writer):
    def body(self, depth: int) -> None:
        """What a loop of this depth does in a round, or the function around its loops."""
        for _ in range(self.random.randint(1, 4)):
            self.statement(depth)

    def statement(self, depth: int) -> None:
        random = self.random
        bases = [*PARAMETERS, *PARAMETERS, *COUNTERS[:depth], *POINTERS, *POINTERS]
        kind = random.random()
        if kind < 0.25:
            self.access(DATA, bases)
        elif kind < 0.33:
            self.pair([*PARAMETERS, *POINTERS])
        elif kind < 0.38:
            self.chase()
        elif kind < 0.43:
            self.scaled([*COUNTERS[:depth], *PARAMETERS])
        elif kind < 0.50:
            self.step()
        elif kind < 0.60:
            self.masked()
        elif kind < 0.68:
            self.arithmetic([*bases, *VALUES])
        elif kind < 0.74:
            self.alternative(depth)
        elif kind < 0.78:
            self.put(f"call {random.choice(VALUES)}, @leaf, {random.choice(bases)}, {random.choice(bases)}")
        elif kind < 0.81:
            self.put(random.choice(["fill r10, r6, r4", "copy r10, r11, r3", "check r10, r3", "check.imm32 r11, 40"]))
        elif depth < DEEPEST:
            self.loop(depth)

    def step(self) -> None:
        """A pointer moves on."""
        pointer = self.random.choice(POINTERS)
        number = self.displacement() or self.random.choice([1, 2, 4, -4])
        self.put(f"add.i32.imm32 {pointer}, {pointer}, {number}")

    def pair(self, bases: list[str]) -> None:
        """Two accesses that only a number keeps apart, near enough or not for the one to vouch for the other."""
        random, base = self.random, self.random.choice(bases)
        first = random.choice([0, 0, 100, 4092])
        apart = random.choice([4, 4000, 4088, 4092, 4096, 4100, 5000, 8000])
        self.access_at(DATA, base, first)
        self.access_at(DATA, base, first + random.choice([1, 1, -1]) * apart)

    def march(self) -> None:
        """A pointer goes on by the same step in each round, too long or not for one round to vouch for the next."""
        random, pointer = self.random, self.random.choice(POINTERS)
        self.access_at(DATA, pointer, random.choice([0, 0, 4, -4, 100]))
        step = random.choice([1, 2, 4, 8, 1000, 3000, 4088, 4092, 4096, 5000, 8000])
        self.put(f"add.i32.imm32 {pointer}, {pointer}, {random.choice([1, -1]) * step}")

    def chase(self) -> None:
        """A pointer comes from where it points to."""
        pointer = self.random.choice(POINTERS)
        self.put(f"and.i32.imm8 {pointer}, {pointer}, 124")
        self.put(f"add.i32.imm8 {pointer}, {pointer}, 16")
        self.put(f"load.i32 {pointer}, [{pointer}]")
        self.access_at(DATA, pointer, self.random.choice([0, 0, 4]))

    def scaled(self, indices: list[str]) -> None:
        """A multiple of an index as a pointer, and as an index."""
        random, pointer, index = self.random, self.random.choice(POINTERS), self.random.choice(indices)
        self.put(f"shl.i32.imm8 {pointer}, {index}, {random.choice([1, 2])}")
        self.access_at(DATA, pointer, random.choice([16, 100]))
        self.access_at(DATA, f"{index} * {random.choice([2, 4, 8])}", random.choice([16, 100]))

    def masked(self) -> None:
        """An access at an address that is bounded by what made it, often just around the end of what is allowed."""
        random = self.random
        pointer, value, scale = random.choice(POINTERS), random.choice(VALUES), random.choice([1, 1, 2, 4])
        text, most = random.choice(MASKS)
        if random.random() < 0.3:
            self.put(f"const.i32.16 {value}, -1")
        self.put(text.format(pointer, value))
        if random.random() < 0.4:
            self.put(f"add.i32.imm32 {pointer}, {pointer}, {random.choice([-1, -5000, -5000, 100])}")
        edge = self.arena + random.choice([0, PAGE]) - most * scale + random.choice([-12, -8, -4, -1, 0, 4])
        place = edge if edge > 0 and random.random() < 0.6 else self.displacement()
        terms = pointer if scale == 1 else f"{pointer} * {scale}"
        self.access_at(DATA, terms, place)

    def arithmetic(self, usable: list[str]) -> None:
        random = self.random
        a, b, target = random.choice(usable), random.choice(usable), random.choice([*VALUES, *VALUES, *POINTERS])
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
                    f"address {target}, [{a} + {b} * {random.choice([1, 2, 4, 8])} + {self.displacement()}]",
                    f"const.i32.16 {target}, {random.choice([16, 20, 100, self.arena - 8])}",
                    f"extend.u32 r12, {a}",
                    "add.f64 r15, r15, r16",
                    f"f64.from.i32 r16, {a}",
                ]
            )
        )

    def alternative(self, depth: int) -> None:
        yes, no, end = self.label(), self.label(), self.label()
        value = self.random.choice([*VALUES, *COUNTERS[:depth]])
        condition = self.random.choice(["eq", "ne", "slt", "sge", "ult", "ugt"])
        self.put(f"branch.i32.imm8 {condition}, {value}, {self.random.choice([0, 1, 5, -1])}, {yes}, {no}")
        for label in (yes, no):
            self.begin(label, depth)
            for _ in range(self.random.randint(0, 2)):
                if self.random.random() < 0.3:
                    self.step()
                self.access(DATA, [*PARAMETERS, *POINTERS])
            self.put(f"jump {end}")
        self.begin(end, depth)

    def loop(self, depth: int) -> None:
        random, counter = self.random, COUNTERS[depth]
        step, rounds = random.choice(STEPS), random.randint(0, MOST_ROUNDS >> depth)
        start = random.choice([0, 16, 16, 20, 100])
        head, body, end = self.label(), self.label(), self.label()
        at_top = random.random() < 0.6
        limit, branch = str(start + step * rounds), "branch.i32.imm32"
        if random.random() < 0.15:
            limit, branch = random.choice(PARAMETERS), "branch.i32"
        condition = random.choice(["ne", "slt", "ult"] if step > 0 else ["ne", "sgt", "ugt"])
        self.put(f"const.i32.16 {counter}, {start}")
        self.put(f"jump {head if at_top else body}")
        if at_top:
            self.begin(head, depth + 1)
            self.put(f"{branch} {condition}, {counter}, {limit}, {body}, {end}")
        self.begin(body, depth + 1)
        if random.random() < 0.25:
            self.march()
        else:
            self.body(depth + 1)
        self.put(f"add.i32.imm8 {counter}, {counter}, {step}")
        if at_top:
            self.put(f"jump {head}")
        else:
            self.put(f"{branch} {condition}, {counter}, {limit}, {body}, {end}")
        self.begin(end, depth)


def _leaf(random: Random, arena: int) -> str:
    writer = _Writer(random, arena)
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
    arena = random.choice(ARENAS) // 16 * 16
    entry = _Entry(random, arena)
    for pointer in POINTERS:
        entry.put(f"const.i32.16 {pointer}, {random.choice([16, 40, 200, arena - STACK - 100])}")
    while len(entry.blocks) < 4:
        entry.body(0)
        entry.loop(0)
    entry.put("xor.i32 r6, r6, r7")
    entry.put("return.value r6")
    frames = [random.choice([0, 0, 16]) for _ in range(2)]
    # What is loaded may be taken for a pointer.
    words = [random.choice([16, 20, 100, arena - 4, arena + 4, arena // 2, 3]) for _ in range(40)]
    return assemble(
        f"program entry @entry, arena {arena}, stack {STACK}, data_end 200, depth 2\n"
        f"data {struct.pack('<40I', *words).hex(' ')}\n"
        f'function "entry" {ENTRY} {frames[0]}\n{entry.text()}'
        f'function "leaf" {LEAF} {frames[1]}\n{_leaf(random, arena)}'
    )


def loop_arguments(random: Random, program: Program) -> list[int]:
    """Arguments for its entry: most make good pointers, some bring one of the accesses to an edge."""
    arena, places = program.arena_size, [0]
    for block in program.functions[program.entry].blocks:
        for op, operands in ((i.op, i.operands) for i in block.instructions):
            if op.access_size and operands[-3 if op.name.endswith("_AT") else 1] != NO_REGISTER:
                places.append(operands[-1] * (1 if op.name.endswith("_AT") else op.access_size))
    edges = [16, arena, 16 - PAGE, arena + PAGE]
    good = [16, 16, 20, 32, 33, 100, 200, arena // 2, arena // 4 - 8, arena // 8 - 8]

    def argument() -> int:
        if random.random() < 0.7:
            return random.choice(good)
        return (random.choice(edges) - random.choice(places) + random.randint(-9, 2)) % (1 << 32)

    return [argument() for _ in range(3)]
