"""With jit_dump the kernel tells what it compiles, without it nothing."""

from __future__ import annotations

from bfimg.bitcode.lower import lower
from bfimg.module.wrap import wrap_bitcode
from bfimg.pattern.assemble import assemble
from bfimg.pattern.decode import decode_program
from bfimg.pattern.disassemble import disassemble
from bfimg.pattern.encode import encode_program


def test_the_dump_has_the_program_and_code_of_every_function(disk, bfimg, boot_disk, repository, tmp_path):
    sample = repository / "samples" / "sha256.bc"
    assert bfimg("add-module", "-i", disk, sample).code == 0
    run = boot_disk(disk, config=("modules=sha256",), dump=tmp_path / "dump.txt")
    assert run.report.passed, run.report.reason
    program = decode_program(lower(sample.read_bytes(), "sha256_main", trusted=True).data)
    text = (tmp_path / "dump.txt").read_text()
    assert text.startswith(f"; sha256: the program\n{disassemble(program)}")
    emitted = [event for event in run.events("dump") if event["pass"] == "emit"]
    assert {event["function_name"] for event in emitted} == {function.name for function in program.functions}
    for event in emitted:
        head = f"; sha256, function {event['function']} ({event['function_name']}), level {event['level']}: "
        assert f"{head}{len(event['code']) // 2} bytes of code\n" in text
    assert not boot_disk(disk, config=("modules=sha256",)).events("dump")


def test_compiling_again_to_find_the_place_of_a_trap_is_not_told(slave_run, repository):
    text = """program entry @main, arena 64, stack 0, data_end 16, depth 1
        function "main" (i32) -> i32, registers 2 0 0 0, frame 0
        b0, depth 0:
          load.i32 r1, [r1]
          return.value r1
        """
    raw = (repository / "samples" / "fibonacci.bc").read_bytes()
    module = wrap_bitcode(raw, name="trap", entry="main", program=encode_program(assemble(text)))
    run = slave_run({"BAREFLOW.CFG": b"jit_level = 0\njit_dump = yes\n", "TRAP.BC": module})
    assert (run.only("fault")["name"], run.only("fault")["operation"]) == ("memory trap", 0)
    assert [event["pass"] for event in run.events("dump")] == ["program", "emit"]
