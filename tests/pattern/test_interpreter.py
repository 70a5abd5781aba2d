"""Memory, control, calls and traps as the interpreter does them."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from bfimg.errors import NotFoundError, UsageError
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Trap, ValueType
from bfimg.pattern.assemble import assemble
from bfimg.pattern.encode import encode_program
from bfimg.pattern.interpret import Machine, Outcome, run
from bfimg.pattern.program import NO_REGISTER, Instruction, Program, Registers, Signature

I32, I64, F32, F64 = ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64
REGISTERS = Registers(4, 1, 1, 1)
FIRST = {I32: 3, I64: 4, F32: 5, F64: 6}
ARENA = 256
PATTERN = bytes((37 * place + 129) % 256 for place in range(ARENA))
LAYOUTS = {
    **{"U8": "<B", "S8": "<b", "I8": "<B", "U16": "<H", "S16": "<h", "I16": "<H"},
    **{"I32": "<I", "I64": "<Q", "F32": "<f", "F64": "<d"},
}
LOADS = [op for op in Op if op.name.startswith("LOAD_")]
STORES = [op for op in Op if op.name.startswith("STORE_")]

MakeProgram = Callable[..., Program]


def machine_of(make: MakeProgram, instruction: Instruction, result: ValueType = ValueType.NONE) -> Machine:
    """The instruction with the parameters r0, r1 and r2, in an arena full of PATTERN."""
    returned = Instruction(Op.RETURN_VALUE, (FIRST[result],)) if result else Instruction(Op.RETURN)
    parameters = (I32, I32, I32)
    machine = Machine(
        encode_program(make([instruction, returned], registers=REGISTERS, signature=Signature(result, parameters)))
    )
    machine.memory[:] = PATTERN
    return machine


def trapped(outcome: Outcome, trap: Trap) -> bool:
    return outcome.stop is not None and outcome.stop.trap is trap and outcome.value is None


@pytest.mark.parametrize("op", LOADS, ids=lambda op: op.name)
def test_loads_read_what_struct_reads_and_trap_outside(op: Op, one_function: MakeProgram) -> None:
    layout, size = LAYOUTS[op.name.split("_")[1]], op.access_size
    kind = op.slots[0].type
    far = op.name.endswith("_AT")
    operands = (FIRST[kind], 0, NO_REGISTER, 0, -3) if far else (FIRST[kind], 0, -2)
    displacement = -3 if far else -2 * size
    machine = machine_of(one_function, Instruction(op, operands), kind)
    assert struct.calcsize(layout) == size
    for address in (0, 15, 16, 17, 100, ARENA - size, ARENA - size + 1, ARENA, 0x7FFFFFFF, 0xFFFFFFFF):
        outcome = machine.call((address - displacement, 0, 0))
        if 16 <= address <= ARENA - size:
            (wanted,) = struct.unpack_from(layout, PATTERN, address)
            assert outcome.value == (wanted & 0xFFFFFFFF if kind is I32 else wanted)
        else:
            assert trapped(outcome, Trap.MEMORY), address


@pytest.mark.parametrize("op", STORES, ids=lambda op: op.name)
def test_stores_write_what_struct_writes_and_nothing_when_they_trap(op: Op, one_function: MakeProgram) -> None:
    layout, size = LAYOUTS[op.name.split("_")[1]], op.access_size
    kind = op.slots[0].type
    far = op.name.endswith("_AT")
    value = 0x87654321 if kind is I32 else 0 if kind is I64 else 0.0
    register = 1 if kind is I32 else FIRST[kind]
    operands = (register, 0, NO_REGISTER, 0, 5) if far else (register, 0, 3)
    displacement = 5 if far else 3 * size
    for address in (0, 15, 16, 101, ARENA - size, ARENA - size + 1, 0xFFFFFFFF):
        machine = machine_of(one_function, Instruction(op, operands))
        outcome = machine.call((address - displacement, value if kind is I32 else 0, 0))
        expected = bytearray(PATTERN)
        if 16 <= address <= ARENA - size:
            wanted = value & ((1 << 8 * size) - 1) if isinstance(value, int) else value
            struct.pack_into(layout, expected, address, wanted)
            assert outcome.stop is None
        else:
            assert trapped(outcome, Trap.MEMORY), address
        assert machine.memory == expected


def test_stored_floats_and_long_numbers() -> None:
    text = """
        program entry @f, arena 64, stack 0, data_end 16, depth 1
        function "f" (f64, f32, i64) -> i64, registers 1 2 1 1, frame 0
        b0, depth 0:
          store.f64.at r4, [16]
          store.f32.at r3, [24]
          store.i64.at r1, [28]
          load.i64.at r2, [16]
          return.value r2
        """
    machine = Machine(encode_program(assemble(text)))
    outcome = machine.call((-1.5, 0.1, 1 << 63 | 5))
    assert outcome.value == int.from_bytes(struct.pack("<d", -1.5), "little")
    assert machine.memory[24:36] == struct.pack("<fQ", 0.1, 1 << 63 | 5)


@pytest.mark.parametrize(
    ("operands", "address"),
    [
        ((0, 1, 2, 100), lambda a, b: a + 4 * b + 100),
        ((0, 1, 0, -100), lambda a, b: a + b - 100),
        ((0, NO_REGISTER, 0, 8), lambda a, b: a + 8),
        ((NO_REGISTER, 1, 3, -8), lambda a, b: 8 * b - 8),
        ((NO_REGISTER, 1, 0, 0), lambda a, b: b),
        ((0, NO_REGISTER, 0, 0), lambda a, b: a),
        ((NO_REGISTER, NO_REGISTER, 0, -1), lambda a, b: -1),
    ],
)
def test_addresses_wrap(
    operands: tuple[int, ...], address: Callable[[int, int], int], one_function: MakeProgram
) -> None:
    machine = machine_of(one_function, Instruction(Op.ADDRESS, (FIRST[I32], *operands)), I32)
    for a in (0, 1, 200, 0x80000000, 0xFFFFFFFF):
        for b in (0, 1, 0x40000000, 0xFFFFFFFF):
            assert machine.call((a, b, 0)).value == address(a, b) & 0xFFFFFFFF


@pytest.mark.parametrize(("to", "source", "length"), [(20, 24, 100), (24, 20, 100), (16, 16, 240), (16, 255, 1)])
def test_copies_may_overlap(to: int, source: int, length: int, one_function: MakeProgram) -> None:
    machine = machine_of(one_function, Instruction(Op.COPY, (0, 1, 2)))
    assert machine.call((to, source, length)).stop is None
    expected = bytearray(PATTERN)
    expected[to : to + length] = PATTERN[source : source + length]
    assert machine.memory == expected


BLOCKS = [
    (Op.COPY, (15, 100, 1)),
    (Op.COPY, (100, 15, 1)),
    (Op.COPY, (100, 200, 57)),
    (Op.COPY, (200, 100, 57)),
    (Op.COPY, (100, 16, 0xFFFFFFFF)),
    (Op.FILL, (15, 1, 2)),
    (Op.FILL, (255, 1, 2)),
    (Op.FILL, (0xFFFFFFF0, 1, 0x20)),
]


@pytest.mark.parametrize(("op", "arguments"), BLOCKS)
def test_blocks_outside_trap_before_anything_is_written(
    op: Op, arguments: tuple[int, int, int], one_function: MakeProgram
) -> None:
    machine = machine_of(one_function, Instruction(op, (0, 1, 2)))
    assert trapped(machine.call(arguments), Trap.MEMORY)
    assert machine.memory == PATTERN


def test_nothing_is_nowhere(one_function: MakeProgram) -> None:
    for op in (Op.COPY, Op.FILL):
        machine = machine_of(one_function, Instruction(op, (0, 1, 2)))
        assert machine.call((0, 0xFFFFFFFF, 0)).stop is None
        assert machine.memory == PATTERN


def test_fill_takes_the_lowest_byte(one_function: MakeProgram) -> None:
    machine = machine_of(one_function, Instruction(Op.FILL, (0, 1, 2)))
    assert machine.call((16, 0x1234, 240)).stop is None
    assert machine.memory == PATTERN[:16] + b"\x34" * 240


def test_check_knows_the_arena(one_function: MakeProgram) -> None:
    checks = machine_of(one_function, Instruction(Op.CHECK, (0, 1)))
    for address, length, good in [(16, 240, 1), (16, 241, 0), (15, 1, 0), (0, 0, 1), (256, 0, 1), (17, 0xFFFFFFFF, 0)]:
        immediate = machine_of(one_function, Instruction(Op.CHECK_IMM32, (0, length)))
        for outcome in (checks.call((address, length, 0)), immediate.call((address, 0, 0))):
            assert outcome.stop is None if good else trapped(outcome, Trap.MEMORY)


RECURSIVE = """
    program entry @sum, arena 256, stack 128, data_end 16, depth 4
    function "sum" (i32) -> i32, registers 4 0 0 0, frame 32
    b0, depth 0:
      frame r1, 4
      store.i32 r0, [r1]
      branch.i32.imm8 eq, r0, 0, b2, b1
    b1, depth 0:
      add.i32.imm8 r0, r0, -1
      call r2, @sum, r0
      load.i32 r3, [r1]
      add.i32 r2, r2, r3
      return.value r2
    b2, depth 0:
      return.value r2
    """


def test_frames_are_apart_and_calls_are_counted_and_limited() -> None:
    machine = Machine(encode_program(assemble(RECURSIVE)))
    outcome = machine.call((3,))
    assert (outcome.value, outcome.calls, outcome.total) == (6, (4,), 4 * 3 + 3 * 5 + 1)
    assert [struct.unpack_from("<I", machine.memory, 256 - 32 * n + 4)[0] for n in (1, 2, 3, 4)] == [3, 2, 1, 0]
    deep = machine.call((4,))
    assert trapped(deep, Trap.CALL_DEPTH)
    assert str(deep.stop) == "call depth trap in function 0 (sum), block 0, operation 0"
    assert machine.call((2,)).value == 3  # the trap left nothing behind


def test_time_is_what_operations_it_was_given() -> None:
    data = encode_program(assemble(RECURSIVE))
    assert run(data, (2,), fuel=20).value == 3
    assert trapped(run(data, (2,), fuel=19), Trap.TIME)


@pytest.mark.parametrize("line", ["copy r0, r0, r1", "fill r0, r0, r1"])
def test_long_copies_take_time(line: str) -> None:
    text = f"""
        program entry @f, arena 65536, stack 0, data_end 16, depth 1
        function "f" (i32, i32), registers 2 0 0 0, frame 0
        b0, depth 1:
          {line}
          jump b0
        """
    outcome = run(encode_program(assemble(text)), (16, 64000), fuel=100_000)
    assert trapped(outcome, Trap.TIME) and outcome.total <= 2 * 101


CALLS = """
    program entry @pick, arena 64, stack 0, data_end 16, depth 2
    import allocate
    table0 (i32, f64) -> f64: @add, @scale
    function "pick" (i32, i32, f64) -> f64, registers 2 0 0 1, frame 0
    b0, depth 0:
      call.indirect r2, table0, r0, r1, r2
      return.value r2
    function "add" (i32, f64) -> f64, registers 1 0 0 2, frame 0
    b0, depth 0:
      f64.from.i32 r2, r0
      add.f64 r1, r1, r2
      return.value r1
    function "scale" (i32, f64) -> f64, registers 1 0 0 2, frame 0
    b0, depth 0:
      f64.from.i32 r2, r0
      mul.f64 r1, r1, r2
      return.value r1
    function "heap" (i32) -> i32, registers 2 0 0 0, frame 0
    b0, depth 0:
      call.helper r1, allocate, r0
      return.value r1
    function "nothing" (), registers 0 0 0 0, frame 0
    b0, depth 0:
      return
    function "call" () -> i32, registers 1 0 0 0, frame 0
    b0, depth 0:
      call -, @nothing
      return.value r0
    function "stop" (), registers 0 0 0 0, frame 0
    b0, depth 0:
      trap 7
    """


def test_tables_count_from_one() -> None:
    machine = Machine(encode_program(assemble(CALLS)))
    assert machine.call((1, -3, 0.5)).value == -2.5
    outcome = machine.call((2, -3, 0.5))
    assert (outcome.value, outcome.calls, outcome.operations) == (-1.5, (1, 0, 1, 0, 0, 0, 0), (2, 0, 3, 0, 0, 0, 0))
    for pointer in (0, 3, 0xFFFFFFFF):
        assert trapped(machine.call((pointer, 1, 1.0)), Trap.INDIRECT_CALL)


def test_functions_are_called_by_name() -> None:
    machine = Machine(encode_program(assemble(CALLS)))
    assert machine.call((), function=machine.function("call")).value == 0
    stop = machine.call((), function=machine.function("stop")).stop
    assert str(stop) == "code trap 7 in function 6 (stop), block 0, operation 0"
    with pytest.raises(NotFoundError, match=r"no function 'pack'; there are: pick, add"):
        machine.function("pack")


def test_the_heap_is_between_data_and_stack() -> None:
    machine = Machine(encode_program(assemble(CALLS)))
    heap = machine.function("heap")
    assert [machine.call((size,), function=heap).value for size in (17, 0xFFFFFFFF, 0, 1)] == [16, 0, 48, 0]


@pytest.mark.parametrize(("value", "block"), [(0, 11), (1, 22), (2, 33), (3, 99), (0xFFFFFFFF, 99)])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_switch_goes_to_the_default_from_its_count_on(value: int, block: int, count: int) -> None:
    targets = ", ".join(["b4", "b1", "b2", "b3"][: count + 1])
    answers = "".join(
        f"\nb{n}, depth 0:\nconst.i32.16 r0, {answer}\nreturn.value r0" for n, answer in enumerate((11, 22, 33, 99), 1)
    )
    text = f"""
        program entry @f, arena 64, stack 0, data_end 16, depth 1
        function "f" (i32) -> i32, registers 1 0 0 0, frame 0
        b0, depth 0:
          switch r0, {targets}{answers}
        """
    assert run(encode_program(assemble(text)), (value,)).value == (block if value < count else 99)


def test_loops_of_one_block_end_either_way() -> None:
    for condition, targets in (("ne", "b1, b2"), ("eq", "b2, b1")):
        text = f"""
            program entry @f, arena 64, stack 0, data_end 16, depth 1
            function "f" (i32) -> i32, registers 2 0 0 0, frame 0
            b0, depth 0:
              jump b1
            b1, depth 1:
              add.i32 r1, r1, r0
              add.i32.imm8 r0, r0, -1
              branch.i32.imm8 {condition}, r0, 0, {targets}
            b2, depth 0:
              return.value r1
            """
        outcome = run(encode_program(assemble(text)), (100,))
        assert (outcome.value, outcome.total) == (5050, 302)


def test_registers_are_zero_at_each_entry_and_globals_stay() -> None:
    text = """
        program entry @count, arena 64, stack 0, data_end 24, depth 1
        data 05
        function "count" () -> i32, registers 2 1 1 1, frame 0
        b0, depth 0:
          load.i32.at r0, [16]
          add.i32 r1, r1, r0
          add.i32.imm8 r0, r0, 1
          store.i32.at r0, [16]
          store.f32.at r3, [20]
          return.value r1
        """
    machine = Machine(encode_program(assemble(text)))
    assert [machine.call().value for _ in range(3)] == [5, 6, 7]


def test_arguments_are_taken_as_the_signature_says() -> None:
    machine = Machine(encode_program(assemble(CALLS)))
    assert machine.call((1, (1 << 32) + 2, 1)).value == 3.0
    with pytest.raises(UsageError, match="2 arguments, the function takes 3"):
        machine.call((1, 2))
    with pytest.raises(UsageError, match=r"1.5 is no whole number; the parameter is i32"):
        machine.call((1, 1.5, 2.0))


def test_a_program_of_many_functions_calls_each() -> None:
    """Generated names must not hide others: f32 once was the 33rd function, and the rounding."""
    lines = ["program entry @0, arena 64, stack 0, data_end 16, depth 80"]
    for number in range(70):
        lines += ['function "" (f32) -> f32, registers 0 0 1 0, frame 0', "b0, depth 0:"]
        lines += ["add.f32 r0, r0, r0", f"call r0, @{number + 1}, r0"] if number < 69 else ["sqrt.f32 r0, r0"]
        lines += ["return.value r0"]
    outcome = run(encode_program(assemble("\n".join(lines))), (2.0,))
    assert outcome.value == 2.0**35 and outcome.calls == (1,) * 70
