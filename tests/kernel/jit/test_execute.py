"""The kernel's compiler and the interpreter agree: on random programs, and on the 12 modules."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from bfimg.bitcode.lower import lower
from bfimg.build.programs import load_programs
from bfimg.formats.pattern import PatternType
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Trap, ValueType
from bfimg.pattern.assemble import assemble
from bfimg.pattern.encode import encode_program
from bfimg.pattern.fixed import fixed_program
from bfimg.pattern.interpret import Machine
from bfimg.pattern.program import (
    NO_REGISTER,
    REGISTER_TYPES,
    Block,
    Function,
    Instruction,
    Program,
    Registers,
    Signature,
)
from tests.compiled import Case, compare, record
from tests.pattern.conftest import ARENA, GUARDED, Generator
from tests.pattern.counted import counting_arguments, counting_program
from tests.pattern.loops import loop_arguments, loop_program

PROGRAMS = int(os.environ.get("BFIMG_TEST_PROGRAMS", "200"))  # of each kind
FUEL = 20_000
CALLS = 3
LOOP_CALLS = 8
I32S = [0, 1, 16, 40, 255, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
FLOATS = [0.0, -0.0, 1.5, -2.0, 1e10, -1e300, float("inf"), float("nan")]


def argument(random: Random, kind: ValueType) -> float:
    if kind is ValueType.I32:
        return random.choice(I32S)
    if kind is ValueType.I64:
        return random.getrandbits(64)
    return random.choice(FLOATS[:5] if kind is ValueType.F32 else FLOATS)


def call(machine: Machine, case: Case, values: list[float]) -> bool:
    """False when the interpreter's time was over, where nothing can be compared."""
    outcome = machine.call(values, fuel=FUEL)
    if outcome.stop is not None and outcome.stop.trap is Trap.TIME:
        return False
    record(machine, case, values, outcome)
    return True


def test_random_programs(compiled_runner: Path) -> None:
    cases, seen = [], set()
    for seed in range(PROGRAMS):
        random = Random(seed)
        program: Program = Generator(random).program()
        machine, case = Machine(encode_program(program)), Case(encode_program(program))
        kinds = program.functions[program.entry].signature.parameters
        for _ in range(CALLS):
            if not call(machine, case, [argument(random, kind) for kind in kinds]):
                break
        seen |= {c.outcome.stop.trap if c.outcome.stop else None for c in case.calls}
        cases.append(case)
    assert seen == {*Trap, None} - {Trap.TIME}
    compare(compiled_runner, cases)


def test_loops_over_memory(compiled_runner: Path) -> None:
    cases, stopped, far = [], 0, 0
    for seed in range(PROGRAMS):
        random = Random(seed)
        program = loop_program(random)
        machine, case = Machine(encode_program(program)), Case(encode_program(program))
        for _ in range(LOOP_CALLS):
            if not call(machine, case, loop_arguments(random, program)):
                break
        stopped += sum(c.outcome.stop is not None for c in case.calls)
        far += sum(c.outcome.total > 100 for c in case.calls)
        cases.append(case)
    # Some get as far as their loops go, most leave the arena on the way.
    assert min(far, LOOP_CALLS * PROGRAMS - stopped) > PROGRAMS // 2 and stopped > 2 * PROGRAMS
    compare(compiled_runner, cases)


def test_counting_loops(compiled_runner: Path) -> None:
    cases, seen, long = [], set(), 0
    for seed in range(3 * PROGRAMS):
        random = Random(seed)
        program = counting_program(random)
        machine, case = Machine(encode_program(program)), Case(encode_program(program))
        for _ in range(CALLS):
            if not call(machine, case, counting_arguments(random)):
                break
        seen |= {c.outcome.stop.trap if c.outcome.stop else None for c in case.calls}
        long += sum(c.outcome.total > 200 for c in case.calls)
        cases.append(case)
    assert seen == {*Trap, None} - {Trap.TIME, Trap.CODE}
    assert long > PROGRAMS // 2
    compare(compiled_runner, cases)


