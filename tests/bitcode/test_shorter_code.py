"""What lowering leaves out: copies in loops, second computations, extensions, truths that only branches need."""

from __future__ import annotations

from itertools import product

import pytest

from bfimg.pattern.interpret import Machine
from tests.bitcode.oracle import lowered

PREDICATES = {
    "ult": lambda a, b: a < b,
    "ule": lambda a, b: a <= b,
    "ugt": lambda a, b: a > b,
    "uge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
}


def ops(text: str, *, in_loops: bool = False) -> list[str]:
    """Names of the operations of the only function, or of its loops."""
    (function,) = lowered(text).program.functions
    blocks = [block for block in function.blocks if block.loop_depth or not in_loops]
    return [instruction.op.mnemonic for block in blocks for instruction in block.instructions]


def answers(text: str, *arguments: int) -> list[object]:
    machine = Machine(lowered(text).data)
    return [machine.call([argument]).value for argument in arguments]


LENGTH = """
@text = constant [11 x i8] c"bare metal\\00"
define i32 @f(i32 %start) {
entry:
  br label %loop
loop:
  %i = phi i32 [ %start, %entry ], [ %j, %loop ]
  %j = add i32 %i, 1
  %p = getelementptr [11 x i8], ptr @text, i32 0, i32 %i
  %c = load i8, ptr %p
  %e = icmp eq i8 %c, 0
  br i1 %e, label %end, label %loop
end:
  %r = mul i32 %i, 3
  ret i32 %r
}"""


def test_behind_a_loop_the_old_value_is_made_from_the_new_one() -> None:
    assert ops(LENGTH, in_loops=True) == ["load.u8", "add.i32.imm8", "branch.i32.imm8"]
    assert answers(LENGTH, 0, 4, 10) == [30, 30, 30]


def test_so_it_is_for_phis_behind_the_loop() -> None:
    text = LENGTH.replace(
        "%r = mul i32 %i, 3",
        """%odd = and i32 %start, 1
      %o = icmp eq i32 %odd, 0
      br i1 %o, label %last, label %other
    other:
      br label %last
    last:
      %r = phi i32 [ %i, %end ], [ 5, %other ]""",
    )
    assert ops(text, in_loops=True) == ["load.u8", "add.i32.imm8", "branch.i32.imm8"]
    assert answers(text, 0, 3) == [10, 5]


def test_where_it_cannot_the_new_value_is_made_on_the_way_back() -> None:
    text = LENGTH.replace("br label %loop\n", "%z = icmp eq i32 %start, 9\n br i1 %z, label %end, label %loop\n", 1)
    text = text.replace("%r = mul i32 %i, 3", "%k = phi i32 [ %i, %loop ], [ 5, %entry ]\n %r = mul i32 %k, 3")
    assert ops(text, in_loops=True) == ["load.u8", "branch.i32.imm8", "add.i32.imm8", "jump"]
    assert answers(text, 0, 9, 10) == [30, 15, 30]


def test_an_old_value_that_another_phi_takes_over_stays() -> None:
    text = LENGTH.replace("  %j = add", "  %before = phi i32 [ 0, %entry ], [ %i, %loop ]\n  %j = add")
    text = text.replace("mul i32 %i, 3", "mul i32 %before, 3")
    assert answers(text, 0, 4, 10) == [27, 27, 0]


def test_one_next_value_for_two_phis() -> None:
    text = """
    define i32 @f(i32 %n) {
    entry:
      %z = icmp eq i32 %n, 0
      br i1 %z, label %end, label %loop
    loop:
      %a = phi i32 [ 1, %entry ], [ %c, %loop ]
      %b = phi i32 [ 2, %entry ], [ %c, %loop ]
      %c = add i32 %a, %b
      %e = icmp ult i32 %a, %n
      br i1 %e, label %loop, label %end
    end:
      %r = phi i32 [ %b, %loop ], [ 9, %entry ]
      ret i32 %r
    }"""
    assert answers(text, 0, 1, 2, 4, 13) == [9, 2, 3, 6, 24]


COUNTED = """
define i32 @f(i32 %n) {{
entry:
  %bound = and i32 %n, 12
  br label %loop
loop:
  %i = phi i32 [ 0, %entry ], [ %j, %loop ]
  %s = phi i32 [ 0, %entry ], [ %t, %loop ]
  %t = add i32 %s, %n
  %j = add i32 %i, 4
  %e = icmp eq i32 %i, {against}
  br i1 %e, label %end, label %loop
end:
  ret i32 %t
}}"""


