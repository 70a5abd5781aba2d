"""Every pure operation and helper, interpreted, gives what the same computation in C gives."""

from __future__ import annotations

import ctypes
import itertools
import math
import struct
import subprocess
from collections.abc import Callable

import pytest

from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, FloatCondition, Slot, Tail, Trap, ValueType
from bfimg.pattern.encode import encode_program
from bfimg.pattern.interpret import Machine
from bfimg.pattern.program import Block, Function, Instruction, Program, Registers, Signature
from bfimg.pattern.semantics import compare, compare_floats, function_of

I32, I64, F32, F64 = ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64

# The same in C, with u the unsigned and s the signed type of 32 bits, U and S those of 64 bits; a and b are unsigned.
SHARED = {"ADD": "a + b", "SUB": "a - b", "AND": "a & b", "OR": "a | b", "XOR": "a ^ b", "MUL": "a * b"}
SHIFTS = {"SHL": "a << (b & {m})", "SHR": "a >> (b & {m})", "SAR": "({s})a >> (b & {m})"}
ROTATE = "(b & {m}) ? (a << (b & {m}) | a >> ({w} - (b & {m}))) : a"
FLOATS = {
    "ADD": "a + b",
    "SUB": "a - b",
    "MUL": "a * b",
    "DIV": "a / b",
    "MIN": "a < b ? a : b",
    "MAX": "a > b ? a : b",
    "NEG": "-a",
    "MOVE": "a",
}
C = {
    **{f"{name}_I{width}": text for name, text in SHARED.items() for width in (32, 64)},
    **{f"{name}_I32": text.format(s="s", m=31) for name, text in SHIFTS.items()},
    **{f"{name}_I64": text.format(s="S", m=63) for name, text in SHIFTS.items()},
    "ROTL_I32": ROTATE.format(m=31, w=32),
    "ROTL_I64": ROTATE.format(m=63, w=64),
    "ROTR_I32": "(b & 31) ? (a >> (b & 31) | a << (32 - (b & 31))) : a",
    "MULH_U32": "(U)a * b >> 32",
    "MULH_S32": "(S)(s)a * (s)b >> 32",
    "DIV_U32": "a / b",
    "DIV_S32": "(s)a / (s)b",
    "REM_U32": "a % b",
    "REM_S32": "(s)a % (s)b",
    "NEG_I32": "-a",
    "CLZ_I32": "a ? __builtin_clz(a) : 32",
    "CTZ_I32": "a ? __builtin_ctz(a) : 32",
    "POPCOUNT_I32": "__builtin_popcount(a)",
    "BSWAP_I32": "__builtin_bswap32(a)",
    "EXTEND_U8": "(uint8_t)a",
    "EXTEND_U16": "(uint16_t)a",
    "EXTEND_S8": "(int8_t)a",
    "EXTEND_S16": "(int16_t)a",
    "MUL_U32_WIDE": "(U)a * b",
    "MUL_S32_WIDE": "(S)(s)a * (s)b",
    "PACK_I64": "a | (U)b << 32",
    "LOW_I64": "a",
    "HIGH_I64": "a >> 32",
    "EXTEND_U32": "a",
    "EXTEND_S32": "(S)(s)a",
    "MOVE_I32": "a",
    "MOVE_I64": "a",
    "CONST_I32": "b",
    "CONST_I64": "b",
    **{f"{name}_{kind}": text for name, text in FLOATS.items() for kind in ("F32", "F64")},
    "SQRT_F32": "__builtin_sqrtf(a)",
    "SQRT_F64": "__builtin_sqrt(a)",
    "ABS_F32": "__builtin_fabsf(a)",
    "ABS_F64": "__builtin_fabs(a)",
    "F32_FROM_I32": "(s)a",
    "F64_FROM_I32": "(s)a",
    "F64_FROM_U32": "a",
    "I32_FROM_F32": "signed32(a)",
    "I32_FROM_F64": "signed32(a)",
    "U32_FROM_F64": "a < 0x1p31 ? signed32(a) : signed32(a - 0x1p31) ^ 0x80000000u",
    "F32_FROM_F64": "(float)a",
    "F64_FROM_F32": "a",
    "F32_FROM_BITS": "((union { u i; float f; }){a}).f",
    "F32_BITS": "((union { float f; u i; }){a}).i",
    "F64_FROM_BITS": "((union { U i; double f; }){a}).f",
    "F64_BITS": "((union { double f; U i; }){a}).i",
}
HELPERS = {
    "DIV_U64": "a / b",
    "DIV_S64": "(S)a / (S)b",
    "REM_U64": "a % b",
    "REM_S64": "(S)a % (S)b",
    "F32_FROM_S64": "(S)a",
    "F32_FROM_U64": "a",
    "F64_FROM_S64": "(S)a",
    "F64_FROM_U64": "a",
    "S64_FROM_F64": "signed64(a)",
    "U64_FROM_F64": "a < 0x1p63 ? signed64(a) : signed64(a - 0x1p63) ^ 1ull << 63",
    "FLOOR": "floor(a)",
    "CEIL": "ceil(a)",
    "TRUNC": "trunc(a)",
    "ROUND_EVEN": "rint(a)",
    "ROUND": "round(a)",
    "SIN": "sin(a)",
    "COS": "cos(a)",
    "EXP": "exp(a)",
    "LOG": "log(a)",
    "FMOD": "fmod(a, b)",
}
PROLOGUE = """
#include <math.h>
#include <stdint.h>
typedef uint32_t u; typedef int32_t s; typedef uint64_t U; typedef int64_t S;
static u signed32(double a) { return a > -2147483649.0 && a < 2147483648.0 ? (u)(s)a : 0x80000000u; }
static U signed64(double a) { return a >= -0x1p63 && a < 0x1p63 ? (U)(S)a : 1ull << 63; }
"""
C_TYPES = {I32: "u", I64: "U", F32: "float", F64: "double"}
TYPES = {I32: ctypes.c_uint32, I64: ctypes.c_uint64, F32: ctypes.c_float, F64: ctypes.c_double}
VALUES: dict[ValueType, list[int | float]] = {
    I32: [0, 1, 2, 7, 31, 32, 33, 0x80, 0xFF7F, 0x12345678, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF],
    I64: [
        *(0, 1, 63, 64, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, (1 << 53) + 1, 0x123456789ABCDEF0),
        *(0x7FFFFFFFFFFFFFFF, 1 << 63, (1 << 63) + 1, (1 << 63) | 1 << 39 | 1, (1 << 64) - 2, (1 << 64) - 1),
    ],
    F32: [
        *(0.0, -0.0, 1.0, -1.5, 2.0**-149, 2.0**-126, 3.4028234663852886e38, 16777217.0, 2147483648.0, -2147483648.0),
        *(math.inf, -math.inf, math.nan, 0.1, 4294967040.0),
    ],
    F64: [
        *(0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -1.0, 0.49999999999999994, 5e-324, 2.2250738585072014e-308, 1e308, 0.1),
        *(1e-46, 7e-46, 3.4028235677973366e38, 2147483647.5, 2147483648.0, -2147483648.9, 4294967295.5, 4294967296.0),
        *(4503599627370497.0, 2.0**63, -(2.0**63), 2.0**64, math.inf, -math.inf, math.nan),
    ],
}
IMMEDIATES = {Slot.SIGNED8: [0, 1, 5, 31, 32, 63, 127, -1, -128], Slot.SIGNED16: [0, 1, -1, 32767, -32768]}