def test_better_code_takes_no_more_of_the_stack(compiled_runner: Path) -> None:
    # Its loop runs several rounds at once, which takes registers that the program does not have.
    program = assemble("""program entry @deep, arena 256, stack 0, data_end 16, depth 600
function "deep" (i32) -> i32, registers 6 1 1 1, frame 0
b0, depth 0:
 branch.i32.imm8 sle, r0, 0, b3, b1
b1, depth 0:
 add.i32.imm8 r1, r0, -1
 const.i32.16 r3, 5
 jump b2
b2, depth 1:
 add.i32.imm8 r4, r4, 1
 add.i32 r5, r5, r4
 branch.i32 ne, r4, r3, b2, b4
b3, depth 0:
 return.value r0
b4, depth 0:
 call r2, @deep, r1
 add.i32 r2, r2, r5
 return.value r2
""")
    case, machine = Case(encode_program(program)), Machine(encode_program(program))
    for depth in (10, 599, 600):
        assert call(machine, case, [depth])
    assert [c.outcome.stop is None for c in case.calls] == [True, True, False]
    compare(compiled_runner, [case])


@pytest.mark.parametrize("kind", [kind for kind in PatternType if kind is not PatternType.CUSTOM])
def test_fixed_patterns(kind: PatternType, compiled_runner: Path) -> None:
    data = encode_program(fixed_program(kind))
    case, machine = Case(data), Machine(data)
    for values in ([0, 0], [1, 7], [10, 3], [47, 11]):
        assert call(machine, case, values)
    compare(compiled_runner, [case])


def test_modules_give_their_answers(repository: Path, compiled_runner: Path) -> None:
    cases = []
    for program in load_programs(repository / "kernel"):
        data = lower((repository / f"samples/{program.name}.bc").read_bytes(), program.entry, trusted=True).data
        machine, case = Machine(data), Case(data)
        for _ in range(2):
            outcome = machine.call([program.size])
            assert outcome.value == program.answer
            record(machine, case, [program.size], outcome)
        cases.append(case)
    assert len(cases) == 12
    compare(compiled_runner, cases)


def test_a_program_that_runs_for_ever_is_stopped(compiled_runner: Path) -> None:
    loop = Block((Instruction(Op.JUMP, (0,)),))
    data = encode_program(Program((Function("loop", Signature(), Registers(), (loop,)),)))
    machine, case = Machine(data), Case(data)
    record(machine, case, [], machine.call([], fuel=10))
    assert case.calls[0].outcome.stop is not None
    compare(compiled_runner, [case])


def test_a_register_in_use_before_it_is_written_keeps_its_value(compiled_runner: Path) -> None:
    """r8 goes from its only write to the next operation alone, but it is 0 before, and there is no home for it."""
    busy = ["r2", "r3", "r4", "r5", "r6", "r7", "r9", "r1"]
    sums = "".join(f"add.i32 {d}, {d}, {a}\n" for d, a in zip(busy, ["r0", *busy], strict=False))
    text = f"""program entry @entry, arena 64, stack 0, data_end 16, depth 1
        function "entry" (i32, i32) -> i32, registers 11 0 0 0, frame 0
        b0, depth 0:
          jump b1
        b1, depth 1:
          {sums}
          jump b2
        b2, depth 0:
          store.i32 r8, [r0]
          const.i32.16 r8, -1
          and.i32.imm8 r10, r8, 127
          add.i32 r10, r10, r1
          return.value r10
        """
    data = encode_program(assemble(text))
    machine, case = Machine(data), Case(data)
    assert call(machine, case, [16, 1])
    compare(compiled_runner, [case])


@pytest.mark.parametrize("arena_size", [ARENA, GUARDED])
def test_accesses_at_the_edges_of_the_arena(arena_size: int, compiled_runner: Path) -> None:
    accesses = [op for op in Op if op.access_size]
    assert len(accesses) == 28
    compare(compiled_runner, [edge_case(op, arena_size, steps) for op in accesses for steps in (0, -2, 100)])


def edge_case(op: Op, arena_size: int, steps: int) -> Case:
    """One access so many steps behind what a register says, at addresses at the edges."""
    registers = Registers(2, 1, 1, 1)
    value = 1 if op.slots[0].type is ValueType.I32 else registers.first(op.slots[0].type)
    is_far = op.name.endswith("_AT")
    access = Instruction(op, (value, 0, NO_REGISTER, 0, steps) if is_far else (value, 0, steps))
    signature = Signature(parameters=(ValueType.I32, *REGISTER_TYPES))
    entry = Function("entry", signature, registers, (Block((access, Instruction(Op.RETURN))),))
    data = encode_program(Program((entry,), arena_size=arena_size))
    machine, case = Machine(data), Case(data)
    for address in (0, 15, 16, *range(arena_size - 9, arena_size + 9), 2 * arena_size, 0x80000000, 0xFFFFFFFF):
        base = address - steps * (1 if is_far else op.access_size)
        assert call(machine, case, [base % (1 << 32), 0x87654321, 0x0123456789ABCDEF, 1.5, -2.5])
    return case
