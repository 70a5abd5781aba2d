"""Functions of bitcode modules get better code while they run: when, what it changes, and what it must not change."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bfimg.module.wrap import wrap_bitcode
from bfimg.pattern.assemble import assemble
from bfimg.pattern.encode import encode_program

HEAD = "program entry @main, arena 256, stack 64, data_end 32, depth 3\n"

# main(n): n calls of step, which counts them in the arena and returns 1000 / (200 - count).
STEPS = (
    HEAD
    + """function "main" (i32) -> i32, registers 4 0 0 0, frame 0
b0, depth 0:
 const.i32.16 r1, 150
 jump b1
b1, depth 1:
 call r2, @step
 add.i32.imm8 r1, r1, -1
 branch.i32.imm8 ne, r1, 0, b1, b2
b2, depth 0:
 return.value r2
function "step" () -> i32, registers 4 0 0 0, frame 0
b0, depth 0:
 const.i32.16 r1, 16
 load.i32 r0, [r1]
 add.i32.imm8 r0, r0, 1
 store.i32 r0, [r1]
 jump b1
b1, depth 0:
 const.i32.16 r2, 200
 sub.i32 r2, r2, r0
 const.i32.16 r3, 1000
 div.u32 r3, r3, r2
 return.value r3
"""
)

# main(n): adds 1 to 200,000.
LOOP = (
    HEAD
    + """function "main" (i32) -> i32, registers 3 0 0 0, frame 0
b0, depth 0:
 const.i32 r1, 200000
 jump b1
b1, depth 1:
 add.i32 r2, r2, r1
 add.i32.imm8 r1, r1, -1
 branch.i32.imm8 ne, r1, 0, b1, b2
b2, depth 0:
 return.value r2
