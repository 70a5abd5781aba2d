"""Random programs for what a compiler makes of loops, registers and flags.

The entry has nested loops that count by all kinds of steps to a number or a register, tested at the top, at the bottom
or in the middle, some left early. Their bodies are random operations on few or very many registers of all types,
registers that are rotated by moves or count along, accesses at addresses made of counters, comparisons behind
arithmetic, switches, jumps into the middle of loops, and calls: of a leaf with many parameters, of helpers, through a
table, and of a function that calls itself, down to the depth that the program has, or one deeper.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, FloatCondition, Slot, Tail, ValueType
from bfimg.pattern.operands import Role, roles
from bfimg.pattern.program import (
    NO_REGISTER,
    REGISTER_TYPES,
    Block,
    Function,
    Instruction,
    Program,
    Registers,
    Signature,
    Table,
)

I32, I64, F32, F64 = REGISTER_TYPES
ARENAS = [16 + 4096, 16 + 4096, 16 + 4 * 4096, 3 * 4096, 4096]
HELPERS = (
    Helper.F64_FROM_S64,
    Helper.S64_FROM_F64,
    Helper.F64_FROM_U64,
    Helper.FLOOR,
    Helper.F32_FROM_S64,
    Helper.ALLOCATE,
)
ENTRY = Signature(I32, (I32, I32, I32, I64, F64))
RECURSION = Signature(I32, (I32, I64, I32))
DEPTH = 5

COUNTERS = range(3, 9)  # by depth of loops; parameters stand in front
ALONG = range(9, 12)  # registers that count along, and are addresses
FIRST_VALUE = 12
MOVES = {I32: Op.MOVE_I32, I64: Op.MOVE_I64, F32: Op.MOVE_F32, F64: Op.MOVE_F64}
PLAIN = [op for op in Op if not op.ends_block and op < Op.ADDRESS and op is not Op.FRAME]
ALU = [Op.ADD_I32, Op.SUB_I32, Op.AND_I32, Op.OR_I32, Op.XOR_I32, Op.SHL_I32, Op.MUL_I32]
NUMBERED = [Op.ADD_I32_IMM8, Op.AND_I32_IMM8, Op.XOR_I32_IMM8, Op.SHR_I32_IMM8, Op.MUL_I32_IMM8]
LOADS = [op for op in Op if Op.LOAD_U8 <= op <= Op.LOAD_F64]
STORES = [op for op in Op if Op.STORE_I8 <= op <= Op.STORE_F64]
DIVISIONS = [Op.DIV_U32, Op.DIV_S32, Op.REM_U32, Op.REM_S32]
HARMLESS = [op for op in PLAIN if op not in DIVISIONS]
# The first of them, unless much is to go wrong.
STEPS, TAME_STEPS = [1, 1, 1, 2, 4, 8, 3, 12, -1, -4, 64, 100, 1000, 0x8000, 0x10000], 10
STEPS_ALONG, TAME_STEPS_ALONG = [1, 2, 4, 4, 8, 3, -4, 100, -1000, 2000, 0x7FFFFFF, 0x40000000], 7
DISPLACEMENTS, TAME_DISPLACEMENTS = [16, 20, 32, 40, 100, 0, -16, 4000, 4096, -4000], 5


class Label(int):
    """Stands for the number of a block that may come later."""


class _Writer:
    """Blocks of one function, written in order."""

    def __init__(
        self, random: Random, program: _Program, signature: Signature, extra: tuple[int, int, int, int]
    ) -> None:
        self.random = random
        self.program = program
        self.signature = signature
        least = [FIRST_VALUE, 1, 1, 1]
        self.registers = Registers(
            *(max(m, signature.parameters.count(k)) + e for m, k, e in zip(least, REGISTER_TYPES, extra, strict=True))
        )
        self.blocks: list[tuple[int, list[Instruction]]] = [(0, [])]
        self.labels: list[int] = []
        self.heads: list[Label] = []  # into the middle of loops

    def put(self, op: Op, *operands: int) -> None:
        self.blocks[-1][1].append(Instruction(op, operands))

    def label(self) -> Label:
        self.labels.append(-1)
        return Label(len(self.labels) - 1)

    def begin(self, label: Label, depth: int) -> None:
        self.labels[label] = len(self.blocks)
        self.blocks.append((depth, []))

    def function(self, name: str, frame_bytes: int) -> Function:
        def resolved(instruction: Instruction) -> Instruction:
            numbers = (self.labels[o] if isinstance(o, Label) else o for o in instruction.operands)
            return Instruction(instruction.op, tuple(numbers))

        blocks = tuple(Block(tuple(map(resolved, put)), depth) for depth, put in self.blocks)
        return Function(name, self.signature, self.registers, blocks, frame_bytes)

    def register(self, kind: ValueType) -> int:
        """A register."""
        count = self.registers.counts()[kind - 1]
        return self.registers.first(kind) + self.random.randrange(count)

    def value(self, kind: ValueType) -> int:
        """A register that may be written."""
        if kind is not I32 or (self.program.is_wild and self.random.random() < 0.05):
            return self.register(kind)
        return self.random.choice([*range(3), *range(FIRST_VALUE, self.registers.i32)])

    def address(self) -> int:
        return self.random.choice([*COUNTERS[:3], *ALONG, *([0, 1, 2] if self.program.is_wild else [])])

    def tame(self, choices: list[int], first: int) -> int:
        return self.random.choice(choices if self.program.is_wild else choices[:first])

    def operation(self, op: Op, written: int | None = None, read: int | None = None) -> None:
        """With random operands, of which some may be given."""
        random, operands = self.random, list[int]()
        slots = [slot for slot in op.slots if slot not in (Slot.NONE, Slot.HIGH)]
        for place, role in enumerate(roles(op, 0)):
            kind = slots[place].type if place < len(slots) else I32
            if role is Role.WRITE:
                operands.append(self.value(kind) if written is None else written)
            elif role is Role.READ:
                operands.append(self.register(kind) if read is None or kind is not I32 else read)
                read = None
            elif role in (Role.CONDITION, Role.FLOAT_CONDITION):
                operands.append(random.choice([*(Condition if role is Role.CONDITION else FloatCondition)]))
            elif role in (Role.BITS32, Role.BITS64):
                operands.append(random.choice([0x3FC00000, 0x40400000] if role is Role.BITS32 else [0, 0x3FF8 << 48]))
            else:
                wide = slots[-1] is Slot.SIGNED16 or op.tail in (Tail.WORD, Tail.LONG)
                operands.append(random.choice([0, 1, -1, 5, 31, -128, *([1000, 32767] if wide else [])]))
        self.put(op, *operands)

    def access(self) -> None:
        random = self.random
        op = random.choice(LOADS + STORES)
        kind = op.slots[0].type
        value = self.value(kind) if op in LOADS else self.register(kind)
        if random.random() < 0.5:
            self.put(op, value, self.address(), self.tame([5, 5, 8, 20, 0, 127, -1], 4))
            return
        base, index = (random.choice([NO_REGISTER, self.address(), self.address()]) for _ in range(2))
        shift = 0 if index == NO_REGISTER else random.randrange(4)
        far = Op(op + (Op.LOAD_U8_AT - Op.LOAD_U8 if op in LOADS else Op.STORE_I8_AT - Op.STORE_I8))
        self.put(far, value, base, index, shift, self.tame(DISPLACEMENTS, TAME_DISPLACEMENTS))

    def rotation(self) -> None:
        """a, b, c = b, c, a"""
        kind = self.random.choice(REGISTER_TYPES)
        places = [self.value(kind) for _ in range(self.random.randint(2, 4))]
        for to, source in pairwise(places):
            self.put(MOVES[kind], to, source)

    def handed_on(self) -> None:
        """A value that only the next operation reads, or the comparison with zero behind that."""
        random = self.random
        passed, result = self.value(I32), self.value(I32)
        if random.random() < 0.5:
            self.operation(random.choice([*NUMBERED, *ALU]), passed)
        else:
            self.put(random.choice([Op.LOAD_I32, Op.LOAD_U8]), passed, self.address(), 16)
        self.operation(random.choice(ALU), result, passed)
        if random.random() < 0.5:
            self.operation(random.choice([Op.SET_I32_IMM8, Op.SELECT_I32, Op.SELECT_I64, Op.SELECT_F64]))
            last = self.blocks[-1][1].pop()
            behind = last.operands[:1] if last.op is Op.SET_I32_IMM8 else last.operands[:3]
            condition = random.choice([*Condition])
            rest = (result, 0, condition) if last.op is Op.SET_I32_IMM8 else (condition, result, 0)
            self.put(last.op, *behind, *rest)

    def body(self, depth: int, most: int) -> None:
        for _ in range(self.random.randint(0, most)):
            self.statement(depth)
        if depth == 1 and self.random.random() < 0.5:
            self.loop(depth)

    def statement(self, depth: int) -> None:
        random, kind = self.random, self.random.random()
        if kind < 0.3:
            self.operation(random.choice(PLAIN if self.program.is_wild else HARMLESS))
        elif kind < 0.45:
            self.access()
        elif kind < 0.52:
            along = random.choice(ALONG)
            self.put(Op.ADD_I32_IMM32, along, along, self.tame(STEPS_ALONG, TAME_STEPS_ALONG))
        elif kind < 0.6:
            self.rotation()
        elif kind < 0.7:
            self.handed_on()
        elif kind < 0.78:
            self.alternative(depth)
        elif kind < 0.83:
            self.call()
        elif depth < len(COUNTERS) and random.random() < 0.6:
            self.loop(depth)

    def branch(self, yes: Label, no: Label) -> None:
        """To one of two blocks."""
        random, kind = self.random, self.random.random()
        if kind < 0.5:
            value = random.choice([self.value(I32), random.choice(COUNTERS)])
            if random.random() < 0.5:
                self.operation(random.choice(ALU), value := self.value(I32))
            condition = random.choice([*Condition])
            self.put(Op.BRANCH_I32_IMM8, condition, value, random.choice([0, 0, 0, 1, -1, 7]), yes, no)
        elif kind < 0.7:
            self.put(Op.BRANCH_I32, random.choice([*Condition]), self.register(I32), self.register(I32), yes, no)
        elif kind < 0.85:
            self.put(Op.BRANCH_I64, random.choice([*Condition]), self.register(I64), self.register(I64), yes, no)
        else:
            op, of = random.choice([(Op.BRANCH_F32, F32), (Op.BRANCH_F64, F64)])
            self.put(op, random.choice([*FloatCondition]), self.register(of), self.register(of), yes, no)

    def alternative(self, depth: int) -> None:
        ways, end = [self.label() for _ in range(self.random.choice([2, 2, 3]))], self.label()
        if len(ways) == 2:
            self.branch(*ways)
        else:
            self.put(Op.SWITCH, self.register(I32), ways[0], *self.random.choices(ways, k=self.random.randint(1, 4)))
        for way in ways:
            self.begin(way, depth)
            self.body(depth, 2)
            self.put(Op.JUMP, end)
        self.begin(end, depth)

    def call(self) -> None:
        """Of a function or a helper; of the function that calls itself only now and then."""
        random, choice = self.random, self.random.random()
        if choice < 0.4:
            number = random.randrange(len(HELPERS))
            helper = HELPERS[number]
            self._call(Op.CALL_HELPER, Signature(helper.result, helper.parameters), number)
        elif self.program.callable_from(self):
            if choice < 0.6:
                self._call(Op.CALL, self.program.leaf, 1)
            elif choice < 0.9:
                pointer = self.value(I32)
                self.put(Op.CONST_I32_16, pointer, self.tame([1, 2, 1, 2, 0, 3], 4))
                self._call(Op.CALL_INDIRECT, self.program.leaf, 0, pointer)
            else:
                self._call(Op.CALL, RECURSION, 3)

    def _call(self, op: Op, signature: Signature, *called: int) -> None:
        result = self.value(signature.result) if signature.result else NO_REGISTER
        self.put(op, result, *called, *(self.register(kind) for kind in signature.parameters))

    def loop(self, depth: int) -> None:
        random, counter = self.random, COUNTERS[depth]
        step, rounds = (
            self.tame(STEPS, TAME_STEPS),
            random.choice([0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 30] if depth < 3 else [1, 2, 5]),
        )
        start = self.tame([0, 16, 20, max(0, -step) * rounds, -step * rounds, -4], 4)
        head, back, end = self.label(), self.label(), self.label()
        place = random.choice(["top", "bottom", "bottom", "middle"])
        rounds = max(rounds, place == "bottom")
        up = step > 0
        condition = random.choice([Condition.NE, Condition.NE, Condition.EQ, Condition.SLT if up else Condition.SGT])
        bound = start + step * rounds
        limit = self.value(I32) if random.random() < 0.4 else None
        if random.random() < 0.1:
            bound += random.randint(1, 3)  # which may never be reached
        self.put(Op.CONST_I32, counter, start)
        if random.random() < 0.6:
            self.put(Op.CONST_I32_16, random.choice(ALONG), self.tame([16, 20, 100, 200, 4000, 0], 4))
        if limit is not None:
            self.put(Op.CONST_I32, limit, bound)
        self.put(Op.JUMP, head)
        self.begin(head, depth + 1)

        def test(stay: Label, leave: Label) -> None:
            yes, no = (leave, stay) if condition is Condition.EQ else (stay, leave)
            if limit is None and -128 <= bound < 128:
                self.put(Op.BRANCH_I32_IMM8, condition, counter, bound, yes, no)
            elif limit is None:
                self.put(Op.BRANCH_I32_IMM32, condition, counter, bound, yes, no)
            elif condition in (Condition.NE, Condition.EQ) and random.random() < 0.5:
                self.put(Op.BRANCH_I32, condition, limit, counter, yes, no)
            else:
                self.put(Op.BRANCH_I32, condition, counter, limit, yes, no)

        if place == "top":
            test(back, end)
            self.begin(back, depth + 1)
        plain = random.random() < 0.6
        self._round(depth + 1, plain, limit)
        if random.random() < 0.15:
            go_on = self.label()
            self.branch(end, go_on)
            self.begin(go_on, depth + 1)
        self.put(Op.ADD_I32_IMM32, counter, counter, step)
        self._round(depth + 1, plain, limit)
        if place == "middle":
            test(back, end)
            self.begin(back, depth + 1)
            self._round(depth + 1, plain, limit)
        if place == "bottom":
            test(head, end)
        else:
            self.put(Op.JUMP, head)
        self.heads.append(back if place != "bottom" else head)
        self.begin(end, depth)
        if self.heads and random.random() < 0.04:
            go_on = self.label()
            self.put(Op.BRANCH_I32_IMM8, Condition.EQ, self.register(I32), 3, random.choice(self.heads), go_on)
            self.begin(go_on, depth)

    def _round(self, depth: int, plain: bool, limit: int | None) -> None:
        """What a loop does in a round: in one block, or anything. The limit mostly stays."""
        random = self.random
        before = len(self.blocks[-1][1]) if plain else 0
        if plain:
            for _ in range(random.randint(0, 4)):
                random.choice(
                    [
                        self.access,
                        self.access,
                        self.rotation,
                        self.handed_on,
                        lambda: self.operation(random.choice(HARMLESS)),
                        lambda: self.put(
                            Op.ADD_I32_IMM8, (r := random.choice(ALONG)), r, random.choice(STEPS_ALONG[:8])
                        ),
                        lambda: self.operation(
                            random.choice([Op.ADD_I64, Op.ADD_F64, Op.MUL_F32, Op.XOR_I64, Op.ADD_I32])
                        ),
                        lambda: self.put(Op.MOVE_I32, self.value(I32), random.choice([*COUNTERS, *ALONG])),
                        self.call,
                    ]
                )()
            put = self.blocks[-1][1]
            kept = [i for i in put[before:] if limit is None or limit not in i.operands[:1] or random.random() < 0.05]
            put[before:] = kept
        else:
            self.body(depth, 3)


class _Program:
    """One program."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.is_wild = random.random() < 0.3
        self.leaf = Signature(
            random.choice(REGISTER_TYPES), tuple(random.choices(REGISTER_TYPES, k=random.randint(0, 16)))
        )

    def callable_from(self, writer: _Writer) -> bool:
        return writer.signature is ENTRY

    def function(self, name: str, signature: Signature, frame_bytes: int) -> Function:
        random = self.random
        many = (random.choice([1, 3, 8, 150]), *(random.choice([1, 2, 10, 20]) for _ in range(3)))
        writer = _Writer(random, self, signature, many if name == "entry" else (2, 1, 1, 1))
        parameters = set(writer.registers.parameters(signature))
        for along in ALONG:
            if along not in parameters:
                writer.put(Op.CONST_I32_16, along, writer.tame([16, 16, 40, 200, 4000], 4))
        if name == "recursion":
            stop, go_on = writer.label(), writer.label()
            writer.put(Op.BRANCH_I32_IMM8, Condition.SLE, 0, 0, stop, go_on)
            writer.begin(stop, 0)
            writer.put(Op.RETURN_VALUE, 2)
            writer.begin(go_on, 0)
            writer.put(Op.ADD_I32_IMM8, 0, 0, -1)
            writer.put(Op.CALL, 2, 3, *writer.registers.parameters(signature))
        while len(writer.blocks) < (6 if name == "entry" else 2):
            writer.body(0, 3)
            writer.loop(0 if name == "entry" else 4)
        if signature.result is I32:
            for number in [*COUNTERS, *ALONG, *random.sample(range(writer.registers.i32), 3)]:
                writer.put(Op.XOR_I32, 0, 0, number)
            writer.put(Op.F32_BITS, 1, writer.register(F32))
            writer.put(Op.LOW_I64, 2, writer.register(I64))
            writer.put(Op.XOR_I32, 0, 0, 2)
            writer.put(Op.RETURN_VALUE, 0)
        else:
            writer.put(Op.RETURN_VALUE, writer.register(signature.result))
        return writer.function(name, frame_bytes)

    def program(self) -> Program:
        random = self.random
        names = [("entry", ENTRY), ("leaf", self.leaf), ("other leaf", self.leaf), ("recursion", RECURSION)]
        functions = tuple(self.function(n, s, random.choice([0, 0, 16])) for n, s in names)
        return Program(
            functions,
            tables=(Table(self.leaf, (1, 2)),),
            imports=HELPERS,
            data=random.randbytes(200) + b"\1",
            data_end=224,
            arena_size=random.choice(ARENAS),
            stack_bytes=16 * DEPTH,
            call_depth=DEPTH,
        )


def counting_program(random: Random) -> Program:
    """A random program."""
    return _Program(random).program()


def counting_arguments(random: Random) -> list[float]:
    """Arguments for its entry: a small number more often than one that is none."""
    numbers = [random.choice([0, 1, 3, DEPTH - 2, DEPTH - 1, 16, 20, 100, 500, 4000, 0xFFFFFFF0]) for _ in range(3)]
    return [*numbers, random.choice([0, 5, random.getrandbits(64)]), random.choice([0.0, -1.5, 1e10])]