PURE = [op for op in Op if op.expression is not None and "holds" not in op.expression]
CALCULATED = [helper for helper in Helper if helper.expression is not None]


def plain(op: Op) -> str:
    """Name of the operation without its immediate form."""
    name = op.name.removesuffix("_IMM8").removesuffix("_IMM32")
    return "CONST_" + name.split("_")[1] if name.startswith("CONST_I") else name


def read_types(op: Op) -> list[ValueType]:
    return [slot.type for slot in op.slots if slot.type and not slot.writes]


def result_type(op: Op) -> ValueType:
    return op.slots[0].type


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Each operation and helper as a C function; operations without a second register take the number as b."""
    folder = tmp_path_factory.mktemp("oracle")
    lines = [PROLOGUE]
    for op in PURE:
        if plain(op) in C:
            kinds = read_types(op)
            kinds += [result_type(op)] * (2 - len(kinds)) if result_type(op) in (I32, I64) else []
            parameters = ", ".join(f"{C_TYPES[kind]} {name}" for kind, name in zip(kinds, "ab", strict=False))
            lines.append(f"{C_TYPES[result_type(op)]} op_{op.name}({parameters}) {{ return {C[plain(op)]}; }}")
    for helper in CALCULATED:
        parameters = ", ".join(f"{C_TYPES[kind]} {name}" for kind, name in zip(helper.parameters, "ab", strict=False))
        lines.append(f"{C_TYPES[helper.result]} help_{helper.name}({parameters}) {{ return {HELPERS[helper.name]}; }}")
    source, output = folder / "oracle.c", folder / "oracle.so"
    source.write_text("\n".join(lines))
    flags = ["-O1", "-fwrapv", "-ffp-contract=off", "-fno-builtin", "-fno-math-errno", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, source, "-o", output, "-lm"], check=True)
    return ctypes.CDLL(str(output))


def native(library: ctypes.CDLL, name: str, result: ValueType, kinds: list[ValueType]) -> Callable[..., int | float]:
    function = getattr(library, name)
    function.restype = TYPES[result]
    function.argtypes = [TYPES[kind] for kind in kinds]
    return function


def same(kind: ValueType, found: int | float | None, wanted: int | float) -> bool:
    """Equal bits, or both not a number."""
    if kind in (I32, I64) or found is None:
        return found == wanted
    return struct.pack("<d", found) == struct.pack("<d", wanted) or (found != found and wanted != wanted)


def program_of(instruction: Instruction, kinds: list[ValueType], result: ValueType, **extra: object) -> Program:
    """(parameters of `kinds`) -> `result`: the instruction, then its first operand is returned."""
    counts = [kinds.count(kind) + (kind is result) for kind in (I32, I64, F32, F64)]
    function = Function(
        "f",
        Signature(result, tuple(kinds)),
        Registers(*counts),
        (Block((instruction, Instruction(Op.RETURN_VALUE, instruction.operands[:1]))),),
    )
    return Program((function,), call_depth=1, **extra)  # type: ignore[arg-type]


def registers_of(kinds: list[ValueType], result: ValueType) -> tuple[int, list[int]]:
    """The register for the result, behind the parameters of its type; the registers of the parameters."""
    counts = [kinds.count(kind) + (kind is result) for kind in (I32, I64, F32, F64)]
    registers = Registers(*counts)
    parameters = registers.parameters(Signature(result, tuple(kinds)))
    return registers.first(result) + registers.counts()[result - 1] - 1, list(parameters)


def divides_badly(name: str, values: tuple[int | float, ...]) -> bool:
    if not name.startswith(("DIV_", "REM_")) or name.startswith("DIV_F"):
        return False
    width = int(name[-2:])
    smallest = (1 << (width - 1), (1 << width) - 1)
    return values[1] == 0 or ("_S" in name and values == smallest)


@pytest.mark.parametrize("op", [op for op in PURE if plain(op) in C], ids=lambda op: op.name)
def test_operation_computes_what_c_computes(op: Op, library: ctypes.CDLL) -> None:
    kinds, result = read_types(op), result_type(op)
    immediates = next((IMMEDIATES[slot] for slot in op.slots if slot in IMMEDIATES), [])
    if op.tail in (Tail.WORD, Tail.LONG):
        immediates = [0, 1, -1, 0x12345678, -(1 << 31), *([1 << 62, -(1 << 63)] if op.tail is Tail.LONG else [])]
    target, parameters = registers_of(kinds, result)
    oracle_kinds = kinds + ([result] if len(kinds) < 2 and result in (I32, I64) else [])
    oracle_kinds += [result] if not kinds else []
    oracle = native(library, f"op_{op.name}", result, oracle_kinds)
    for immediate in immediates or [None]:
        extra = [] if immediate is None else [immediate]
        machine = Machine(encode_program(program_of(Instruction(op, (target, *parameters, *extra)), kinds, result)))
        for values in itertools.product(*(VALUES[kind] for kind in kinds)):
            outcome = machine.call(values)
            if divides_badly(op.name, values):
                assert outcome.stop is not None and outcome.stop.trap is Trap.DIVIDE
                continue
            mask = 0xFFFFFFFF if result is I32 else 0xFFFFFFFFFFFFFFFF
            filler = [(immediate or 0) & mask] * (len(oracle_kinds) - len(kinds))
            wanted = oracle(*values, *filler)
            assert same(result, outcome.value, wanted), (values, immediate, outcome.value, wanted)


def test_every_pure_operation_is_compared() -> None:
    others = {op.name for op in PURE if plain(op) not in C}
    assert others == {"CONST_F32", "CONST_F64"}
    assert {helper.name for helper in CALCULATED} == set(HELPERS)


@pytest.mark.parametrize("helper", CALCULATED, ids=lambda helper: helper.name)
def test_helper_computes_what_c_computes(helper: Helper, library: ctypes.CDLL) -> None:
    kinds, result = list(helper.parameters), helper.result
    target, parameters = registers_of(kinds, result)
    call = Instruction(Op.CALL_HELPER, (target, 0, *parameters))
    machine = Machine(encode_program(program_of(call, kinds, result, imports=(helper,))))
    oracle = native(library, f"help_{helper.name}", result, kinds)
    for values in itertools.product(*(VALUES[kind] for kind in kinds)):
        outcome = machine.call(values)
        if divides_badly(helper.name, values):
            assert outcome.stop is not None and outcome.stop.trap is Trap.DIVIDE
            continue
        wanted = oracle(*values)
        if helper in (Helper.SIN, Helper.COS, Helper.EXP, Helper.LOG) and math.isfinite(wanted):
            assert outcome.value == pytest.approx(wanted, rel=1e-15, abs=1e-300), values
        else:
            assert same(result, outcome.value, wanted), (values, outcome.value, wanted)


@pytest.mark.parametrize(("op", "code", "width"), [(Op.CONST_F32, "<f", 4), (Op.CONST_F64, "<d", 8)])
def test_float_constants_have_the_bits_given(op: Op, code: str, width: int) -> None:
    for value in (0.0, -0.0, 1.5, -math.inf, math.inf, math.nan, 2.0**-149):
        bits = int.from_bytes(struct.pack(code, value), "little")
        outcome = Machine(encode_program(program_of(Instruction(op, (0, bits)), [], result_type(op)))).call()
        assert same(F64, outcome.value, value)


ORDER: dict[str, Callable[[float, float], bool]] = {
    "LT": lambda a, b: a < b,
    "LE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GE": lambda a, b: a >= b,
    "EQ": lambda a, b: a == b,
    "NE": lambda a, b: a != b,
}


def holds(condition: Condition | FloatCondition, kind: ValueType, a: int | float, b: int | float) -> bool:
    """Independent of the expressions: signed by ctypes, NaN by name."""
    name = condition.name
    if isinstance(condition, FloatCondition):
        unordered = math.isnan(a) or math.isnan(b)
        if name in ("UNO", "ORD"):
            return unordered == (name == "UNO")
        return name[0] == "U" if unordered else ORDER[name[1:]](a, b)
    if name[0] == "S":
        signed = ctypes.c_int64 if kind is I64 else ctypes.c_int32
        a, b = signed(int(a)).value, signed(int(b)).value
    return ORDER[name if len(name) == 2 else name[1:]](a, b)


def conditions_of(op: Op) -> list[Condition] | list[FloatCondition]:
    is_float = Slot.FLOAT_CONDITION in op.slots or op.tail is Tail.FLOAT_CONDITION
    return list(FloatCondition) if is_float else list(Condition)


SETS = [Op.SET_I32, Op.SET_I64, Op.SET_F32, Op.SET_F64]
BRANCHES = [Op.BRANCH_I32, Op.BRANCH_I64, Op.BRANCH_F32, Op.BRANCH_F64]


@pytest.mark.parametrize("op", SETS, ids=lambda op: op.name)
def test_set_compares_registers(op: Op) -> None:
    kind = read_types(op)[0]
    for condition in conditions_of(op):
        target, parameters = registers_of([kind, kind], I32)
        instruction = Instruction(op, (target, *parameters, condition))
        machine = Machine(encode_program(program_of(instruction, [kind, kind], I32)))
        for a, b in itertools.product(VALUES[kind], repeat=2):
            assert machine.call((a, b)).value == holds(condition, kind, a, b), (condition, a, b)


@pytest.mark.parametrize("condition", Condition, ids=lambda condition: condition.name)
def test_immediates_are_compared_sign_extended(condition: Condition, one_function: Callable[..., Program]) -> None:
    answers = [[Instruction(Op.CONST_I32_16, (1, n)), Instruction(Op.RETURN_VALUE, (1,))] for n in (0, 1)]
    for immediate in (-128, -1, 0, 1, 127):
        programs = [
            program_of(Instruction(Op.SET_I32_IMM8, (1, 0, immediate, condition)), [I32], I32),
            *(
                one_function(
                    [Instruction(op, (condition, 0, immediate, 2, 1))],
                    *answers,
                    registers=Registers(i32=2),
                    signature=Signature(I32, (I32,)),
                )
                for op in (Op.BRANCH_I32_IMM8, Op.BRANCH_I32_IMM32)
            ),
        ]
        for program in programs:
            machine = Machine(encode_program(program))
            for a in VALUES[I32]:
                assert machine.call((a,)).value == holds(condition, I32, a, immediate & 0xFFFFFFFF), (a, immediate)


@pytest.mark.parametrize("op", BRANCHES, ids=lambda op: op.name)
def test_branch_goes_to_the_first_target_when_the_condition_holds(op: Op, one_function: Callable[..., Program]) -> None:
    kind = read_types(op)[0]
    registers = Registers(3, 2, 2, 2)
    first = registers.first(kind)
    answers = [[Instruction(Op.CONST_I32_16, (2, n)), Instruction(Op.RETURN_VALUE, (2,))] for n in (0, 1)]
    for condition in conditions_of(op):
        branch = [Instruction(op, (condition, first, first + 1, 2, 1))]
        machine = Machine(
            encode_program(one_function(branch, *answers, registers=registers, signature=Signature(I32, (kind, kind))))
        )
        for a, b in itertools.product(VALUES[kind], repeat=2):
            assert machine.call((a, b)).value == holds(condition, kind, a, b), (condition, a, b)


@pytest.mark.parametrize("kind", [I32, I64, F32, F64], ids=lambda kind: kind.name)
def test_select_takes_the_first_when_the_comparison_holds(kind: ValueType) -> None:
    target, (a, b, x) = registers_of([kind, kind, I32], kind)
    op = Op[f"SELECT_{kind.name}"]
    machine = Machine(
        encode_program(program_of(Instruction(op, (target, a, b, Condition.SLT, x, -5)), [kind, kind, I32], kind))
    )
    first, second = VALUES[kind][2:4]
    for value in (0, 5, 0xFFFFFFFA, 0xFFFFFFFB, 0x80000000):
        wanted = first if holds(Condition.SLT, I32, value, 0xFFFFFFFB) else second
        assert machine.call((first, second, value)).value == wanted


def test_select_that_compares_registers() -> None:
    target, (a, b, x, y) = registers_of([I32] * 4, I32)
    for condition in Condition:
        instruction = Instruction(Op.SELECT_I32_COMPARE, (target, a, b, condition, x, y))
        machine = Machine(encode_program(program_of(instruction, [I32] * 4, I32)))
        for left, right in itertools.product(VALUES[I32], repeat=2):
            assert machine.call((11, 22, left, right)).value == (11 if holds(condition, I32, left, right) else 22)


def test_the_constant_folder_has_the_same_functions() -> None:
    assert function_of(Op.ADD_I32)(0xFFFFFFFF, 2) == 1
    assert function_of(Op.ROTL_I32_IMM8)(0x80000001, k=4) == 0x18
    assert function_of(Op.SELECT_I32)(1, 2, holds=True) == 1
    assert function_of(Helper.REM_S64)((1 << 64) - 7, 3) == (1 << 64) - 1
    with pytest.raises(ZeroDivisionError):
        function_of(Op.DIV_S32)(0x80000000, 0xFFFFFFFF)
    with pytest.raises(KeyError):
        function_of(Op.LOAD_I32)
    assert compare(Condition.SLT, 1 << 63, 0, I64) and not compare(Condition.SLT, 1 << 31, 0, I64)
    assert compare(Condition.SLT, 1 << 31, 0) and compare_floats(FloatCondition.UNO, math.nan, 1.0)
