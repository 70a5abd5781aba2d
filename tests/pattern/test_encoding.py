"""Programs come out of bytes and text as they went in; what does not fit is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bfimg.errors import FitError, FormatError
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, ValueType
from bfimg.pattern.assemble import assemble
from bfimg.pattern.decode import decode_program
from bfimg.pattern.disassemble import disassemble
from bfimg.pattern.encode import encode_instruction, encode_program
from bfimg.pattern.operands import registers_read, registers_written, targets
from bfimg.pattern.program import NO_REGISTER, Instruction, Program, Registers, Signature

MakeProgram = Callable[[Random], Program]


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_random_programs_survive_bytes_and_text(seed: int, random_program: MakeProgram) -> None:
    program = random_program(Random(seed))
    data = encode_program(program)
    assert decode_program(data) == program
    assert encode_program(decode_program(data)) == data
    text = disassemble(program)
    assert encode_program(assemble(text)) == data
    assert disassemble(assemble(text)) == text


def test_random_programs_have_every_operation(random_program: MakeProgram) -> None:
    seen = {
        instruction.op
        for seed in range(150)
        for function in random_program(Random(seed)).functions
        for block in function.blocks
        for instruction in block.instructions
    }
    assert seen == set(Op)


@pytest.mark.parametrize(
    ("op", "operands", "words"),
    [
        (Op.ADD_I32, (1, 2, 3), [0x0302010C]),
        (Op.ADD_I32_IMM8, (1, 2, -1), [0xFF02011D]),
        (Op.CONST_I32_16, (9, -2), [0xFFFE0905]),
        (Op.CONST_I32, (9, -2), [0x00000906, 0xFFFFFFFE]),
        (Op.CONST_I64, (9, -2), [0x00000908, 0xFFFFFFFE, 0xFFFFFFFF]),
        (Op.LOAD_I32, (1, 2, -1), [0xFF020176]),
        (Op.LOAD_I32_AT, (1, 2, 3, 2, 0x100), [0x0302017E, 0x100B]),
        (Op.LOAD_I32_AT, (1, NO_REGISTER, 3, 2, -16), [0x0300017E, 0xFFFFFF0A]),
        (Op.SET_I32, (1, 2, 3, Condition.SLT), [0x03020167, 0xC]),
        (Op.SELECT_I32, (1, 2, 3, Condition.NE, 4, -3), [0x0302016D, 0x00FD0405]),
        (Op.BRANCH_I32, (Condition.EQ, 1, 2, 5, 6), [0x02010493, 0x00060005]),
        (Op.SWITCH, (7, 1, 2, 3), [0x00020799, 0x00020001, 0x3]),
        (Op.CALL, (NO_REGISTER, 258, 1, 2, 3, 4, 5), [0x0102009D, 0x04030201, 0x5]),
        (Op.CALL_INDIRECT, (2, 1, 9), [0x0901029E]),
    ],
)
def test_words_of_each_form(op: Op, operands: tuple[int, ...], words: list[int]) -> None:
    assert list(encode_instruction(Instruction(op, operands))) == words


@pytest.mark.parametrize(
    ("op", "operands", "problem"),
    [
        (Op.ADD_I32, (1, 2), "too few operands"),
        (Op.RETURN, (1,), "1 operands too many"),
        (Op.ADD_I32, (1, 2, 256), "256 is not in 0..255"),
        (Op.ADD_I32, (1, 2, NO_REGISTER), "-1 is not in 0..255"),
        (Op.ADD_I32_IMM8, (1, 2, 128), "128 is not in -128..127"),
        (Op.CONST_I32, (1, 1 << 32), "is not in 0..4294967295"),
        (Op.CONST_I32, (1, -(1 << 31) - 1), "is not in -2147483648..2147483647"),
        (Op.LOAD_U8_AT, (1, 2, 3, 4, 0), "4 is not in 0..3"),
        (Op.ADDRESS, (1, 2, 3, 0, 1 << 27), "134217728 is not in -134217728..134217727"),
        (Op.JUMP, (65536,), "65536 is not in 0..65535"),
        (Op.SWITCH, (1,), "-1 is not in 0..65535"),
    ],
)
def test_operands_that_do_not_fit(op: Op, operands: tuple[int, ...], problem: str) -> None:
    with pytest.raises(FormatError) as caught:
        encode_instruction(Instruction(op, operands))
    assert str(caught.value).startswith(op.mnemonic) and problem in str(caught.value)


def test_a_program_too_large_for_its_header(one_function: Callable[..., Program]) -> None:
    program = one_function([Instruction(Op.RETURN)], registers=Registers(), call_depth=1 << 16)
    with pytest.raises(FitError, match="does not fit its format"):
        encode_program(program)


def test_names_become_printable_and_zeros_at_the_end_of_the_data_are_not_stored(
    one_function: Callable[..., Program],
) -> None:
    program = one_function([Instruction(Op.RETURN)], registers=Registers(), data=b"abc" + bytes(90), data_end=0)
    data = encode_program(program)
    decoded = decode_program(data)
    assert (decoded.data, decoded.data_end) == (b"abc", 16 + 93)
    for name, shown in (('a"b\\c\u00e9\n', "a?b?c??"), ("", "")):
        function = type(program.functions[0])(name, Signature(), Registers(), program.functions[0].blocks)
        assert decode_program(encode_program(Program((function,)))).functions[0].name == shown


def test_small_programs_are_small(one_function: Callable[..., Program]) -> None:
    assert len(encode_program(one_function([Instruction(Op.RETURN)], registers=Registers()))) <= 104


def test_what_instructions_read_write_and_where_they_go() -> None:
    load = Instruction(Op.LOAD_F64_AT, (9, 1, NO_REGISTER, 0, 8))
    assert (registers_read(load), registers_written(load)) == ((1,), (9,))
    store = Instruction(Op.STORE_F64_AT, (9, 1, 2, 3, 8))
    assert (registers_read(store), registers_written(store)) == ((9, 1, 2), ())
    select = Instruction(Op.SELECT_I32_COMPARE, (1, 2, 3, Condition.EQ, 4, 5))
    assert (registers_read(select), registers_written(select)) == ((2, 3, 4, 5), (1,))
    call = Instruction(Op.CALL_INDIRECT, (NO_REGISTER, 0, 3, 4, 5))
    assert (registers_read(call), registers_written(call)) == ((3, 4, 5), ())
    assert targets(Instruction(Op.SWITCH, (1, 7, 8, 9))) == (7, 8, 9)
    branch = Instruction(Op.BRANCH_I32_IMM32, (Condition.EQ, 1, 99, 2, 3))
    assert (registers_read(branch), targets(branch)) == ((1,), (2, 3))


def test_register_numbers_follow_the_types() -> None:
    registers = Registers(2, 1, 0, 3)
    assert [registers.type_of(number).name for number in range(7)] == ["I32", "I32", "I64", "F64", "F64", "F64", "NONE"]
    signature = Signature(ValueType.NONE, (ValueType.F64, ValueType.I32, ValueType.F64, ValueType.I32))
    assert registers.parameters(signature) == (3, 0, 4, 1)


@pytest.mark.parametrize(
    "line",
    [
        "add.i99 r0, r0, r0",
        "add.i32 r0, r0",
        "add.i32 r0, r0, x",
        "load.i32 r0, [r1 + 2]",
        "load.i32 r0, r1",
        "jump r0",
        "call.helper r0, sin, r0",
        "call r0, @nobody",
        "branch.i32 equal, r0, r0, b0, b0",
        "const.i32 r0, many",
        "program arena",
        "b0 depth 0:",
    ],
)
def test_text_that_cannot_be_read_names_its_line(line: str) -> None:
    head = "program entry @f, arena 32, stack 0, data_end 16, depth 1 ; comment"
    text = "\n".join([head, 'function "f" (), registers 1 0 0 0, frame 0', "b0, depth 0:", line])
    with pytest.raises(FormatError, match="line 4: cannot read"):
        assemble(text)


def test_functions_without_a_telling_name_are_numbered(one_function: Callable[..., Program]) -> None:
    text = "\n".join(
        [
            "program entry @1, arena 32, stack 0, data_end 16, depth 1",
            *('function "two words" (), registers 0 0 0 0, frame 0', "b0, depth 0:", "  return"),
            *('function "twin" (), registers 0 0 0 0, frame 0', "b0, depth 0:", "  call -, @2", "  return"),
            *('function "twin" (), registers 0 0 0 0, frame 0', "b0, depth 0:", "  call -, @0", "  return"),
        ]
    )
    assert disassemble(assemble(text)) == text + "\n"


def test_floats_in_text_keep_every_bit() -> None:
    lines = ["const.f32 r0, 0.10000000149011612", "const.f32 r0, 0x7fc00001", "const.f64 r1, -0.0", "const.f64 r1, inf"]
    shown = ["0x7fc00001", "0x7ff0000000000000"]
    text = "\n".join(
        [
            "program entry @f, arena 32, stack 0, data_end 16, depth 1",
            'function "f" (), registers 0 0 1 1, frame 0',
            "b0, depth 0:",
            *lines,
            "return",
        ]
    )
    program = assemble(text)
    again = disassemble(program)
    assert lines[0] in again and lines[2] in again and all(bits in again for bits in shown)
    assert assemble(again) == program
