"""Every instruction and intrinsic of integers, floats and vectors gives what LLVM's own code for this machine gives."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from bfimg.pattern.interpret import Machine
from tests.bitcode.oracle import Native, lowered

WIDTHS = (1, 7, 8, 16, 24, 31, 32, 33, 48, 64)
FULL_WIDTHS = (8, 16, 32, 64)
BINARY = ("add", "sub", "mul", "and", "or", "xor")
SHIFTS = ("shl", "lshr", "ashr")
DIVISIONS = ("udiv", "urem", "sdiv", "srem")
PREDICATES = ("eq", "ne", "ult", "ule", "ugt", "uge", "slt", "sle", "sgt", "sge")
ORDERED = ("oeq", "ogt", "oge", "olt", "ole", "one", "ord")
FLOAT_PREDICATES = (*ORDERED, "ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true", "false")
INTRINSICS_2 = ("smax", "smin", "umax", "umin", "uadd.sat", "usub.sat", "sadd.sat", "ssub.sat")
OVERFLOWS = ("uadd", "usub", "sadd", "ssub")


def integer_cases(bits: int) -> Iterator[tuple[str, str]]:
    """Name and body of functions of %a and %b; the result is %r."""
    t = f"i{bits}"
    for op in BINARY:
        yield op, f"%r = {op} {t} %a, %b"
        yield f"{op}.constant", f"%r = {op} {t} %a, {(1 << bits - 1) - 3 if bits > 2 else 1}"
    for op in SHIFTS:
        yield op, f"%n = urem {t} %b, {bits if bits > 1 else 'true'}\n  %r = {op} {t} %a, %n"
        yield f"{op}.constant", f"%r = {op} {t} %a, {bits // 2}"
    for op in DIVISIONS:
        low = f"%d = or {t} %b, 1\n  %e = lshr {t} %d, {min(2, bits - 1)}\n  %g = or {t} %e, 1"
        yield op, f"{low}\n  %r = {op} {t} %a, %g" if bits > 2 else f"%r = {op} {t} %a, {'true' if bits == 1 else 1}"
    for predicate in PREDICATES:
        yield (
            predicate,
            f"%c = icmp {predicate} {t} %a, %b\n  %r = zext i1 %c to {t}"
            if bits > 1
            else (f"%r = icmp {predicate} {t} %a, %b"),
        )
        yield f"select.{predicate}", f"%c = icmp {predicate} {t} %a, %b\n  %r = select i1 %c, {t} %b, {t} 1"
        yield (
            f"branch.{predicate}",
            (
                f"%c = icmp {predicate} {t} %a, 1\n  br i1 %c, label %one, label %two\none:\n  br label %two\ntwo:\n"
                f"  %r = phi {t} [ %b, %entry ], [ 1, %one ]"
            ),
        )
    for name in INTRINSICS_2[:4]:
        yield name, f"%r = call {t} @llvm.{name}.{t}({t} %a, {t} %b)"
    for name in ("ctlz", "cttz"):
        yield name, f"%r = call {t} @llvm.{name}.{t}({t} %a, i1 false)"
    yield "ctpop", f"%r = call {t} @llvm.ctpop.{t}({t} %a)"
    yield "abs", f"%r = call {t} @llvm.abs.{t}({t} %a, i1 false)"
    if bits >= 8:
        yield "bitreverse", f"%r = call {t} @llvm.bitreverse.{t}({t} %a)"
        for sign in "us":
            yield (
                f"{sign}cmp",
                f"%s = call i8 @llvm.{sign}cmp.i8.{t}({t} %a, {t} %b)\n  %r = "
                + ("freeze i8 %s" if bits == 8 else f"sext i8 %s to {t}"),
            )
    if bits in (16, 32, 48, 64):
        yield "bswap", f"%r = call {t} @llvm.bswap.{t}({t} %a)"
    if bits in FULL_WIDTHS:
        yield from full_width_cases(t, bits)
    if bits > 1:
        yield "store", f"%p = alloca {t}\n  store {t} %a, ptr %p\n  %r = load {t}, ptr %p"
        yield "narrow", f"%n = trunc {t} %a to i{bits // 2}\n  %r = sext i{bits // 2} %n to {t}"
        yield "wide", f"%n = trunc {t} %a to i{bits // 2}\n  %r = zext i{bits // 2} %n to {t}"


def full_width_cases(t: str, bits: int) -> Iterator[tuple[str, str]]:
    for name in INTRINSICS_2[4:]:
        yield name, f"%r = call {t} @llvm.{name}.{t}({t} %a, {t} %b)"
    names = [*OVERFLOWS, "umul", *(["smul"] if bits < 64 else [])]
    for name in names:
        pair = f"{{ {t}, i1 }}"
        yield (
            f"{name}.overflow",
            (
                f"%o = call {pair} @llvm.{name}.with.overflow.{t}({t} %a, {t} %b)\n  %v = extractvalue {pair} %o, 0\n"
                f"  %w = extractvalue {pair} %o, 1\n  %r = select i1 %w, {t} 77, {t} %v"
            ),
        )
    for name in ("fshl", "fshr"):
        yield name, f"%r = call {t} @llvm.{name}.{t}({t} %a, {t} %b, {t} %a)"
        yield f"{name}.constant", f"%r = call {t} @llvm.{name}.{t}({t} %a, {t} %b, {t} 5)"
        yield f"{name}.zero", f"%r = call {t} @llvm.{name}.{t}({t} %a, {t} %b, {t} {bits})"
        yield f"{name}.rotate", f"%r = call {t} @llvm.{name}.{t}({t} %a, {t} %a, {t} %b)"
        yield f"{name}.rotate.constant", f"%r = call {t} @llvm.{name}.{t}({t} %a, {t} %a, {t} 3)"


def integer_module(bits: int) -> tuple[str, list[str]]:
    """Functions of two i64 for all cases of a width, and their names."""
    t, text, names = f"i{bits}", [], []
    for name, body in integer_cases(bits):
        names.append(name)
        cut = "" if bits == 64 else f"  %a = trunc i64 %x to {t}\n  %b = trunc i64 %y to {t}\n"
        body = body if bits < 64 else body.replace("%a", "%x").replace("%b", "%y")
        end = "  ret i64 %r\n}\n" if bits == 64 else f"  %z = zext {t} %r to i64\n  ret i64 %z\n}}\n"
        text.append(f'define i64 @"{name}"(i64 %x, i64 %y) {{\nentry:\n{cut}  {body}\n{end}')
    return "\n".join([*text, *declarations("\n".join(text))]), names


def declarations(text: str) -> list[str]:
    """Declarations of the intrinsic functions that are called."""
    import re

    result = {}
    for kind, name, arguments in re.findall(r"call (\{[^}]*\}|<[^>]*>|\S+) (@llvm\.[\w.]+)\(([^)]*)\)", text):
        types = ", ".join(re.sub(r"\s+\S+$", "", argument.strip()) for argument in split(arguments))
        result[name] = f"declare {kind} {name}({types})"
    return list(result.values())


def split(arguments: str) -> list[str]:
    """Arguments between commas that stand outside angle brackets."""
    import re

    return re.split(r",(?![^<]*>)", arguments)


def operands(bits: int) -> list[tuple[int, int]]:
    """Edge values and random ones."""
    rng = random.Random(bits)
    edges = [0, 1, 2, 5, (1 << bits) - 1, 1 << bits - 1, (1 << bits - 1) - 1]
    pairs = [(a, b) for a in edges for b in edges]
    return pairs + [(rng.getrandbits(64), rng.getrandbits(rng.choice([4, bits, 64]))) for _ in range(30)]


@pytest.mark.parametrize("bits", WIDTHS)
def test_integers(bits: int) -> None:
    text, names = integer_module(bits)
    native, machine = Native(text), Machine(lowered(text, names[0]).data)
    for name in names:
        function = machine.function(name)
        for pair in operands(bits):
            outcome = machine.call(pair, function=function)
            assert outcome.stop is None, (name, pair)
            assert outcome.value == native.call(name, pair), (name, *map(hex, pair))


def float_cases(t: str, other: str) -> Iterator[tuple[str, str]]:
    for op in ("fadd", "fsub", "fmul", "fdiv"):
        yield op, f"%r = {op} {t} %a, %b"
    yield "fneg", f"%r = fneg {t} %a"
    for predicate in FLOAT_PREDICATES:
        compare = f"%c = fcmp {predicate} {t} %a, %b"
        yield predicate, f"{compare}\n  %r = uitofp i1 %c to {t}"
        yield f"select.{predicate}", f"{compare}\n  %r = select i1 %c, {t} %a, {t} %b"
        yield f"other.{predicate}", f"{compare}\n  %r = select i1 %c, {t} %b, {t} %a"
        turned = f"{compare}\n  %d = xor i1 %c, true\n  br i1 %d, label %one, label %two"
        joined = f"two:\n  %r = phi {t} [ %b, %entry ], [ %a, %one ]"
        yield f"not.{predicate}", f"{turned}\none:\n  br label %two\n{joined}"
    for name in ("fabs", "sqrt", "floor", "ceil", "trunc", "round", "rint", "nearbyint", "roundeven"):
        yield name, f"%r = call {t} @llvm.{name}.{suffix(t)}({t} %a)"
    for name in ("copysign",):
        yield name, f"%r = call {t} @llvm.{name}.{suffix(t)}({t} %a, {t} %b)"
    for name in ("minnum", "maxnum"):
        # Which zero it gives is not defined.
        yield name, f"%m = call {t} @llvm.{name}.{suffix(t)}({t} %a, {t} %b)\n  %r = fadd {t} %m, 0.0"
    for bits in (8, 16, 32, 64):
        for sign in "su":
            limited = f"%k = call {t} @llvm.fabs.{suffix(t)}({t} %a)\n  %s = fcmp olt {t} %k, 100.0\n"
            sane = f"{limited}  %v = select i1 %s, {t} {'%a' if sign == 's' else '%k'}, {t} 3.0\n"
            yield (
                f"fpto{sign}i.{bits}",
                f"{sane}  %i = fpto{sign}i {t} %v to i{bits}\n  %r = {sign}itofp i{bits} %i to {t}",
            )
    if t == "double":
        yield "resize", f"%n = fptrunc {t} %a to {other}\n  %r = fpext {other} %n to {t}"
        yield "frem", "%r = frem double %a, %b"
    else:
        yield "resize", f"%n = fpext {t} %a to {other}\n  %q = fmul {other} %n, %n\n  %r = fptrunc {other} %q to {t}"


def suffix(t: str) -> str:
    return "f32" if t == "float" else "f64"


@pytest.mark.parametrize(("t", "other", "bits"), [("float", "double", 32), ("double", "float", 64)])
def test_floats(t: str, other: str, bits: int) -> None:
    parts, names = [], []
    for case, body in float_cases(t, other):
        name = f"test.{case}"  # not that of a C function, which LLVM calls
        names.append(name)
        get = "".join(
            f"  %{v}i = trunc i64 %{w} to i32\n  %{v} = bitcast i32 %{v}i to float\n"
            if bits == 32
            else f"  %{v} = bitcast i64 %{w} to double\n"
            for v, w in ("ax", "by")
        )
        nan = f"  %nan = fcmp uno {t} %r, %r\n  %u = select i1 %nan, {t} 7.5, {t} %r\n"
        put = f"{nan}  %w = bitcast {t} %u to i{bits}\n" + (
            "  %z = zext i32 %w to i64\n  ret i64 %z\n}\n" if bits == 32 else "  ret i64 %w\n}\n"
        )
        parts.append(f'define i64 @"{name}"(i64 %x, i64 %y) {{\nentry:\n{get}  {body}\n{put}')
    text = "\n".join([*parts, *declarations("\n".join(parts))])
    native, machine = Native(text), Machine(lowered(text, names[0]).data)
    for name in names:
        for pair in float_operands(bits):
            outcome = machine.call(pair, function=machine.function(name))
            assert outcome.value == native.call(name, pair), (name, *map(hex, pair))


def float_operands(bits: int) -> list[tuple[int, int]]:
    import struct

    numbers = [0.0, -0.0, 1.0, -1.5, 2.5, 3.5, -0.5, 1e30, -7e-20, float("inf"), float("-inf"), float("nan"), 99.9]
    layout, word = ("<f", "<I") if bits == 32 else ("<d", "<Q")
    patterns = [struct.unpack(word, struct.pack(layout, number))[0] for number in numbers]
    return [(a, b) for a in patterns for b in patterns]


def test_conversions_of_large_integers() -> None:
    text = "\n".join(
        f"define i64 @{sign}{target}(i64 %x) {{\n  %f = {sign}itofp i64 %x to {target}\n"
        + (
            "  %w = bitcast double %f to i64\n  ret i64 %w\n}\n"
            if target == "double"
            else "  %b = bitcast float %f to i32\n  %w = zext i32 %b to i64\n  ret i64 %w\n}\n"
        )
        + f"define i64 @{sign}{target}32(i64 %x) {{\n  %n = trunc i64 %x to i32\n"
        f"  %f = {sign}itofp i32 %n to {target}\n"
        + (
            "  %w = bitcast double %f to i64\n  ret i64 %w\n}\n"
            if target == "double"
            else "  %b = bitcast float %f to i32\n  %w = zext i32 %b to i64\n  ret i64 %w\n}\n"
        )
        for sign in "su"
        for target in ("float", "double")
    )
    native, machine = Native(text), Machine(lowered(text, "sfloat").data)
    numbers = [0, 1, 2**24 + 1, 2**31 - 1, 2**31 + 1, 2**53 + 1, 2**63 - 1, 2**63 + 2**39 + 1, 2**64 - 1]
    for function in machine.program.functions:
        for number in numbers:
            outcome = machine.call([number], function=machine.function(function.name))
            assert outcome.value == native.call(function.name, [number]), (function.name, number)


VECTORS = """
define i64 @arithmetic(i64 %x, i64 %y) {
  %a = bitcast i64 %x to <4 x i16>
  %b = bitcast i64 %y to <4 x i16>
  %c = add <4 x i16> %a, %b
  %d = mul <4 x i16> %c, <i16 3, i16 -1, i16 7, i16 0>
  %e = icmp slt <4 x i16> %d, %b
  %f = select <4 x i1> %e, <4 x i16> %a, <4 x i16> %d
  %g = shufflevector <4 x i16> %f, <4 x i16> %b, <4 x i32> <i32 7, i32 0, i32 5, i32 2>
  %r = bitcast <4 x i16> %g to i64
  ret i64 %r
}
define i64 @elements(i64 %x, i64 %y) {
  %a = bitcast i64 %x to <8 x i8>
  %n = and i64 %y, 7
  %e = extractelement <8 x i8> %a, i64 %n
  %w = insertelement <8 x i8> %a, i8 99, i64 %n
  %v = insertelement <8 x i8> %w, i8 %e, i64 2
  %s = sext <8 x i8> %v to <8 x i32>
  %t = call i32 @llvm.vector.reduce.add.v8i32(<8 x i32> %s)
  %u = call i32 @llvm.vector.reduce.smax.v8i32(<8 x i32> %s)
  %m = call i32 @llvm.vector.reduce.umin.v8i32(<8 x i32> %s)
  %k = xor i32 %t, %u
  %l = xor i32 %k, %m
  %r = zext i32 %l to i64
  ret i64 %r
}
define i64 @memory(i64 %x, i64 %y) {
  %p = alloca <2 x i64>
  %i = insertelement <2 x i64> zeroinitializer, i64 %x, i32 0
  %j = insertelement <2 x i64> %i, i64 %y, i32 1
  store <2 x i64> %j, ptr %p
  %v = load <4 x i32>, ptr %p
  %w = call <4 x i32> @llvm.umax.v4i32(<4 x i32> %v, <4 x i32> splat (i32 1000))
  %z = bitcast <4 x i32> %w to <2 x i64>
  %k = extractelement <2 x i64> %z, i32 0
  %l = extractelement <2 x i64> %z, i32 1
  %r = xor i64 %k, %l
  ret i64 %r
}
define i64 @floats(i64 %x, i64 %y) {
  %a = trunc i64 %x to i16
  %b = insertelement <2 x i16> <i16 0, i16 12>, i16 %a, i32 0
  %c = sitofp <2 x i16> %b to <2 x float>
  %d = fmul <2 x float> %c, <float 1.5, float -2.0>
  %e = fcmp olt <2 x float> %d, zeroinitializer
  %f = fneg <2 x float> %d
  %g = select <2 x i1> %e, <2 x float> %f, <2 x float> %d
  %h = fptoui <2 x float> %g to <2 x i32>
  %r = bitcast <2 x i32> %h to i64
  ret i64 %r
}
define i64 @wide(i64 %x, i64 %y) {
  %a = insertelement <2 x i64> <i64 5, i64 -3>, i64 %x, i32 0
  %b = zext <2 x i64> %a to <2 x i128>
  %m = mul <2 x i128> %b, splat (i128 18446744073709551557)
  %s = shufflevector <2 x i128> %m, <2 x i128> poison, <2 x i32> <i32 1, i32 0>
  %w = zext i64 %y to i128
  %i = insertelement <2 x i128> %s, i128 %w, i32 0
  %h = lshr <2 x i128> %i, splat (i128 64)
  %e = extractelement <2 x i128> %h, i32 1
  %f = extractelement <2 x i128> %i, i32 0
  %g = xor i128 %e, %f
  %r = trunc i128 %g to i64
  ret i64 %r
}
declare i32 @llvm.vector.reduce.add.v8i32(<8 x i32>)
declare i32 @llvm.vector.reduce.smax.v8i32(<8 x i32>)
declare i32 @llvm.vector.reduce.umin.v8i32(<8 x i32>)
declare <4 x i32> @llvm.umax.v4i32(<4 x i32>, <4 x i32>)
"""


@pytest.mark.parametrize("name", ["arithmetic", "elements", "memory", "floats", "wide"])
def test_vectors(name: str) -> None:
    native, machine = Native(VECTORS), Machine(lowered(VECTORS, name).data)
    for pair in operands(64):
        outcome = machine.call(pair, function=machine.function(name))
        assert outcome.value == native.call(name, pair), (name, *map(hex, pair))


@pytest.mark.parametrize("bits", [65, 66, 96, 127, 128])
def test_wide_integers(bits: int) -> None:
    """Integers of more than 64 bits, as LLVM makes them for sums over 64-bit counters."""
    t, text, names = f"i{bits}", [], []
    bodies = {op: f"%r = {op} {t} %a, %b" for op in (*BINARY,)}
    bodies |= {f"{op}.{n}": f"%r = {op} {t} %a, {n}" for op in SHIFTS for n in (0, 1, 2, 33, 64)}
    for predicate in PREDICATES:
        compare = f"%c = icmp {predicate} {t} %a, %b"
        bodies[predicate] = f"{compare}\n  %r = select i1 %c, {t} %a, {t} %b"
    bodies["narrow"] = f"%n = trunc {t} %a to i20\n  %r = sext i20 %n to {t}"
    if bits == 127:
        bodies["extended"] = "%n = trunc i127 %a to i70\n  %q = sext i70 %n to i90\n  %r = zext i90 %q to i127"
    for name, body in bodies.items():
        for half, count in (("low", 0), ("high", bits - 64)):
            names.append(f"{name}.{half}")
            text.append(
                f'define i64 @"{name}.{half}"(i64 %x, i64 %y) {{\n'
                f"  %e = sext i64 %x to {t}\n  %g = zext i64 %y to {t}\n"
                f"  %h = shl {t} %g, {bits - 64}\n  %a = xor {t} %e, %h\n  %b = mul {t} %g, %e\n  {body}\n"
                f"  %s = lshr {t} %r, {count}\n  %z = trunc {t} %s to i64\n  ret i64 %z\n}}\n"
            )
    native, machine = Native("\n".join(text)), Machine(lowered("\n".join(text), names[0]).data)
    for name in names:
        for pair in operands(64):
            outcome = machine.call(pair, function=machine.function(name))
            assert outcome.value == native.call(name, pair), (name, *map(hex, pair))
