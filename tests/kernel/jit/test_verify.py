"""The kernel's verifier in C: memory-safe on damaged programs, and its view of good ones is that of the Python decoder.

That it accepts and refuses what the Python verifier does, for the same place, is checked by the tests of tests/pattern
(see its conftest.py): programs, damaged programs, random ones.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bfimg.bitcode.lower import lower
from bfimg.codegen.c_header import c_crc_source, c_header
from bfimg.errors import FormatError
from bfimg.formats.pattern import PatternType
from bfimg.formats.pattern_program import ProgramHeader
from bfimg.pattern.assemble import assemble
from bfimg.pattern.decode import decode_program
from bfimg.pattern.encode import encode_instruction, encode_program
from bfimg.pattern.fixed import fixed_program
from bfimg.pattern.verify import verify
from tests.pattern import test_verify
from tests.pattern.conftest import Generator
from tests.pattern.test_mutants import mutant

# Read when the module is imported: a fixture clears BFIMG_ variables for the tests.
MUTANTS = int(os.environ.get("BFIMG_TEST_MUTANTS", "1000"))
# For ctypes: what the inline functions and arrays of program.h say.
VIEW = """
#include "jit/program.h"

static struct jit_program view;
static struct jit_problem problem;

int open_program(const void *image, uint32_t size)
{
    return jit_verify(image, size, &view, &problem);
}

uint32_t arena(void) { return view.header->arena_size; }
uint32_t depth(uint32_t function, uint32_t block) { return jit_loop_depths(&view, &view.functions[function])[block]; }
uint32_t word(uint32_t function, uint32_t number) { return jit_words(&view, &view.functions[function])[number]; }
uint32_t length(uint32_t first) { return jit_length(&view, first); }
uint32_t ends_block(uint32_t first) { return jit_ends_block((uint8_t)first); }
uint32_t entry(uint32_t number) { return view.entries[number]; }
uint32_t data(uint32_t place) { return view.data[place]; }
const char *name(uint32_t function) { return view.names + view.functions[function].name; }

uint32_t type(uint32_t function, uint32_t number)
{
    struct jit_registers registers = jit_registers(&view.functions[function]);
    return jit_register_type(&registers, (uint8_t)number);
}

