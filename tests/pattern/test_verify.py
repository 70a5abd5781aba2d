"""The verifier refuses each thing that a program must not have, and says where."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bfimg.errors import FormatError
from bfimg.formats.crc import CRC32
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import (
    NO_NAME,
    ProgramFunction,
    ProgramHeader,
    ProgramImport,
    ProgramSignature,
    ProgramTable,
)
from bfimg.formats.structure import Structure
from bfimg.pattern.assemble import assemble
from bfimg.pattern.encode import encode_program
from bfimg.pattern.program import NO_REGISTER, Block, Function, Instruction, Program, Registers, Signature
from bfimg.pattern.verify import verify

TEXT = """
    program entry @main, arena 256, stack 64, data_end 40, depth 2
    import sin
    table0 (i32): @g
    data 01 02 03 04 05
    function "main" (i32, f64) -> i32, registers 2 1 1 1, frame 32
    b0, depth 0:
      add.i32 r0, r0, r1
      jump b0
    b1, depth 0:
      return.value r0
    function "g" (i32), registers 1 0 0 0, frame 0
    b0, depth 0:
      return
    """
GOOD = encode_program(assemble(TEXT))

# Where things are in GOOD.
SIGNATURES = ProgramHeader.SIZE
IMPORTS = SIGNATURES + 3 * ProgramSignature.SIZE
TABLES = IMPORTS + ProgramImport.SIZE
ENTRIES = TABLES + ProgramTable.SIZE
FUNCTIONS = ENTRIES + 4
CODE = FUNCTIONS + 2 * ProgramFunction.SIZE
DATA = CODE + 4 * (1 + 3 + 1 + 1)
NAMES = DATA + 8


def sealed(data: bytes) -> bytes:
    body = data[ProgramHeader.SIZE :]
    return ProgramHeader.parse(data).replace(body_crc=CRC32.compute(body)).sealed().packed() + body


def with_header(**values: int) -> bytes:
    return sealed(ProgramHeader.parse(GOOD).replace(**values).packed() + GOOD[ProgramHeader.SIZE :])


def with_record(offset: int, kind: type[Structure], **values: int) -> bytes:
    record = kind.parse(GOOD, offset).replace(**values).packed()
    return sealed(GOOD[:offset] + record + GOOD[offset + len(record) :])


def with_bytes(offset: int, new: bytes) -> bytes:
    return sealed(GOOD[:offset] + new + GOOD[offset + len(new) :])


def word(offset: int, value: int) -> bytes:
    return with_bytes(offset, value.to_bytes(4, "little"))


def function(number: int, **values: int) -> bytes:
    return with_record(FUNCTIONS + number * ProgramFunction.SIZE, ProgramFunction, **values)


def test_the_program_that_the_others_are_made_from_is_good() -> None:
    program = verify(GOOD)
    assert program.name(0) == "main" and program.data == b"\1\2\3\4\5"
    assert len(GOOD) == NAMES + 8


# One function of three words, behind which the program ends.
ADDRESS = Instruction(Op.ADDRESS, (0, NO_REGISTER, NO_REGISTER, 0, 16))
SHORT_BLOCK = Block((ADDRESS, Instruction(Op.RETURN)))
SHORT = encode_program(Program((Function("", Signature(), Registers(1), (SHORT_BLOCK,)),)))

CASES: dict[str, tuple[bytes, str]] = {
    "cut off at the end": (
        sealed(SHORT[:-4] + SHORT[-12:-8]),
        "function 0, block 0, word 2: address: is cut off",
    ),
    "empty": (b"", "truncated"),
    "cut in the header": (GOOD[:59], "truncated: program_header needs 60 bytes"),
    "cut behind the header": (GOOD[:60], "program.size: is"),
    "magic": (with_header(magic=1), "program.magic: is 0x1, must be"),
    "version": (with_header(version=2), "program.version: is 0x2, must be"),
    "header crc": (GOOD[:20] + b"\xff" + GOOD[21:], "program.header_crc: is"),
    "cut off": (GOOD[:-4], "program.size: is"),
    "body crc": (GOOD[:-1] + b"\1", "program.body_crc: is not the CRC"),
    "arena not aligned": (with_header(arena_size=250), "program.arena_size: is 250, must be a multiple of 16"),
    "arena too large": (with_header(arena_size=1 << 25), "program.arena_size: is 33554432, must be in"),
    "stack larger than the arena": (with_header(stack_bytes=256), "program.stack_bytes: is 256"),
    "stack not aligned": (with_header(stack_bytes=72), "program.stack_bytes: is 72"),
    "data in the null page": (with_header(data_end=15), "program.data_end: is 15"),
    "data in the stack": (with_header(data_end=193), "program.data_end: is 193, not below the stack"),
    "data behind its end": (with_header(data_end=20), "program.data_size: is 5, ends behind data_end"),
    "entry": (with_header(entry=2), "program.entry: is 2, there are 2 functions"),
    "depth 0": (with_header(call_depth=0), "program.call_depth: is 0"),
    "sections": (with_header(names_size=9), "sections do not add up"),
    "huge section": (with_header(code_size=0xFFFFFFFC), "sections do not add up"),
    "section whose padded size is 2^32": (
        sealed(ProgramHeader.parse(GOOD).replace(size=NAMES, names_size=0xFFFFFFFF).packed() + GOOD[60:NAMES]),
        "sections do not add up",
    ),
    "no functions": (with_header(function_count=0), "program.function_count: is 0"),
    "result type": (with_bytes(SIGNATURES, b"\5"), "program.signatures[0].result: is 0x5"),
    "too many parameters": (with_bytes(SIGNATURES + 1, b"\x11"), "program.signatures[0].parameter_count: is 17"),
    "bits behind the parameters": (with_bytes(SIGNATURES + 7, b"\1"), "bits behind the last parameter"),
    "helper": (with_bytes(IMPORTS, b"\xff"), "program.imports[0].helper: is 255, no such helper"),
    "number behind the last helper": (with_bytes(IMPORTS, bytes([max(Helper) + 1])), "no such helper"),
    "helper 0": (with_bytes(IMPORTS, b"\0"), "program.imports[0].helper: is 0, no such helper"),
    "signature of a helper": (with_bytes(IMPORTS + 2, b"\0"), "program.imports[0].signature: is not that of sin"),
    "no such signature": (with_bytes(IMPORTS + 2, b"\x03"), "program.imports[0].signature: is 3, there are 3"),
    "empty table": (with_bytes(TABLES + 2, b"\0"), "program.tables[0].count: is 0"),
    "table begins elsewhere": (with_bytes(TABLES + 4, b"\1"), "program.tables[0].first: is 1, must be 0"),
    "table too long": (with_bytes(TABLES + 2, b"\2"), "program.entry_count: is 1, the tables have 2"),
    "signature of a table": (with_bytes(TABLES, b"\3"), "program.tables[0].signature: is 3"),
    "entry of a table": (with_bytes(ENTRIES, b"\2"), "function 2 does not exist"),
    "entry of another signature": (with_bytes(ENTRIES, b"\0"), "function 0 has not the signature of table 0"),
    "behind the entries": (with_bytes(ENTRIES + 2, b"\1"), "program.entries: bytes that fill up are not zero"),
    "signature of a function": (function(0, signature=3), "program.functions[0].signature: is 3"),
    "too many registers": (function(0, i32_count=253), "256 registers, at most 255 fit"),
    "too few registers": (function(0, f64_count=0, f32_count=2), "too few f64 registers for the parameters"),
    "frame not aligned": (function(0, frame_bytes=8), "program.functions[0].frame_bytes: is 8"),
    "frames larger than the stack": (function(0, frame_bytes=48), "2 of it must fit the stack of 64"),
    "frames that overflow": (function(0, frame_bytes=0xFFFFFFF0), "program.functions[0].frame_bytes"),
    "code elsewhere": (function(1, code=0), "program.functions[1].code: is 0, must be 16"),
    "code too long": (function(0, code_words=65535), "program.functions[0].code: ends behind the code"),
    "no code": (function(1, code_words=0), "program.functions[1].code_words: is 0"),
    "no blocks": (function(0, block_count=0), "program.functions[0].block_count: is 0"),
    "more blocks": (function(0, block_count=3), "blocks are missing"),
    "fewer blocks": (function(0, block_count=1), "words behind the last block"),
    "behind the depths": (with_bytes(CODE + 3, b"\1"), "program.functions[0].code: bytes that fill up"),
    "behind the data": (with_bytes(DATA + 5, b"\1"), "program.data: bytes that fill up are not zero"),
    "name": (function(1, name=7), "program.functions[1].name: is 7, the names have 7"),
    "names without end": (with_bytes(NAMES + 6, b"x"), "program.names: do not end in NUL"),
    "quote in a name": (with_bytes(NAMES, b'"'), "byte 0x22 is not printable"),
}


@pytest.mark.parametrize("case", CASES)
def test_containers(case: str) -> None:
    data, problem = CASES[case]
    with pytest.raises(FormatError) as caught:
        verify(data)
    assert problem in str(caught.value)


def test_code_that_the_functions_do_not_have() -> None:
    body = GOOD[ProgramHeader.SIZE : DATA] + bytes(4) + GOOD[DATA:]
    header = ProgramHeader.parse(GOOD)
    longer = header.replace(size=len(GOOD) + 4, code_size=header.code_size + 4)
    with pytest.raises(FormatError, match="code_size: is 28, the functions have 24"):
        verify(sealed(longer.packed() + body))


def test_functions_without_name() -> None:
    program = verify(function(1, name=NO_NAME))
    assert (program.name(0), program.name(1)) == ("main", "")
    with pytest.raises(FormatError, match=r"function 1, block 0, word 0: no operation 0x0"):
        data = function(1, name=NO_NAME)
        verify(sealed(data[: DATA - 4] + bytes(4) + data[DATA:]))


HEAD = """
    program entry @f, arena 64, stack 0, data_end 16, depth 1
    import sin
    import allocate
    table0 (i32) -> i32: @g
    function "f" (i32, i64) -> i32, registers 2 1 1 1, frame 0
    b0, depth 0:
      jump b1
    b1, depth 0:
    """
TAIL = """
      return.value r0
    function "g" (i32) -> i32, registers 1 0 0 0, frame 0
    b0, depth 0:
      return.value r0
    function "h" (), registers 1 0 0 0, frame 0
    b0, depth 0:
      return
    """
# Instruction in block 1, word 1 of f, and what is wrong with it. Registers: r0 and r1 i32, r2 i64, r3 f32, r4 f64.
INSTRUCTIONS = {
    "add.i32 r0, r0, r2": "add.i32: c is register 2, which is i64, must be i32",
    "add.i32 r0, r5, r0": "add.i32: b is register 5, which is none, must be i32",
    "add.i64 r0, r2, r2": "add.i64: a is register 0, which is i32, must be i64",
    "add.f64 r4, r3, r4": "add.f64: b is register 3, which is f32, must be f64",
    "const.f32 r4, 1.0": "const.f32: a is register 4, which is f64, must be f32",
    "load.i32 r0, [r3 + 4]": "load.i32: b is register 3, which is f32, must be i32",
    "load.i32.at r0, [r2 + 4]": "load.i32.at: base is register 2, which is i64, must be i32",
    "load.i32.at r0, [r1 + r4 * 4 + 4]": "load.i32.at: index is register 4, which is f64, must be i32",
    "store.f32 r4, [r0]": "store.f32: a is register 4, which is f64, must be f32",
    "select.i32.compare r0, r0, r1, eq, r0, r2": "select.i32.compare: compared b is register 2, which is i64",
    "select.i64 r2, r2, r2, eq, r2, 1": "select.i64: compared a is register 2, which is i64, must be i32",
    "call r2, @g, r0": "call: result is register 2, which is i64, must be i32",
    "call r0, @g, r3": "call: argument 0 is register 3, which is f32, must be i32",
    "call r1, @h": "call: result is 1, must be zero",
    "call.indirect r0, table0, r2, r0": "call.indirect: c is register 2, which is i64, must be i32",
    "call.indirect r0, table1, r0, r0": "call.indirect: no table 1",
    "call.helper r0, sin, r4": "call.helper: result is register 0, which is i32, must be f64",
    "jump b2": "jump: no block 2, there are 2",
    "branch.i32 eq, r0, r1, b0, b2": "branch.i32: no block 2, there are 2",
    "branch.i32 eq, r0, r1, b9, b0": "branch.i32: no block 9, there are 2",
    "branch.i32.imm32 eq, r0, 7, b0, b2": "branch.i32.imm32: no block 2, there are 2",
    "switch r0, b0, b1, b2": "switch: no block 2, there are 2",
    "switch r2, b0": "switch: a is register 2, which is i64, must be i32",
    "return": "return: the function has a result",
    "return.value r2": "return.value: a is register 2, which is i64, must be i32",
}


@pytest.mark.parametrize("line", INSTRUCTIONS)
def test_operands(line: str) -> None:
    with pytest.raises(FormatError) as caught:
        verify(encode_program(assemble(HEAD + line + TAIL)))
    assert f"function 0 (f), block 1, word 1: {INSTRUCTIONS[line]}" in str(caught.value)


# Words that the encoder would not make, in place of one instruction with as many words.
WORDS = {
    "no operation": ("move.i32 r0, r1", [0x000000A0], "no operation 0xa0"),
    "slot that must be zero": ("move.i32 r0, r1", [0x01010001], "move.i32: c is 1, must be zero"),
    "condition": ("set.i32 r0, r0, r1, eq", [0x01000067, 0], "set.i32: no condition 0x0"),
    "bits behind the condition": ("set.i32 r0, r0, r1, eq", [0x01000067, 0x104], "set.i32: no condition 0x104"),
    "condition 32": ("set.f64 r0, r4, r4, oeq", [0x0404006B, 32], "set.f64: no condition 0x20"),
    "float condition": ("set.f64 r0, r4, r4, oeq", [0x0404006B, 8], "set.f64: no condition 0x8"),
    "branch condition": ("branch.i32 eq, r0, r1, b0, b1", [0x01000093, 0], "branch.i32: no condition 0x0"),
    "float branch": ("branch.f64 oeq, r4, r4, b0, b1", [0x04040C98, 0], "branch.f64: no condition 0xc"),
    "compared": ("select.i32 r0, r0, r1, eq, r0, 1", [0x0100006D, 0x01010004], "highest byte of the comparison"),
    "base not counted": ("load.i32.at r0, [r1]", [0x0001007E, 0], "load.i32.at: base is 1, must be zero"),
    "scale without index": ("load.i32.at r0, [r1]", [0x0001007E, 0x5], "has a scale but no index"),
    "half of a target word": ("switch r0, b0", [0x00000099, 0x00010000], "unused half of the last word"),
    "bytes of an argument word": ("call r0, @g, r0", [0x0001009D, 0x100], "unused bytes of the last word"),
    "function": ("call r0, @g, r0", [0x0003009D, 0], "call: no function 3"),
    "import": ("call.helper r4, sin, r4", [0x0002049F, 4], "call.helper: no import 2"),
    "cut off": ("const.i32 r0, 1", [0x00000001, 0x000006], "cut off"),
}


def program_of_words(case: str) -> tuple[bytes, int]:
    """The program of a case, and where its words stand."""
    line, words, _ = WORDS[case]
    program = assemble(HEAD + line + TAIL)
    if case == "cut off":
        # The last word of the function begins an instruction of two.
        first = program.functions[0]
        blocks = (first.blocks[0], replace(first.blocks[1], instructions=first.blocks[1].instructions[:1]))
        program = replace(program, functions=(replace(first, blocks=blocks), *program.functions[1:]))
    data = bytearray(encode_program(program))
    record = ProgramFunction.parse(bytes(data), _functions_at(bytes(data)))
    at = _functions_at(bytes(data)) + 3 * ProgramFunction.SIZE + record.code + 4 + 4
    for place, value in enumerate(words):
        data[at + 4 * place : at + 4 * place + 4] = value.to_bytes(4, "little")
    return sealed(bytes(data)), at


@pytest.mark.parametrize("case", WORDS)
def test_words(case: str) -> None:
    data, at = program_of_words(case)
    with pytest.raises(FormatError) as caught:
        verify(data)
    assert WORDS[case][2] in str(caught.value)
    assert caught.value.field == "program.code" and caught.value.offset in (at, at + 4)


def _functions_at(data: bytes) -> int:
    header = ProgramHeader.parse(data)
    sizes = (header.signature_count * 8, header.import_count * 4, header.table_count * 8, (header.entry_count + 1) & ~1)
    return ProgramHeader.SIZE + sum(sizes[:3]) + 2 * sizes[3]


def test_a_function_without_result_returns_none() -> None:
    text = TEXT.replace("      return\n", "      return.value r0\n")
    with pytest.raises(
        FormatError, match=r"function 1 \(g\), block 0, word 0: return.value: the function has no result"
    ):
        verify(encode_program(assemble(text)))


def test_the_last_block_ends() -> None:
    text = TEXT.replace("      return\n", "      move.i32 r0, r0\n")
    with pytest.raises(FormatError, match="the last block does not end"):
        verify(encode_program(assemble(text)))


def test_limits_that_are_just_kept() -> None:
    text = f"""
        program entry @m.n, arena 16777216, stack 16777200, data_end 16, depth 1024
        function "m.n" (), registers 255 0 0 0, frame 16368
        b0, depth 255:
          return
        function "~ ~" ({", ".join(["f64"] * 16)}) -> f64, registers 0 0 0 255, frame 0
        b0, depth 0:
          return.value r254
        """
    program = verify(encode_program(assemble(text)))
    assert program.names == b"m.n\0~ ~\0" and len(program.signatures[1].parameters) == 16