"""
)
SUM = 200_000 * 200_001 // 2 % 2**32


@pytest.fixture
def bitcode(repository) -> Callable[..., bytes]:
    """``bitcode(text, name="test")``: a bitcode module with the program of this text."""

    def make(text: str, name: str = "test") -> bytes:
        raw = (repository / "samples" / "fibonacci.bc").read_bytes()
        return wrap_bitcode(raw, name=name, entry="main", program=encode_program(assemble(text)))

    return make


@pytest.fixture
def run(slave_run, bitcode) -> Callable[[str, str], Any]:
    """``run(text, config)``: boots with the program of this text as module "test"."""
    return lambda text, config="": slave_run({"BAREFLOW.CFG": config.encode(), "TEST.BC": bitcode(text)})


def swaps(run: Any, function: str) -> list[tuple[int, int, int]]:
    """Level, calls and jumps back of each swap of a function, in their order."""
    events = [event for event in run.events("swap") if event["function_name"] == function]
    return [(event["level"], event["calls"], event["back_edges"]) for event in events]


def test_a_sample_reaches_every_level_without_a_setting(disk, bfimg, boot_disk, repository, programs):
    assert bfimg("add-module", "-i", disk, repository / "samples" / "sha256.bc").code == 0
    run = boot_disk(disk, icount=True)
    assert run.report.passed
    event = run.module("SHA256.BC")
    assert [(level, calls) for level, calls, _ in swaps(run, "add_byte")] == [(1, 100), (2, 1000), (3, 10000)]
    # 2048 calls of add_byte for each one of the entry; the one behind that in which level 3 was reached is the last.
    assert (event["status"], event["calls"], event["answer"]) == ("passed", 6, programs["sha256"].answer)
    functions = {event["function_name"]: event for event in run.events("function")}
    assert (functions["add_byte"]["calls"], functions["add_byte"]["level"]) == (6 * 2048, 3)
    assert functions["sha256_main"]["calls"] == 6
    assert event["code_bytes"] == sum(function["code_bytes"] for function in functions.values())
    # The entry does the same in each call: with all code as it is in the end, what it took in the last one.
    assert {function["cycles_after"] for function in functions.values()} == {event["last_cycles"]}
    assert all(function["cycles_before"] > function["cycles_after"] for function in functions.values())


def test_all_samples_are_right_after_promotion_and_each_run_is_the_same(disk, bfimg, boot_disk, repository, programs):
    samples = [repository / "samples" / f"{name}.bc" for name in programs]
    assert bfimg("add-module", "-i", disk, *samples).code == 0
    config = ("iterations=4", "jit_o1_calls=2", "jit_o2_calls=3", "jit_o3_calls=50")
    runs = [boot_disk(disk, icount=True, config=config) for _ in range(2)]
    events = [[event for event in run.events("module") if event["kind"] == "bitcode"] for run in runs]
    assert {event["name"]: event["answer"] for event in events[0]} == {p.name: p.answer for p in programs.values()}
    assert events[0] == events[1] and runs[0].events("swap") == runs[1].events("swap")
    assert {event["level"] for event in runs[0].events("swap")} == {1, 2, 3}


@pytest.mark.parametrize("level", range(4))
def test_a_level_can_be_chosen_for_all_code(level, disk, bfimg, boot_disk, repository, programs):
    samples = [repository / "samples" / f"{name}.bc" for name in programs]
    assert bfimg("add-module", "-i", disk, *samples).code == 0
    run = boot_disk(disk, config=(f"jit_level={level}", "iterations=2"))
    assert run.report.passed
    assert run.events("swap") == []
    assert {event["level"] for event in run.events("function")} == {level}
    answers = {event["name"]: event["answer"] for event in run.events("module") if event["kind"] == "bitcode"}
    assert answers == {program.name: program.answer for program in programs.values()}


def test_150_calls_are_150_calls(run):
    ran = run(STEPS, "iterations = 1\n")
    assert swaps(ran, "step") == [(1, 100, 0)]
    calls = {event["function_name"]: event["calls"] for event in ran.events("function")}
    assert calls == {"main": 1, "step": 150}
    assert ran.module("TEST.BC")["answer"] == 1000 // 50


def test_thresholds_can_be_set_and_levels_skipped(run):
    ran = run(STEPS, "iterations = 1\njit_o1_calls = 7\njit_o2_calls = 20\njit_o3_calls = 20\n")
    assert swaps(ran, "step") == [(1, 7, 0), (3, 20, 0)]
    assert swaps(ran, "main") == [(1, 1, 70)]


def test_the_first_call_can_have_the_best_code(run):
    ran = run(STEPS, "iterations = 2\njit_o1_calls = 1\njit_o2_calls = 1\njit_o3_calls = 1\n")
    assert swaps(ran, "step") == [(3, 1, 0)] and swaps(ran, "main") == [(3, 1, 0)]
    assert ran.module("TEST.BC")["reason"] == "divide trap"  # in the 200th call
    assert {event["function_name"]: event["calls"] for event in ran.events("function")} == {"main": 2, "step": 200}


def test_a_call_that_loops_for_long_goes_on_in_better_code(run):
    ran = run(LOOP, "iterations = 1\n")
    assert swaps(ran, "main") == [(1, 1, 1000), (2, 1, 10_000), (3, 1, 100_000)]
    assert (ran.module("TEST.BC")["answer"], ran.module("TEST.BC")["calls"]) == (SUM, 1)


def test_compiling_is_not_in_the_cycles_of_a_call(boot_disk, kernel_disk, slave_volume, bitcode):
    text = HEAD + STEPS.removeprefix(HEAD).replace("const.i32.16 r1, 150", "const.i32.16 r1, 1")
    files = {"BAREFLOW.CFG": b"iterations = 1\njit_o1_calls = 1\n", "TEST.BC": bitcode(text)}
    run = boot_disk(kernel_disk, slave=slave_volume(files), icount=True)
    assert all(event["compile_cycles"] > 1000 for event in run.events("swap"))
    assert len(run.events("swap")) == 2
    assert 20 < run.module("TEST.BC")["cycles"] < 200


def test_a_trap_in_better_code_is_named_with_its_place(run):
    ran = run(STEPS.replace("const.i32.16 r2, 200", "const.i32.16 r2, 120"), "iterations = 1\n")
    assert swaps(ran, "step") == [(1, 100, 0)]
    fault = ran.only("fault")
    place = fault["name"], fault["function_name"], fault["block"], fault["operation"]
    assert place == ("divide trap", "step", 1, 3)
    calls = {event["function_name"]: event["calls"] for event in ran.events("function")}
    assert calls == {"main": 1, "step": 120}


def test_a_trap_in_code_that_was_replaced_meanwhile_is_named_too(run):
    # main calls itself once; the inner one loops until main has better code, the outer one, still in the old, traps.
    text = (
        HEAD
        + """function "main" (i32) -> i32, registers 4 0 0 0, frame 0
b0, depth 0:
 const.i32 r2, 5000
 branch.i32.imm8 eq, r0, 77, b2, b1
b1, depth 0:
 const.i32.16 r1, 77
 call r3, @main, r1
 div.u32 r3, r3, r3
 const.i32.16 r3, 4000
 load.i32 r3, [r3]
 return.value r3
b2, depth 1:
 add.i32.imm8 r2, r2, -1
 branch.i32.imm8 ne, r2, 0, b2, b3
b3, depth 0:
 return.value r0
