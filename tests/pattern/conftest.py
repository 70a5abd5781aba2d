"""What the tests of pattern programs share: programs of one function, and random programs that pass the verifier."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bfimg.errors import FormatError
from bfimg.formats.memory_map import PAGE_SIZE, memory_region
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import ARENA_START
from bfimg.formats.pattern_types import Condition, FloatCondition, Slot, Tail, Trap, ValueType
from bfimg.pattern.encode import encode_program
from bfimg.pattern.interpret import Machine, Outcome
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
from bfimg.pattern.verify import VerifiedProgram, _Verifier
from tests.compiled import Case, arena_crc, compare, record

ARENA = 256
# An arena with an unmapped page behind it.
GUARDED = ARENA_START + PAGE_SIZE
# Arenas up to this size fit the kernel's, with that page and what compiled code keeps behind it.
ROOM = memory_region("module_arena").size - 2 * PAGE_SIZE
# Helpers whose last bit depends on the library of the host.
INEXACT = {Helper.SIN, Helper.COS, Helper.EXP, Helper.LOG}


@pytest.fixture(scope="module", autouse=True)
def _kernel_agrees(kernel_agrees: Callable[[bytes, FormatError | None], None]) -> Iterator[None]:
    """Whatever a test here verifies, the kernel's verifier judges in the same way."""
    run = _Verifier.run

    def both(verifier: _Verifier) -> VerifiedProgram:
        try:
            program = run(verifier)
        except FormatError as error:
            kernel_agrees(verifier._data, error)
            raise
        kernel_agrees(verifier._data, None)
        return program

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Verifier, "run", both)
        yield


@pytest.fixture(scope="module", autouse=True)
def _compiled_code_agrees(compiled_runner: Path) -> Iterator[None]:
    """Whatever entry a test here interprets, the kernel's compiler makes the same of."""
    call, cases = Machine.call, dict[int, tuple[Machine, Case]]()

    def recorded(machine: Machine, arguments: Sequence[float] = (), **options: Any) -> Outcome:
        before = arena_crc(machine)
        outcome = call(machine, arguments, **options)
        if id(machine) not in cases:
            program = machine.program
            fresh = arena_crc(Machine(encode_program(program))) == before
            cases[id(machine)] = (
                machine,
                Case(encode_program(program), comparable=fresh and not INEXACT & set(program.imports)),
            )
        case = cases[id(machine)][1]
        over = outcome.stop is not None and outcome.stop.trap is Trap.TIME
        untouched = not case.calls or case.calls[-1].arena == before
        case.comparable = case.comparable and not over and untouched and options.get("function") is None
        if case.comparable:
            record(machine, case, arguments, outcome)
        return outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Machine, "call", recorded)
        yield
    fitting = [case for machine, case in cases.values() if machine.program.arena_size <= ROOM]
    compare(compiled_runner, fitting)


@pytest.fixture(scope="session")
def one_function() -> Callable[..., Program]:
    """Makes a program of one function from lists of instructions, one for each block."""

    def make(
        *blocks: Sequence[Instruction],
        registers: Registers,
        signature: Signature = Signature(),  # noqa: B008 (immutable)
        frame_bytes: int = 0,
        **program: object,
    ) -> Program:
        function = Function("entry", signature, registers, tuple(Block(tuple(b)) for b in blocks), frame_bytes)
        settings = {"arena_size": ARENA, "stack_bytes": 64, "call_depth": 4, **program}
        return Program((function,), **settings)  # type: ignore[arg-type]

    return make


