"""C and C++ become programs that give the right answers, or are refused by name."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bfimg.bitcode.lower import Lowered, lower, lower_assembly
from bfimg.bitcode.stages import STAGES
from bfimg.errors import LoweringError, NotFoundError
from bfimg.formats.pattern_program import MAX_REGISTERS
from bfimg.formats.pattern_types import Trap
from bfimg.pattern.interpret import Machine
from bfimg.toolchain.compiler import compile_bitcode
from tests.bitcode.oracle import interpreted, lowered

SHAPES_ANSWER = 1677994226  # of a host build with 100 shapes


def compiled(folder: Path, source: str, entry: str = "f", suffix: str = ".c") -> Lowered:
    """The program of C source."""
    (folder / f"x{suffix}").write_text(source)
    compile_bitcode(folder / f"x{suffix}", folder / "x.bc")
    return lower((folder / "x.bc").read_bytes(), entry, trusted=True)


def call(program: Lowered, *arguments: float) -> object:
    outcome = Machine(program.data).call(arguments)
    return outcome.value if outcome.stop is None else outcome.stop.trap


def modules(repository: Path) -> list[dict[str, object]]:
    return list(tomllib.loads((repository / "kernel/modules/modules.toml").read_text())["module"])


def test_all_module_programs_give_their_answers_in_half_the_size(repository: Path) -> None:
    programs = bitcodes = 0
    for module in modules(repository):
        bitcode = (repository / "samples" / f"{module['name']}.bc").read_bytes()
        program = lower(bitcode, f"{module['name']}_main", trusted=True)
        assert call(program, module["size"]) == module["answer"], module["name"]  # type: ignore[arg-type]
        programs += len(program.data)
        bitcodes += len(bitcode)
    assert programs * 2 <= bitcodes


def test_cpp_with_virtual_functions_and_a_global_constructor(repository: Path) -> None:
    machine = Machine(lower((repository / "samples/shapes.bc").read_bytes(), "shapes_main", trusted=True).data)
    assert [machine.call([100]).value for _ in range(2)] == [SHAPES_ANSWER] * 2


def test_the_same_bitcode_gives_the_same_program(repository: Path) -> None:
    bitcode = (repository / "samples/regex_dfa.bc").read_bytes()
    assert lower(bitcode, "regex_dfa_main").data == lower(bitcode, "regex_dfa_main", trusted=True).data


def test_every_stage_can_be_looked_at(repository: Path) -> None:
    seen: dict[str, str] = {}
    lower((repository / "samples/sum.bc").read_bytes(), "sum_main", dump=seen.__setitem__)
    assert list(seen) == list(STAGES)
    assert "define dso_local i32 @sum_main" in seen["read"]
    assert "phi" in seen["select"] and "phi" not in seen["phis"]
    assert "function sum_main(r0 i32) -> i32" in seen["registers"]


def test_functions_that_are_kept_can_be_called(tmp_path: Path) -> None:
    (tmp_path / "x.c").write_text(
        "int f(int a) { return a + 1; } int g(int a) { return f(a) * 2; } int h(void) { return 1; }\n"
    )
    compile_bitcode(tmp_path / "x.c", tmp_path / "x.bc")
    program = lower((tmp_path / "x.bc").read_bytes(), "g", keep=["f"])
    assert sorted(function.name for function in program.program.functions) == ["f", "g"]
    with pytest.raises(NotFoundError, match="no function 'nothing' is defined"):
        lower((tmp_path / "x.bc").read_bytes(), "nothing")


def test_structures_by_value_and_as_results(tmp_path: Path) -> None:
    source = """
    struct big { int a[20]; double d; };
    struct pair { double x; float y; };
    __attribute__((noinline)) static struct big change(struct big b, int n) { b.a[n & 15] += n; b.d *= 2; return b; }
    __attribute__((noinline)) static struct pair both(struct pair p) { struct pair r = {p.y, p.x}; return r; }
    int f(int n) {
        struct big b = {{n, 2, 3}, 1.5}, c = change(b, n);
        struct pair p = both((struct pair){n, 0.5f});
        return b.a[n & 15] * 1000 + c.a[n & 15] * 10 + (int)(c.d + p.x * 2 + p.y);
    }"""
    assert call(compiled(tmp_path, source), 2) == 3 * 1000 + 5 * 10 + 3 + 1 + 2


def test_function_pointers_and_their_traps(tmp_path: Path) -> None:
    source = """
    typedef int (*step)(int);
    static int one(int a) { return a + 1; }
    static int two(int a) { return a * 2; }
    static step steps[3] = {one, two, 0};
    static float (*volatile never)(float, float, double);
    int f(int n) { return n == 9 ? (int)never(1, 2, 3) : steps[n](n + 10); }"""
    program = compiled(tmp_path, source)
    assert [call(program, n) for n in (0, 1)] == [11, 22]
    assert call(program, 2) is Trap.INDIRECT_CALL
    assert call(program, 9) is Trap.INDIRECT_CALL


def test_null_division_and_abort_trap(tmp_path: Path) -> None:
    source = """
    int f(int n) {
        if (n == 1) return *(volatile int *)0;
        if (n == 2) return 1 / *(volatile int *)&n - 7 / (n - 2);
        if (n == 3) __builtin_trap();
        return n;
    }"""
    program = compiled(tmp_path, source)
    assert call(program, 1) is Trap.MEMORY
    assert call(program, 3) in (Trap.MEMORY, Trap.CODE)
    assert call(program, 4) == 4


def test_heap_and_mathematics_of_the_kernel(tmp_path: Path) -> None:
    source = """
    void *malloc(unsigned); void free(void *); double sin(double); float floorf(float); double fabs(double);
    void *memset(void *, int, unsigned);
    int f(int n) {
        int *p = malloc(n * 4), *q = malloc(16);
        memset(p, 1, n * 4);
        int r = p[n - 1] + (int)(1000 * sin(n)) + (int)floorf(-2.5f * n) + (int)fabs(-1.0 * n) + (p != q);
        free(p);
        return r;
    }"""
    assert call(compiled(tmp_path, source), 100) == 0x01010101 - 506 - 250 + 100 + 1


def test_an_alias_is_what_it_stands_for() -> None:
    text = """
    @a = global i32 7
    @b = alias i32, ptr @a
    @p = global ptr getelementptr (i8, ptr @b, i32 0)
    define i32 @f(i32 %n) {
      store i32 %n, ptr @b
      %q = load ptr, ptr @p
      %r = load i32, ptr %q
      ret i32 %r
    }"""
    assert interpreted(text, 5) == 5


def test_constants_in_memory() -> None:
    text = """
    %pair = type { i8, i64, [2 x i16] }
    @g = global [2 x %pair] [%pair { i8 1, i64 -2, [2 x i16] [i16 3, i16 4] }, %pair zeroinitializer]
    @h = constant { ptr, i32, float } { ptr getelementptr inbounds (%pair, ptr @g, i32 0, i32 2, i32 1),
      i32 add (i32 ptrtoint (ptr @g to i32), i32 5), float 0x3FF8000000000000 }
    define i32 @f() {
      %p = load ptr, ptr @h
      %a = load i16, ptr %p
      %b = load i32, ptr getelementptr ({ ptr, i32, float }, ptr @h, i32 0, i32 1)
      %c = load float, ptr getelementptr ({ ptr, i32, float }, ptr @h, i32 0, i32 2)
      %d = fptosi float %c to i32
      %e = zext i16 %a to i32
      %k = sub i32 %b, ptrtoint (ptr @g to i32)
      %l = mul i32 %e, 100
      %m = mul i32 %k, 10
      %o = add i32 %l, %m
      %r = add i32 %o, %d
      ret i32 %r
    }"""
    assert interpreted(text) == 4 * 100 + 5 * 10 + 1


@pytest.mark.parametrize("spread", [1, 1000])
@pytest.mark.parametrize("type", ["i8", "i32", "i64"])
def test_switches(type: str, spread: int) -> None:
    step = min(spread, 20) if type == "i8" else spread
    cases = [number * step for number in (1, 2, 3, 4, 5, 7, 9, 11)]
    blocks = "\n".join(f"b{place}:\n  br label %end" for place in range(len(cases)))
    arms = " ".join(f"{type} {case}, label %b{place}" for place, case in enumerate(cases))
    phi = ", ".join(f"[ {100 + place}, %b{place} ]" for place in range(len(cases)))
    cut = "%v = freeze i64 %n" if type == "i64" else f"%v = trunc i64 %n to {type}"
    text = f"""
    define i32 @f(i64 %n) {{
    entry:
      {cut}
      switch {type} %v, label %end [ {arms} ]
    {blocks}
    end:
      %r = phi i32 [ 0, %entry ], {phi}
      ret i32 %r
    }}"""
    for number in range(13):
        value = number * step
        expected = 100 + cases.index(value) if value in cases else 0
        assert interpreted(text, value) == expected


def test_values_that_change_places_in_a_loop() -> None:
    text = """
    define i32 @f(i32 %n) {
    entry:
      br label %loop
    loop:
      %a = phi i32 [ 1, %entry ], [ %b, %loop ]
      %b = phi i32 [ 2, %entry ], [ %c, %loop ]
      %c = phi i32 [ 3, %entry ], [ %a, %loop ]
      %i = phi i32 [ 0, %entry ], [ %j, %loop ]
      %j = add i32 %i, 1
      %e = icmp eq i32 %j, %n
      br i1 %e, label %end, label %loop
    end:
      %x = mul i32 %a, 100
      %y = mul i32 %b, 10
      %z = add i32 %x, %y
      %r = add i32 %z, %c
      ret i32 %r
    }"""
    assert [interpreted(text, n) for n in (1, 2, 3, 4)] == [123, 231, 312, 123]


@pytest.mark.parametrize("loop", [False, True])
def test_more_values_than_registers(loop: bool) -> None:
    """What does not fit into registers goes to the frame, of every type."""
    count = 400
    loads = "".join(f"  %v{i} = load volatile {t}, ptr {p}\n" for i in range(count) for t, p in [kinds(i)])
    sums = "".join(
        f"  %w{i} = {convert(i)}\n  %s{i} = add i32 {'%n' if i == 0 else f'%s{i - 1}'}, %w{i}\n" for i in range(count)
    )
    body = (
        f"  br label %loop\nloop:\n  %i = phi i32 [ 0, %entry ], [ %j, %loop ]\n{sums}  %j = add i32 %i, 1\n"
        f"  %e = icmp eq i32 %j, 3\n  br i1 %e, label %end, label %loop\nend:\n"
        if loop
        else sums
    )
    text = (
        "@a = global i32 1\n@b = global i64 2\n@c = global double 3.0\n"
        f"define i32 @f(i32 %n) {{\nentry:\n{loads}{body}  ret i32 %s{count - 1}\n}}"
    )
    program = lowered(text)
    (function,) = program.program.functions
    assert function.registers.total <= MAX_REGISTERS
    assert function.frame_bytes > 0
    assert call(program, 5) == 5 + sum(1 + i % 3 for i in range(count))


def kinds(number: int) -> tuple[str, str]:
    return (("i32", "@a"), ("i64", "@b"), ("double", "@c"))[number % 3]


def convert(number: int) -> str:
    return (
        ("add i32 0, ", "trunc i64 ", "fptosi double ")[number % 3]
        + f"%v{number}"
        + ("", " to i32", " to i32")[number % 3]
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "int puts(const char *); int f(void) { return puts(0); }",
            "function f: call: @puts: is not defined",
        ),
        (
            "int g(int, ...); int f(void) { return g(1, 2); }",
            "function f: call: @g: variadic",
        ),
        ("int f(int n, ...) { return n; }", "function f: variadic functions are not supported"),
        (
            'int f(int n) { __asm__ volatile("nop"); return n; }',
            "function f: call asm: assembler text",
        ),
        ("int f(int n) { volatile int a[n]; a[0] = 1; return a[n / 2]; }", "function f: alloca: .* variable length"),
        ("long double f(int n) { return n; }", "function f: x86_fp80: pattern programs have"),
        ("extern int elsewhere; int f(void) { return elsewhere; }", "variable elsewhere: is declared but not defined"),
        (
            "int f(int n) { void *t[] = {&&a, &&b}; goto *t[n & 1]; a: return 1; b: return n; }",
            "function f: indirectbr",
        ),
        (
            "int f(int a, int b, int c, int d, int e, int g, int h, int i, int j, int k, int l, int m, int n, int o, "
            "int p, int q, int r) { return a + r; }",
            "function f: 17 parameters: a function has at most 16",
        ),
        (
            "double pow(double, double); double f(double n) { return pow(n, 2.5); }",
            "function f: call: @pow: is",
        ),
    ],
)
def test_what_cannot_be_lowered_is_refused_by_name(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(LoweringError, match=message):
        compiled(tmp_path, source)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("define i200 @f(i200 %a) {\n ret i200 %a\n}", "function f: i200: integers of this width"),
        ("define half @f(half %a) {\n ret half %a\n}", "function f: half: pattern programs have"),
        ("define void @f() {\n %a = load fp128, ptr null\n ret void\n}", "function f: load: fp128"),
        ("define i32 @f(i20 %a) {\n %b = call i20 @llvm.fshl.i20(i20 %a, i20 1, i20 %a)\n ret i32 0\n}\n"
         "declare i20 @llvm.fshl.i20(i20, i20, i20)", "function f: call: i20: no lowering for a shift"),
        ("define i128 @f(i128 %a, i128 %b) {\n %c = shl i128 %a, %b\n ret i128 %c\n}", "function f: shl: i128"),
        ("define i128 @f(i128 %a, i128 %b) {\n %c = udiv i128 %a, %b\n ret i128 %c\n}", "function f: udiv: i128: "),
        ("define void @f(i32 %n) {\n br label %b\nb:\n %p = alloca i32\n ret void\n}", "alloca: .* inside a loop"),
        ("define void @f() {\n fence seq_cst\n ret void\n}", "function f: fence: atomic operations"),
        ("define void @f(<4 x ptr> %a) {\n %b = getelementptr i8, <4 x ptr> %a, i32 1\n ret void\n}",
         "function f: getelementptr: .* vectors of pointers"),
        ("define void @f(ptr %a) {\n %b = load <4 x i1>, ptr %a\n ret void\n}", "function f: load: <4 x i1>"),
    ],
)  # fmt: skip
def test_refusals_of_assembly(text: str, message: str) -> None:
    with pytest.raises(LoweringError, match=message):
        lowered(text)


def test_unknown_assembly_is_an_error_of_one_line() -> None:
    from bfimg.errors import FormatError

    for text in ("define i32 @f() {\n  ret strange 1\n}\n", "define i32 @f() {\n  %a = icmp\n  ret i32 0\n}\n"):
        with pytest.raises(FormatError, match="LLVM assembly is not understood at"):
            lower_assembly(text, "f")