"""
    )
    ran = run(text, "iterations = 1\n")
    assert swaps(ran, "main") == [(1, 2, 1000)]
    fault = ran.only("fault")
    assert (fault["name"], fault["block"], fault["operation"]) == ("memory trap", 1, 4)


def test_the_time_limit_stops_better_code_by_its_place(run):
    ran = run(LOOP.replace("branch.i32.imm8 ne, r1, 0, b1, b2", "jump b1"), "time_limit = 30\n")
    assert [level for level, _, _ in swaps(ran, "main")] == [1, 2, 3]
    fault = ran.only("fault")
    assert (fault["name"], fault["function_name"], fault["block"]) == ("time limit", "main", 1)


def test_without_room_for_better_code_a_function_stays_as_it_is(
    boot_disk, kernel_disk, slave_volume, bitcode, tmp_path
):
    # Of functions of many sizes there is one that has room once, and not twice.
    head, tail = LOOP.replace("registers 3 0 0 0", "registers 4 2 0 0").split("b2, depth 0:\n")
    files = {"BAREFLOW.CFG": b"iterations = 2\njit_code_kib = 4\n"}
    for size in range(20, 160, 20):
        filler = " mul.i64 r4, r4, r5\n" * size
        files[f"M{size}.BC"] = bitcode(f"{head}b2, depth 0:\n{filler}{tail}", name=f"m{size}")
    out = tmp_path / "export.json"
    run = boot_disk(kernel_disk, slave=slave_volume(files), profile=out)
    stuck = [swap for swap in run.events("swap") if "problem" in swap and swap["level"] == 1]
    assert {swap["problem"] for swap in stuck} == {"no room in the JIT code pool: raise jit_code_kib"}
    for name in {swap["module"] for swap in stuck}:
        event = run.module(f"{name.upper()}.BC")
        assert (event["status"], event["answer"], event["calls"]) == ("unchecked", SUM, 2)
        assert [swap["code_bytes"] for swap in run.events("swap") if swap["module"] == name] == [0]
        assert [f["level"] for f in run.events("function") if f["module"] == name] == [0]
    assert all(pool["used"] == 0 for pool in json.loads(out.read_text())["memory"]["pools"])


def test_room_that_replaced_code_gives_back_is_used_in_the_next_call(boot_disk, kernel_disk, slave_volume, bitcode):
    # Of programs of many sizes there is one with room for better code of one function in the first call, and of the
    # other only when the old code of the first has gone.
    main = """function "main" (i32) -> i32, registers 2 0 0 0, frame 0
b0, depth 0:
 call r1, @first
 call r1, @second
 return.value r1
"""
    loop = """b0, depth 0:
 const.i32 r1, 5000
 jump b1
b1, depth 1:
 add.i32.imm8 r1, r1, -1
 branch.i32.imm8 ne, r1, 0, b1, b2