uint32_t parameter(uint32_t function, uint32_t place)
{
    return jit_parameter_type(&view.signatures[view.functions[function].signature], place);
}
"""


def random_program(random: Random) -> bytes:
    return encode_program(Generator(random).program())


@pytest.fixture(scope="module")
def lowered_modules(repository: Path) -> list[bytes]:
    """The programs of the module programs."""
    names = [
        module["name"] for module in tomllib.loads((repository / "kernel/modules/modules.toml").read_text())["module"]
    ]
    return [
        lower((repository / f"samples/{name}.bc").read_bytes(), f"{name}_main", trusted=True).data for name in names
    ]


@pytest.fixture(scope="module")
def view(host_library: Callable[..., ctypes.CDLL], verifier_sources: tuple[str, ...]) -> ctypes.CDLL:
    library = host_library(*verifier_sources, wrapper=c_crc_source() + VIEW)
    library.name.restype = ctypes.c_char_p
    library.word.restype = ctypes.c_uint32
    return library


@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_the_view_of_a_program_is_what_the_decoder_finds(view: ctypes.CDLL, shift: int) -> None:
    """`shift`: where the program stands in its word; the kernel takes it from any place in a file."""
    for seed in range(50):
        data = random_program(Random(seed))
        memory = ctypes.create_string_buffer(bytes(shift) + data, shift + len(data))
        assert view.open_program(ctypes.byref(memory, shift), len(data))
        program = decode_program(data)
        assert view.arena() == program.arena_size
        assert bytes(view.data(place) for place in range(len(program.data))) == program.data
        entries = [function for table in program.tables for function in table.functions]
        assert [view.entry(number) for number in range(len(entries))] == entries
        for number, function in enumerate(program.functions):
            assert view.name(number).decode() == function.name
            assert [view.depth(number, n) for n in range(len(function.blocks))] == [
                block.loop_depth for block in function.blocks
            ]
            kinds = [view.type(number, register) for register in range(256)]
            assert kinds == [function.registers.type_of(register) for register in range(256)]
            parameters = [view.parameter(number, place) for place in range(len(function.signature.parameters))]
            assert tuple(parameters) == function.signature.parameters


def test_walking_by_lengths_finds_each_instruction_and_block(view: ctypes.CDLL) -> None:
    for seed in range(100):
        data = random_program(Random(seed))
        assert view.open_program(data, len(data))
        for number, function in enumerate(decode_program(data).functions):
            position = 0
            for block in function.blocks:
                for place, instruction in enumerate(block.instructions):
                    words = encode_instruction(instruction)
                    assert view.word(number, position) == words[0]
                    assert view.length(words[0]) == len(words)
                    assert view.ends_block(words[0]) == (place == len(block.instructions) - 1)
                    position += len(words)


def test_crcs_that_are_wrong(kernel_agrees: Callable[[bytes, FormatError | None], None]) -> None:
    """The mutants of tests/pattern have right CRCs."""
    random = Random(30)
    data = random_program(random)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << random.randrange(8)
        with pytest.raises(FormatError) as caught:
            verify(bytes(damaged))
        kernel_agrees(bytes(damaged), caught.value)


def test_lowered_modules_and_what_damage_makes_of_them(
    lowered_modules: list[bytes], kernel_agrees: Callable[[bytes, FormatError | None], None]
) -> None:
    random = Random(32)
    refused = 0
    assert len(lowered_modules) == 12
    for data in lowered_modules:
        verify(data)
        kernel_agrees(data, None)
        for _ in range(MUTANTS // 20):
            damaged = mutant(random, data)
            error = None
            try:
                verify(damaged)
            except FormatError as problem:
                error = problem
                refused += 1
            kernel_agrees(damaged, error)
    assert refused > MUTANTS // 20


def test_a_largest_function(kernel_agrees: Callable[[bytes, FormatError | None], None]) -> None:
    """As many blocks and words as the record can count."""
    base = fixed_program(PatternType.SUM)
    function = base.functions[0]
    last = function.blocks[-1]
    blocks = (*function.blocks, *[last] * (65535 - 7 - len(function.blocks)))
    program = replace(base, functions=(replace(function, blocks=blocks),))
    data = encode_program(program)
    verify(data)
    kernel_agrees(data, None)


# What the Python verifier says, and the kernel in fewer words.
REASONS = {
    r"truncated": "shorter than its header",
    r"header_crc": "header CRC is wrong",
    r"program\.size: is": "size is not that of the program",
    r"body_crc": "body CRC is wrong",
    r"arena_size: is \d+, must be a multiple": "arena size is not aligned",
    r"program\.stack_bytes:": "stack is not aligned or larger than the arena",
    r"program\.data_end:": "data ends in the stack or before it begins",
    r"program\.data_size:": "initial data is larger than the data",
    r"program\.entry:": "the entry is no function",
    r"add up": "sections do not add up to the size",
    r"bits behind": "bits behind the last parameter are not zero",
    r"no such helper": "no such helper",
    r"imports\[0\]\.signature": "not the signature of the helper",
    r"(tables|functions)\[\d\]\.signature": "no such signature",
    r"first: is": "the table does not begin where the one before it ends",
    r"entry_count": "the tables have not as many entries",
    r"does not exist": "the table has a function that does not exist",
    r"has not the signature": "the table has a function of another signature",
    r"fill up": "bytes that fill up are not zero",
    r"at most 255": "too many registers",
    r"too few": "too few registers for the parameters",
    r"frame_bytes": "frames are not aligned or larger than the stack",
    r"code: is": "the code does not begin where the one before it ends",
    r"code: ends behind": "the function ends behind the code",
    r"name: is": "the name is behind the names",
    r"end in NUL": "the names do not end in NUL",
    r"printable": "a name is not printable",
    r"(magic|version|arena_size|call_depth|count|code_words|result): is": "a field is out of range",
    r"blocks are missing": "blocks are missing",
    r"words behind": "words behind the last block",
    r"no operation": "no such operation",
    r"must be zero|unused|highest byte|scale but no index|no condition 0x104": "an operand that must be zero is not",
    r"must be (i32|i64|f32|f64)|which is": "no register of that number and type",
    r"no condition": "no such condition",
    r"no block": "no such block",
    r"no function": "no such function",
    r"no table": "no such table",
    r"no import": "no such import",
    r"cut off": "an instruction is cut off",
    r"has (a|no) result": "returns a value from a function without result, or none from one with",
}


def _refused_programs() -> dict[str, bytes]:
    cases = {case: data for case, (data, _) in test_verify.CASES.items()}
    lines = test_verify.INSTRUCTIONS
    cases |= {line: encode_program(assemble(f"{test_verify.HEAD}{line}{test_verify.TAIL}")) for line in lines}
    return cases | {f"word: {case}": test_verify.program_of_words(case)[0] for case in test_verify.WORDS}


def test_reasons(kernel_verify: Callable[[bytes], Any]) -> None:
    seen = set()
    for case, data in _refused_programs().items():
        with pytest.raises(FormatError) as caught:
            verify(data)
        wanted = next(text for said, text in REASONS.items() if re.search(said, str(caught.value)))
        assert kernel_verify(data).text.decode() == wanted, case
        seen.add(wanted)
    assert seen == set(REASONS.values())


@pytest.fixture(scope="module")
def sanitized(repository: Path, verifier_sources: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier as a program with address and undefined-behaviour sanitizers."""
    folder = tmp_path_factory.mktemp("sanitized")
    (folder / "bf_formats.h").write_text(c_header())
    (folder / "bf_crc.c").write_text(c_crc_source())
    kernel = repository / "kernel"
    sources = [Path(__file__).with_name("runner.c"), folder / "bf_crc.c", *(kernel / name for name in verifier_sources)]
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = ["gcc", "-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", *sanitizers, "-I", folder, "-I", kernel]
    subprocess.run([*command, *sources, "-o", folder / "runner"], check=True, timeout=60)
    return folder / "runner"


def test_damaged_programs_make_it_read_nothing_it_should_not(
    sanitized: Path, lowered_modules: list[bytes], tmp_path: Path
) -> None:
    random = Random(31)
    fixed = [encode_program(fixed_program(kind)) for kind in PatternType if kind is not PatternType.CUSTOM]
    programs = [random.choice(fixed) if n % 4 == 0 else random_program(random) for n in range(max(MUTANTS // 20, 1))]
    programs += lowered_modules
    mutants = [mutant(random, random.choice(programs)) for _ in range(MUTANTS)]
    mutants += [program[:size] for program in programs[:5] for size in range(len(program))]
    mutants += _refused_programs().values()
    corpus = tmp_path / "corpus"
    corpus.write_bytes(b"".join(struct.pack("<I", len(data)) + data for data in [*programs, *mutants]))
    done = subprocess.run([sanitized, corpus], capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(programs) < int(done.stdout) < len(programs) + len(mutants) // 2
    assert all(len(program) > ProgramHeader.SIZE for program in programs)