@pytest.mark.parametrize(("against", "branch"), [("%bound", "branch.i32"), ("100", "branch.i32.imm8")])
def test_a_loop_that_compares_the_old_value_compares_the_new_one(against: str, branch: str) -> None:
    text = COUNTED.format(against=against)
    assert ops(text, in_loops=True) == ["add.i32", "add.i32.imm8", branch]
    steps = [(n & 12) // 4 + 1 if against == "%bound" else 26 for n in (0, 5, 13)]
    assert answers(text, 0, 5, 13) == [n * step for n, step in zip((0, 5, 13), steps, strict=True)]


def test_a_bound_wraps_as_the_counter_does() -> None:
    text = COUNTED.format(against="2147483644").replace("phi i32 [ 0,", "phi i32 [ 2147483600,", 1)
    assert ops(text, in_loops=True)[-1] == "branch.i32.imm32"
    assert answers(text, 1) == [12]


def test_accesses_read_the_old_value_while_it_is_needed() -> None:
    """The inner loop of a sort by insertion: what is larger moves up."""
    text = """
    @a = global [5 x i32] [i32 0, i32 2, i32 5, i32 7, i32 9]
    define i32 @f(i32 %x) {
    entry:
      br label %loop
    loop:
      %p = phi ptr [ getelementptr (i8, ptr @a, i32 16), %entry ], [ %q, %up ]
      %q = getelementptr i32, ptr %p, i32 -1
      %v = load i32, ptr %q
      %c = icmp ugt i32 %v, %x
      br i1 %c, label %up, label %end
    up:
      store i32 %v, ptr %p
      %m = icmp ugt ptr %q, getelementptr (i8, ptr @a, i32 4)
      br i1 %m, label %loop, label %end
    end:
      %to = phi ptr [ %p, %loop ], [ %q, %up ]
      store i32 %x, ptr %to
      %i = ptrtoint ptr %to to i32
      ret i32 %i
    }"""
    expected = ["load.i32", "branch.i32", "store.i32", "add.i32.imm8", "branch.i32.imm8"]
    assert [op for op in ops(text, in_loops=True) if op not in ("move.i32", "jump")] == expected
    assert "move.i32" not in ops(text, in_loops=True)
    assert [answers(text, x) for x in (8, 6, 1)] == [[16 + 16], [16 + 12], [16 + 4]]


def test_what_is_known_is_not_computed_again() -> None:
    text = """
    define i32 @f(i32 %a) {
    entry:
      %b = mul i32 %a, 77
      %c = icmp ult i32 %a, 10
      br i1 %c, label %small, label %large
    small:
      %d = mul i32 %a, 77
      %x = xor i32 %a, 5
      br label %end
    large:
      %y = xor i32 %a, 5
      %z = udiv i32 %y, 3
      br label %end
    end:
      %e = phi i32 [ %d, %small ], [ %z, %large ]
      %w = phi i32 [ %x, %small ], [ 1, %large ]
      %r = add i32 %e, %b
      %s = mul i32 %r, %w
      ret i32 %s
    }"""
    assert ops(text).count("mul.i32.imm8") == 1
    assert ops(text).count("xor.i32.imm8") == 2
    assert answers(text, 3, 30) == [3 * 77 * 2 * 6, (30 ^ 5) // 3 + 30 * 77]


@pytest.mark.parametrize(("count", "registers"), [(120, 121), (200, 1)])
def test_each_value_has_a_register_of_its_own_while_there_are_enough(count: int, registers: int) -> None:
    lines = "".join(f"  %v{i + 1} = mul i32 %v{i}, {i + 3}\n" for i in range(count))
    (function,) = lowered(f"define i32 @f(i32 %v0) {{\n{lines}  ret i32 %v{count}\n}}").program.functions
    assert function.registers.total == registers


JUNCTIONS = {
    "%j = and i1 %c0, %c1": lambda a, b, c: a and b,
    "%j = or i1 %c0, %c1": lambda a, b, c: a or b,
    "%j = select i1 %c0, i1 %c1, i1 false": lambda a, b, c: a and b,
    "%j = select i1 %c0, i1 true, i1 %c1": lambda a, b, c: a or b,
    "%k = and i1 %c0, %c1\n  %j = or i1 %k, %c2": lambda a, b, c: (a and b) or c,
    "%k = or i1 %c1, %c2\n  %j = and i1 %c0, %k": lambda a, b, c: a and (b or c),
    "%k = or i1 %c0, %c1\n  %l = and i1 %k, %c2\n  %j = or i1 %l, %k": lambda a, b, c: ((a or b) and c) or a or b,
}


@pytest.mark.parametrize("join", JUNCTIONS)
def test_branches_decide_about_truths_that_are_joined(join: str) -> None:
    bits = "".join(f"  %b{i} = and i32 %n, {1 << i}\n  %c{i} = icmp ne i32 %b{i}, 0\n" for i in range(3))
    text = f"""
    define i32 @f(i32 %n) {{
    entry:
    {bits}  {join}
      br i1 %j, label %then, label %end
    then:
      br label %end
    end:
      %r = phi i32 [ 7, %then ], [ %n, %entry ]
      ret i32 %r
    }}"""
    assert not [op for op in ops(text) if op.startswith("set")]
    expected = [7 if JUNCTIONS[join](*(n >> i & 1 for i in range(3))) else n for n in range(8)]
    assert answers(text, *range(8)) == expected


# What else is made of %j0, and of it the truth %t, and what they are for numbers below 10, when n is in 4...7 or not.
OTHER_USES = {
    "%t = or i1 %j0, false\n  %z = zext i1 %j0 to i32": lambda n: (3 < n < 8, int(3 < n < 8)),
    "%t = xor i1 %j0, %c1\n  %z = zext i1 %t to i32": lambda n: (n < 4, int(n < 4)),
    "%z = and i32 %n, 1\n  %b = trunc i32 %n to i1\n  %t = or i1 %j0, %b": lambda n: (3 < n < 8 or n & 1, n & 1),
    "%z = add i32 %n, 0\n"
    + "".join(f"  %j{i + 1} = or i1 %j{i}, %c{i % 2}\n" for i in range(12))
    + "  %t = and i1 %j12, %j12": lambda n: (True, n),
}


@pytest.mark.parametrize("uses", OTHER_USES)
def test_joined_truths_that_others_need_too(uses: str) -> None:
    text = f"""
    define i32 @f(i32 %n) {{
    entry:
      %c0 = icmp ugt i32 %n, 3
      %c1 = icmp ult i32 %n, 8
      %j0 = and i1 %c0, %c1
      {uses}
      br i1 %t, label %then, label %end
    then:
      br label %end
    end:
      %r = phi i32 [ 77, %then ], [ %z, %entry ]
      ret i32 %r
    }}"""
    expected = [77 if truth else other for truth, other in map(OTHER_USES[uses], range(10))]
    assert answers(text, *range(10)) == expected


@pytest.mark.parametrize(("distance", "bound"), [*product((1, 65, 128, 200, 255), (0, 26, 55, 56, 57, 200, 255))])
def test_range_checks_of_bytes_are_not_extended(distance: int, bound: int) -> None:
    for predicate, holds in PREDICATES.items():
        text = f"""
        define i32 @f(i32 %n) {{
          %b = trunc i32 %n to i8
          %z = zext i8 %b to i32
          %x = trunc i32 %z to i8
          %d = add i8 %x, {-distance}
          %c = icmp {predicate} i8 %d, {bound}
          %r = zext i1 %c to i32
          ret i32 %r
        }}"""
        inputs = [n * 257 for n in range(256)]
        assert answers(text, *inputs) == [int(holds((n - distance) % 256, bound)) for n in range(256)], predicate


def test_a_range_check_takes_three_operations() -> None:
    text = """
    @p = global i8 70
    define i32 @f(i32 %n) {
      %x = load volatile i8, ptr @p
      %d = add i8 %x, -65
      %c = icmp ult i8 %d, 26
      %r = select i1 %c, i32 %n, i32 0
      ret i32 %r
    }"""
    assert [op for op in ops(text) if not op.startswith("const")] == [
        "load.u8.at",
        "add.i32.imm8",
        "select.i32",
        "return.value",
    ]
    assert answers(text, 9) == [9]


def test_wide_numbers_that_fit_are_compared_as_narrow_ones() -> None:
    text = """
    define i32 @f(i32 %n) {
      %w = zext i32 %n to i64
      %x = shl i64 %w, 30
      %y = and i64 %x, 3221225472
      %c = icmp ugt i64 %y, 1073741824
      %r = zext i1 %c to i32
      ret i32 %r
    }"""
    assert not [op for op in ops(text) if op in ("and.i64", "set.i64")]
    assert answers(text, 0, 1, 2, 3, 4) == [0, 0, 1, 1, 0]


def test_what_both_ways_begin_with_is_done_before_the_branch() -> None:
    text = """
    define i32 @f(i32 %n) {
    entry:
      %c = icmp ult i32 %n, 2
      br i1 %c, label %end, label %loop
    loop:
      %i = phi i32 [ %n, %entry ], [ %j, %loop ]
      %s = phi i32 [ 9, %entry ], [ %t, %loop ]
      %t = mul i32 %s, %n
      %j = add i32 %i, -1
      %d = icmp eq i32 %j, 0
      br i1 %d, label %end, label %loop
    end:
      %r = phi i32 [ 9, %entry ], [ %t, %loop ]
      ret i32 %r
    }"""
    assert ops(text).count("const.i32.16") == 1
    assert answers(text, 0, 1, 2, 3) == [9, 9, 36, 243]