class Generator:
    """Random programs. Every operation, operand kind and section occurs; the verifier accepts all of them."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.signatures = [self._signature() for _ in range(random.randint(1, 3))]
        self.helpers = tuple(random.sample(list(Helper), random.randint(1, 4)))
        self.functions = [random.choice(self.signatures) for _ in range(random.randint(1, 3))]
        self.tables = tuple(
            Table(signature, tuple(n for n, s in enumerate(self.functions) if s == signature))
            for signature in dict.fromkeys(self.functions)
        )

    def program(self) -> Program:
        random = self.random
        data = random.randbytes(random.randint(0, 40)).rstrip(b"\0")
        return Program(
            tuple(self._function(number, signature) for number, signature in enumerate(self.functions)),
            entry=random.randrange(len(self.functions)),
            tables=self.tables,
            imports=self.helpers,
            data=data,
            data_end=16 + len(data) + random.randint(0, 50),
            arena_size=random.choice([ARENA, ARENA + 16, ARENA + 48, GUARDED]),
            stack_bytes=64,
            call_depth=2,
        )

    def _signature(self) -> Signature:
        kinds = tuple(self.random.choices(REGISTER_TYPES, k=self.random.randint(0, 6)))
        return Signature(self.random.choice(list(ValueType)), kinds)

    def _function(self, number: int, signature: Signature) -> Function:
        random = self.random
        counts = [signature.parameters.count(kind) + random.randint(1, 3) for kind in REGISTER_TYPES]
        registers = Registers(*counts)
        blocks = random.randint(1, 6)
        made = []
        for _ in range(blocks):
            ops = [random.choice([op for op in Op if not op.ends_block]) for _ in range(random.randint(0, 6))]
            last = random.choice([op for op in Op if op.ends_block and self._may_return(op, signature)])
            instructions = [self._instruction(op, registers, signature, blocks) for op in [*ops, last]]
            made.append(Block(tuple(instructions), random.randint(0, 3)))
        return Function(f"function.{number}", signature, registers, tuple(made), random.choice([0, 16, 32]))

    @staticmethod
    def _may_return(op: Op, signature: Signature) -> bool:
        if op is Op.RETURN_VALUE:
            return signature.result is not ValueType.NONE
        return op is not Op.RETURN or signature.result is ValueType.NONE

    def _instruction(self, op: Op, registers: Registers, signature: Signature, blocks: int) -> Instruction:
        random = self.random
        if op.tail is Tail.ARGUMENTS:
            return self._call(op, registers)
        if op is Op.SWITCH:
            targets = [random.randrange(blocks) for _ in range(random.randint(1, 5))]
            return Instruction(op, (self._register(registers, ValueType.I32), *targets))
        operands: list[int] = []
        slots = [slot for slot in op.slots if slot not in (Slot.NONE, Slot.HIGH)]
        for place, role in enumerate(roles(op, 0)):
            slot = slots[place] if place < len(slots) else Slot.READ_I32
            kind = signature.result if slot is Slot.VALUE else slot.type
            operands.append(self._operand(op, role, registers, kind, slot, blocks))
        if op.tail is Tail.ADDRESS and operands[2] == NO_REGISTER:
            operands[3] = 0
        return Instruction(op, tuple(operands))

    def _operand(self, op: Op, role: Role, registers: Registers, kind: ValueType, slot: Slot, blocks: int) -> int:
        random = self.random
        if role in (Role.READ, Role.WRITE):
            return self._register(registers, kind)
        if role in (Role.BASE, Role.INDEX):
            return random.choice([NO_REGISTER, self._register(registers, ValueType.I32)])
        if role in (Role.BITS32, Role.BITS64):
            return random.getrandbits(32 if role is Role.BITS32 else 64)
        choices = {
            Role.BLOCK: range(blocks),
            Role.CONDITION: list(Condition),
            Role.FLOAT_CONDITION: list(FloatCondition),
            Role.SHIFT: range(4),
            Role.DISPLACEMENT: [0, 16, 40, -8, GUARDED - 8, GUARDED - 3, (1 << 27) - 1, -(1 << 27)],
        }
        if role in choices:
            return int(random.choice(choices[role]))
        if slot is Slot.UNSIGNED8:
            return random.getrandbits(8)
        if slot is Slot.UNSIGNED16:
            return random.getrandbits(16)
        bits = {Slot.SIGNED8: 8, Slot.SIGNED16: 16}.get(slot) or {Tail.WORD: 32, Tail.LONG: 64}.get(op.tail)
        if op.tail is Tail.WORD_TARGETS:
            bits = 32
        bits = bits or 8  # COMPARE_IMMEDIATE
        return random.choice([0, 1, -1, random.getrandbits(bits) - (1 << (bits - 1))])

    def _call(self, op: Op, registers: Registers) -> Instruction:
        random = self.random
        if op is Op.CALL_HELPER:
            called = [random.randrange(len(self.helpers))]
            helper = self.helpers[called[0]]
            signature = Signature(helper.result, helper.parameters)
        elif op is Op.CALL:
            called = [random.randrange(len(self.functions))]
            signature = self.functions[called[0]]
        else:
            table = random.randrange(len(self.tables))
            called = [table, self._register(registers, ValueType.I32)]
            signature = self.tables[table].signature
        result = self._register(registers, signature.result) if signature.result else NO_REGISTER
        return Instruction(op, (result, *called, *(self._register(registers, kind) for kind in signature.parameters)))

    def _register(self, registers: Registers, kind: ValueType) -> int:
        return registers.first(kind) + self.random.randrange(registers.counts()[kind - 1])


@pytest.fixture(scope="session")
def random_program() -> Callable[[Random], Program]:
    """Makes a random program."""
    return lambda random: Generator(random).program()
