"""Generated C and assembler agree with the definitions, as compilers see them."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path

import pytest

from bfimg.codegen.asm_header import asm_header
from bfimg.codegen.c_header import c_crc_source, c_header
from bfimg.codegen.constants import defines
from bfimg.formats import catalogue
from bfimg.formats.crc import CRC16, CRC32
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import program_signature
from bfimg.formats.structure import Structure

STRUCTURES = [s for module in catalogue.MODULES for s in catalogue.structures(module)]
EMITTED = [s for s in STRUCTURES if all(spec.element is None for spec in s.FIELDS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    (folder / "bf_formats.h").write_text(c_header())
    (folder / "bf_formats.inc").write_text(asm_header())
    (folder / "bf_crc.c").write_text(c_crc_source())
    return folder


@pytest.mark.parametrize(
    "compiler", [("clang", "--target=i686-unknown-none-elf"), ("gcc", "-m32")], ids=["clang", "gcc"]
)
def test_header_compiles_and_its_assertions_hold(folder: Path, compiler: tuple[str, ...], tmp_path: Path) -> None:
    flags = ("-std=c11", "-ffreestanding", "-Wall", "-Wextra", "-Werror", f"-I{folder}")
    output = tmp_path / "crc.o"
    subprocess.run([*compiler, *flags, "-c", folder / "bf_crc.c", "-o", output], check=True)
    asserted = c_header().count("_Static_assert(sizeof")
    assert asserted == len(STRUCTURES)


def test_tables_of_pattern_programs_expand_in_c(folder: Path, tmp_path: Path) -> None:
    source, library = tmp_path / "tables.c", tmp_path / "tables.so"
    source.write_text(
        """#include "bf_formats.h"
#define OP(name, number, a, b, c, tail) [number] = {BF_OP_##name, a, b, c, tail},
const uint8_t ops[256][5] = {BF_PATTERN_OPS(OP)};
#define HELPER(name, number, result, count, parameters) [number] = {BF_HELPER_##name, result, count, parameters},
const uint32_t helpers[64][4] = {BF_PATTERN_HELPERS(HELPER)};
"""
    )
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wall", "-Werror", f"-I{folder}", source, "-o", library], check=True)
    tables = ctypes.CDLL(str(library))
    ops = ((ctypes.c_uint8 * 5) * 256).in_dll(tables, "ops")
    wanted = {int(op): [op, *op.slots, op.tail] for op in Op}
    assert [list(row) for row in ops] == [wanted.get(number, [0] * 5) for number in range(256)]
    helpers = ((ctypes.c_uint32 * 4) * 64).in_dll(tables, "helpers")
    for helper in Helper:
        signature = program_signature(helper.result, helper.parameters)
        assert list(helpers[helper]) == [helper, helper.result, signature.parameter_count, signature.parameters]


def test_a_wrong_size_breaks_the_compilation(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "wrong.c"
    source.write_text(c_header().replace("uint8_t code[440];", "uint8_t code[441];"))
    result = subprocess.run(["gcc", "-std=c11", "-fsyntax-only", source], capture_output=True, text=True, check=False)
    assert result.returncode and "static assertion failed" in result.stderr


@pytest.mark.parametrize(
    ("define", "reason"),
    [
        ("BF_MEM_HEAP_START 0x100800", "whole pages"),
        ("BF_MEM_JIT_CODE_END 0x149000", "regions overlap"),
        ("BF_MEM_STAGE2_START 0x7d00", "regions overlap"),
    ],
)
def test_memory_regions_that_overlap_break_the_compilation(tmp_path: Path, define: str, reason: str) -> None:
    name = define.split()[0]
    text, count = re.subn(rf"^#define {name} \w+", f"#define {define}", c_header(), flags=re.MULTILINE)
    assert count == 1
    (tmp_path / "wrong.c").write_text(text)
    command = ["gcc", "-std=c11", "-fsyntax-only", tmp_path / "wrong.c"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode and f'static assertion failed: "{reason}' in result.stderr


def test_crc_routines_compiled_from_it_agree(folder: Path, tmp_path: Path) -> None:
    library = tmp_path / "crc.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", f"-I{folder}", folder / "bf_crc.c", "-o", library], check=True)
    functions = ctypes.CDLL(str(library))
    data = bytes(range(256)) * 3 + b"end"
    values = {define.name: define.value for define in defines()}
    for crc, function, kind in (
        (CRC32, functions.bf_crc32, ctypes.c_uint32),
        (CRC16, functions.bf_crc16, ctypes.c_uint16),
    ):
        function.restype = kind
        function.argtypes = (kind, ctypes.c_char_p, ctypes.c_size_t)
        start = int(values[f"BF_CRC{crc.width}_START"], 16)
        assert function(start, data, len(data)) == crc.compute(data)
        assert function(function(start, data, 100), data[100:], len(data) - 100) == crc.compute(data)


@pytest.mark.parametrize("structure", EMITTED, ids=lambda s: s.C_NAME)
def test_assembler_macro_emits_the_default_structure(structure: type[Structure], folder: Path, tmp_path: Path) -> None:
    source, output, flat = tmp_path / "s.S", tmp_path / "s.o", tmp_path / "s.bin"
    source.write_text(f'#include "bf_formats.inc"\n.data\nbf_emit_{structure.C_NAME}\n')
    subprocess.run(["clang", "--target=i686-unknown-none-elf", f"-I{folder}", "-c", source, "-o", output], check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".data", output, flat], check=True)
    blank = structure(**{s.name: bytes(s.size) for s in structure.FIELDS if not s.is_integer})
    assert flat.read_bytes() == blank.to_bytes()


def test_constants_have_unique_names_and_the_values_of_the_definitions() -> None:
    values = {define.name: define.value for define in defines()}
    assert len(values) == len(list(defines()))
    assert values["BF_STAGE2_MAGIC"] == "0x32534642"
    assert values["BF_OFF_STAGE2_DESCRIPTOR_KERNEL_CRC"] == "20"
    assert values["BF_SIZEOF_KERNEL_HEADER"] == "64"
    assert values["BF_MEM_STACK_END"] == "0x90000"
    assert values["BF_DISK_KERNEL_LBA"] == "9"
    assert values["BF_EXIT_VALUE_PASSED"] == "0x10"
    assert values["BF_NONCE_FILE"] == '"opt/bareflow/nonce"'
