"""Bitcode modules run in the kernel: the twelve give their answers; what traps is stopped by name and place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bfimg.formats.memory_map import PAGE_SIZE
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import ARENA_START
from bfimg.module.wrap import wrap_bitcode
from bfimg.pattern.assemble import assemble
from bfimg.pattern.encode import encode_program

HEAD = "program entry @main, arena 256, stack 64, data_end 32, depth 3\n"
MAIN = 'function "main" (i32) -> i32, registers 4 2 0 0, frame 0\n'

# name: (text of the entry's blocks, reason, block and operation that stop it)
TRAPS = {
    "divide": ("b0, depth 0:\n jump b1\nb1, depth 0:\n div.u32 r1, r0, r2\n return.value r1\n", "divide trap", 1, 0),
    "below": ("b0, depth 0:\n load.i32 r1, [r2 + 12]\n return.value r1\n", "memory trap", 0, 0),
    "behind": ("b0, depth 0:\n const.i32.16 r2, 253\n load.i32 r1, [r2]\n return.value r1\n", "memory trap", 0, 1),
    "far": ("b0, depth 0:\n const.i32 r2, -16\n store.i8 r2, [r2]\n return.value r1\n", "memory trap", 0, 1),
    "fill": ("b0, depth 0:\n const.i32.16 r2, 300\n fill r2, r2, r2\n return.value r1\n", "memory trap", 0, 1),
    "deep": ("b0, depth 0:\n call r1, @main, r0\n return.value r1\n", "call depth trap", 0, 0),
    "code": ("b0, depth 0:\n const.i32.16 r2, 1\n trap 7\n", "code trap", 0, 1),
    "loop": ("b0, depth 0:\n jump b1\nb1, depth 1:\n jump b1\n", "time limit", 1, 0),
}


@pytest.fixture
def bitcode(repository) -> Callable[..., bytes]:
    """``bitcode("name", text, level=0)``: a bitcode module with the program of this text, which begins at the level."""

    def make(name: str, text: str, level: int = 0) -> bytes:
        raw = (repository / "samples" / "fibonacci.bc").read_bytes()
        return wrap_bitcode(raw, name=name, entry="main", level=level, program=encode_program(assemble(text)))

    return make


def test_the_twelve_modules_give_their_answers(disk, bfimg, boot_disk, programs, repository):
    samples = [repository / "samples" / f"{name}.bc" for name in programs]
    assert bfimg("add-module", "-i", disk, *samples).code == 0
    run = boot_disk(disk, icount=True, config=("jit_level=0",))
    assert run.report.passed, run.report.reason
    assert run.report.reason == "24 modules"
    events = [event for event in run.events("module") if event["kind"] == "bitcode"]
    assert {event["name"]: (event["status"], event["answer"], event["level"]) for event in events} == {
        program.name: ("passed", program.answer, 0) for program in programs.values()
    }
    assert all(event["code_bytes"] > 100 and event["verified"] for event in events)
    # Verifying, compiling and taking memory: so many instructions for a byte of code.
    costs = {event["name"]: event["compile_cycles"] / event["code_bytes"] for event in events}
    assert max(costs.values()) < 250, costs


def test_a_trap_is_named_and_the_next_module_runs(slave_run, bitcode):
    files = {"BAREFLOW.CFG": b"time_limit = 50\n"}
    for name, (text, *_) in TRAPS.items():
        files[f"{name}.bc".upper()] = bitcode(name, HEAD + MAIN + text)
    files["LAST.BC"] = bitcode("last", HEAD + MAIN + "b0, depth 0:\n const.i32.16 r1, 42\n return.value r1\n")
    run = slave_run(files)
    faults = {event["module"]: event for event in run.events("fault")}
    found = {name: (faults[name]["name"], faults[name]["block"], faults[name]["operation"]) for name in TRAPS}
    assert found == {name: (reason, block, operation) for name, (_, reason, block, operation) in TRAPS.items()}
    for name, (text, reason, block, operation) in TRAPS.items():
        mnemonic = text.split(f"b{block}, ")[1].splitlines()[1 + operation].split()[0]
        assert Op(faults[name]["op"]).mnemonic == mnemonic
        line = f"{reason} in {name}, function 0, block {block}, operation {operation}, "
        assert f"\n{line}" in run.report.transcript
        assert faults[name]["function_name"] == "main"
        module = run.module(f"{name}.bc".upper())
        assert (module["status"], module["reason"]) == ("stopped", reason)
    assert (run.module("LAST.BC")["status"], run.module("LAST.BC")["answer"]) == ("unchecked", 42)


def test_what_boot_shows_of_a_trap_names_function_and_operation(disk, bfimg, bitcode, tmp_path):
    (tmp_path / "divide.bc").write_bytes(bitcode("divide", HEAD + MAIN + TRAPS["divide"][0]))
    assert bfimg("add", disk, tmp_path / "divide.bc", "part1:/").code == 0
    ran = bfimg("boot", disk, "--config", "modules=divide")
    assert ran.code == 1
    assert "divide trap in main, block 1, operation 0 (div.u32)\n" in ran.out


def test_a_module_says_at_which_level_its_functions_begin(boot_disk, kernel_disk, slave_volume, bitcode):
    text = HEAD + MAIN + "b0, depth 0:\n const.i32.16 r1, 42\n return.value r1\n"
    files = {f"AT{level}.BC": bitcode(f"at{level}", text, level) for level in range(4)}
    volume = slave_volume(files)
    functions = boot_disk(kernel_disk, slave=volume).events("function")
    assert {event["module"]: (event["level"], event["calls"]) for event in functions} == {
        f"at{level}": (level, 1) for level in range(4)
    }
    same = boot_disk(kernel_disk, slave=volume, config=("jit_level=1",)).events("function")
    assert {event["level"] for event in same} == {1}


def test_an_access_across_the_end_of_whole_pages_traps(slave_run, bitcode):
    head = HEAD.replace("arena 256", f"arena {ARENA_START + PAGE_SIZE}")
    body = f"b0, depth 0:\n const.i32.16 r1, {ARENA_START + PAGE_SIZE - 2}\n store.i32 r1, [r1]\n return.value r1\n"
    files = {f"{name}.BC": bitcode(name.lower(), head + MAIN + body) for name in ("FIRST", "SECOND")}
    run = slave_run(files)
    assert [(event["name"], event["operation"]) for event in run.events("fault")] == [("memory trap", 1)] * 2
    assert [run.module(name)["reason"] for name in files] == ["memory trap"] * 2


def test_global_data_lasts_from_one_call_to_the_next(slave_run, bitcode):
    counter = "b0, depth 0:\n const.i32.16 r1, 16\n load.i32 r2, [r1]\n add.i32.imm8 r2, r2, 1\n"
    counter += " store.i32 r2, [r1]\n return.value r2\n"
    run = slave_run({"BAREFLOW.CFG": b"iterations = 150\n", "COUNT.BC": bitcode("count", HEAD + MAIN + counter)})
    event = run.module("COUNT.BC")
    assert (event["calls"], event["answer"]) == (150, 150)


def test_a_program_that_needs_more_than_there_is_is_refused(slave_run, bitcode):
    body = "b0, depth 0:\n return.value r0\n"
    huge = HEAD.replace("arena 256", "arena 1048576") + MAIN + body
    long = HEAD + MAIN + "b0, depth 0:\n" + " mul.i64 r4, r4, r5\n" * 2000 + " return.value r0\n"
    texts = {"huge": huge, "long": long, "ok": HEAD + MAIN + body}
    run = slave_run({f"{name}.bc".upper(): bitcode(name, text) for name, text in texts.items()})
    assert run.module("HUGE.BC")["reason"] == "its arena is larger than the module arena"
    assert run.module("LONG.BC")["reason"] == "no room in the JIT code pool: raise jit_code_kib"
    assert run.module("OK.BC")["status"] == "unchecked"