b2, depth 0:
"""
    config = b"iterations = 3\njit_code_kib = 8\njit_o2_calls = 100000000\njit_o3_calls = 100000000\n"
    files = {"BAREFLOW.CFG": config}
    for size in range(30, 120, 10):
        body = loop + " mul.i64 r4, r4, r5\n" * size + " return.value r1\n"
        functions = (f'function "{name}" () -> i32, registers 4 2 0 0, frame 0\n{body}' for name in ("first", "second"))
        files[f"M{size}.BC"] = bitcode(HEAD + main + "".join(functions), name=f"m{size}")
    run = boot_disk(kernel_disk, slave=slave_volume(files))
    seen = [
        [
            (e["function_name"], e["calls"], "problem" in e)
            for e in run.events("swap")
            if e["module"] == name.lower()[:-3]
        ]
        for name in files
    ]
    assert [("first", 1, False), ("second", 1, True), ("second", 2, False)] in seen


def test_a_program_that_is_stopped_leaves_nothing_behind(boot_disk, kernel_disk, slave_volume, bitcode, tmp_path):
    files = {
        "BAREFLOW.CFG": b"iterations = 1\n",
        "TEST.BC": bitcode(LOOP.replace(" return.value r2", " trap 3")),
    }
    run = boot_disk(kernel_disk, slave=slave_volume(files), profile=tmp_path / "export.json")
    assert len(run.events("swap")) == 3
    assert run.module("TEST.BC")["reason"] == "code trap"
    export = json.loads((tmp_path / "export.json").read_text())
    assert all(pool["used"] == 0 and pool["peak"] > 0 for pool in export["memory"]["pools"])
    event = run.only("function")
    keys = ("level", "calls", "code_bytes", "compile_cycles")
    measured = {"cycles_before": None, "cycles_after": None}
    assert export["modules"][0]["compiled"] == [{"name": "main", **{key: event[key] for key in keys}, **measured}]


def measured(run: Any) -> dict[str, tuple[int, int] | None]:
    """Cycles before and after of each function, None of one that was not measured."""
    found = {}
    for event in run.events("function"):
        assert ("cycles_before" in event) == ("cycles_after" in event)
        both = (event["cycles_before"], event["cycles_after"]) if "cycles_after" in event else None
        found[event["function_name"]] = both
    return found


def test_before_is_what_a_call_takes_without_better_code(boot_disk, kernel_disk, slave_volume, bitcode, tmp_path):
    options = {"slave": slave_volume({"TEST.BC": bitcode(LOOP)}), "icount": True}
    run = boot_disk(kernel_disk, profile=tmp_path / "export.json", **options)
    never = tuple(f"jit_o{level}_calls=100000000" for level in (1, 2, 3))
    plain = boot_disk(kernel_disk, config=never, **options)
    before, after = measured(run)["main"]
    assert (before, after) == (plain.module("TEST.BC")["cycles"], run.module("TEST.BC")["last_cycles"])
    assert before > 1.9 * after
    (function,) = json.loads((tmp_path / "export.json").read_text())["modules"][-1]["compiled"]
    assert (function["cycles_before"], function["cycles_after"]) == (before, after)
    assert measured(plain) == {"main": None}  # it has no better code


def test_calls_to_measure_are_in_no_count_and_see_the_arena_of_the_first_call(run):
    # The 1501st call of step traps.
    ran = run(STEPS.replace("const.i32.16 r2, 200", "const.i32.16 r2, 1501"))
    event = ran.module("TEST.BC")
    assert (event["status"], event["calls"], event["answer"]) == ("unchecked", 10, 1000)
    assert swaps(ran, "step") == [(1, 100, 0), (2, 1000, 0)]
    assert swaps(ran, "main") == [(1, 7, 1000)]
    assert {e["function_name"]: e["calls"] for e in ran.events("function")} == {"main": 10, "step": 1500}
    assert all(measured(ran).values())


@pytest.mark.parametrize("config", ["iterations = 3", "jit_level = 3"])
def test_a_choice_of_calls_or_level_leaves_nothing_to_measure(config, run):
    ran = run(LOOP, config + "\n")
    assert ran.module("TEST.BC")["answer"] == SUM
    assert measured(ran) == {"main": None}


def test_the_eight_functions_with_most_calls_are_measured(run):
    calls = "".join(f" call r1, @f{i}\n" for i in range(10))
    loops = "".join(f" call r3, @f{i}\n" for i in range(9))
    functions = "".join(f'function "f{i}" () -> i32, registers 1 0 0 0, frame 0\nb0, depth 0:\n return.value r0\n'
                        for i in range(10))  # fmt: skip
    text = f"""function "main" (i32) -> i32, registers 4 0 0 0, frame 0
b0, depth 0:
 const.i32.16 r2, 90
{calls} jump b1
b1, depth 1:
{loops} add.i32.imm8 r2, r2, -1
 branch.i32.imm8 ne, r2, 0, b1, b2
b2, depth 0:
 return.value r3
"""
    ran = run(HEAD + text + functions, "jit_o1_calls = 10\njit_o2_calls = 100000\njit_o3_calls = 100000\n")
    assert {e["function_name"]: e["level"] for e in ran.events("function")} == {
        "main": 1, **{f"f{i}": 1 for i in range(10)}
    }  # fmt: skip
    assert [name for name, cycles in measured(ran).items() if cycles] == [f"f{i}" for i in range(8)]


def test_measuring_ends_with_the_time_limit_and_stops_no_module(boot_disk, kernel_disk, slave_volume, bitcode):
    # A call takes 6 ms at level 0, 3 in better code.
    volume = slave_volume({"TEST.BC": bitcode(LOOP.replace("const.i32 r1, 200000", "const.i32 r1, 1000000"))})
    run = boot_disk(kernel_disk, slave=volume, icount=True, config=("time_limit=10",))
    assert run.module("TEST.BC")["status"] == "unchecked" and not run.events("fault")
    assert measured(run) == {"main": None}
    before, after = measured(boot_disk(kernel_disk, slave=volume, icount=True))["main"]
    assert 2_500_000 < after < 3_500_000 and 5_500_000 < before < 6_500_000


def test_a_native_module_that_asks_for_better_code_is_stopped(slave_run, make_native):
    run = slave_run({"TEST.MOD": make_native(b"\xcd\x30\xc3")})
    assert run.module("TEST.MOD")["status"] == "stopped"
    assert run.only("fault")["vector"] == 48
