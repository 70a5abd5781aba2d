"""``bfimg module``: what it shows, writes, refuses and runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bfimg.formats.bitcode_module import BitcodeHeader, LegacyBitcodeHeader
from bfimg.formats.crc import CRC32
from bfimg.formats.pattern import PatternDescriptor
from bfimg.formats.structure import encode_text
from bfimg.module.wrap import native_module, wrap_bitcode

Run = Callable[..., Any]


@pytest.fixture
def bitcode(repository: Path) -> Path:
    return repository / "samples" / "sum.bc"


@pytest.fixture
def module(bfimg: Run, bitcode: Path, tmp_path: Path) -> Path:
    """A lowered module."""
    path = tmp_path / "SUM.BC"
    assert bfimg("module", "lower", bitcode, "-o", path).code == 0
    return path


def test_lower_writes_a_module_that_other_verbs_read(bfimg: Run, bitcode: Path, module: Path, tmp_path: Path) -> None:
    assert "program of" in bfimg("module", "verify", module).out
    assert bfimg("module", "run", module, 10000).out == "sum_main: 955834362 (0x38f8dffa), 170247 operations\n"
    inside = tmp_path / "inside"
    assert bfimg("module", "unwrap", module, "-o", inside).code == 0
    assert inside.read_bytes() == bitcode.read_bytes()
    assert bfimg("module", "unwrap", module, "--program", "-o", inside).code == 0
    assert inside.read_bytes()[:4] == b"BPRG"
    listing = bfimg("module", "disasm", module).out
    assert listing.startswith("program entry @sum_main")
    alone = bfimg("module", "disasm", module, "--function", "sum_main").out
    assert alone and alone in listing
    again = tmp_path / "AGAIN.BC"
    bfimg("module", "lower", module, "-o", again)
    assert again.read_bytes() == module.read_bytes()


def test_info(bfimg: Run, bitcode: Path, module: Path, tmp_path: Path) -> None:
    out = bfimg("module", "info", module).out
    for part in (
        "bitcode module sum",
        "entry      sum_main",
        "LLVM",
        "i686-unknown-none-elf",
        "function   sum_main",
        "arena",
    ):
        assert part in out
    assert "problem    has no module header" in bfimg("module", "info", bitcode).out
    native = tmp_path / "x.mod"
    native.write_bytes(native_module("x", b"\xc3"))
    assert bfimg("module", "info", native).out == f"{native}: native module x\n"
    nothing = tmp_path / "nothing"
    nothing.write_bytes(b"nothing")
    assert bfimg("module", "info", nothing).code == 2


def test_stages_are_printed_without_writing(bfimg: Run, bitcode: Path) -> None:
    out = bfimg("module", "lower", bitcode, "--dump-after", "phis", "--dump-after", "ir").out
    assert out.index("; after ir\n") < out.index("; after phis\n")
    assert (
        bfimg("module", "lower", bitcode).out == "bitcode module sum, entry sum_main, 3196 bytes, program 368 bytes\n"
    )


def test_version_1_is_upgraded(bfimg: Run, bitcode: Path, tmp_path: Path) -> None:
    data = bitcode.read_bytes()
    old = tmp_path / "old.bc"
    header = LegacyBitcodeHeader(
        name=encode_text("sum", 32, field=""),
        entry=encode_text("sum_main", 64, field=""),
        bitcode_size=len(data),
        version=4,
    )
    old.write_bytes(header.to_bytes() + data)
    new = tmp_path / "new.bc"
    assert bfimg("module", "wrap", old, "-o", new, "--level", 2).code == 0
    parsed = BitcodeHeader.parse(new.read_bytes())
    assert (parsed.module_version, parsed.optimisation_level, parsed.pattern_size) == (4, 2, 0)
    assert bfimg("module", "verify", new).err.endswith("has no pattern program; make one: bfimg module lower\n")
    assert bfimg("module", "verify", old).code == 2


def test_run_lowers_what_has_no_program_or_not_this_function(bfimg: Run, tmp_path: Path) -> None:
    source = tmp_path / "x.c"
    source.write_text("double twice(double a) { return a * 2; } void none(void) {} int x(int a) { return 7 / a; }")
    assert bfimg("module", "run", source, "--entry", "twice", "-2.5").out == "twice: -5.0, 3 operations\n"
    lowered = tmp_path / "x.bc"
    bfimg("module", "lower", source, "-o", lowered)
    assert bfimg("module", "run", lowered, "-2").out.startswith("x: 4294967293 (0xfffffffd), ")
    assert bfimg("module", "run", lowered, "--entry", "none").out.startswith("none: nothing, ")
    result = bfimg("module", "run", lowered, "0")
    assert (result.code, result.out) == (1, "")
    assert "divide trap in function 0 (x), block 0" in result.err
    assert "'a' is no number" in bfimg("module", "run", lowered, "a").err
    assert bfimg("module", "run", lowered, "1", "2").code == 2
    assert "no external function 'y'" in bfimg("module", "run", lowered, "--entry", "y").err
    assert "no function 'y'" in bfimg("module", "disasm", lowered, "--function", "y").err


def test_keep(bfimg: Run, tmp_path: Path) -> None:
    source = tmp_path / "x.c"
    source.write_text("int y(int a) { return a + 1; } int x(int a) { return y(a); }")
    lowered = tmp_path / "x.bc"
    bfimg("module", "lower", source, "-o", lowered, "--entry", "x", "--keep", "y")
    assert "@y" in bfimg("module", "disasm", lowered).out or '"y"' in bfimg("module", "disasm", lowered).out


def test_native_modules_have_no_program(bfimg: Run, tmp_path: Path) -> None:
    native = tmp_path / "x.mod"
    native.write_bytes(native_module("x", b"\xc3"))
    assert "a native module has no pattern program" in bfimg("module", "run", native).err
    inside = tmp_path / "inside"
    assert bfimg("module", "unwrap", native, "-o", inside).code == 0
    assert inside.read_bytes() == b"\xc3"
    assert bfimg("module", "unwrap", native, "-o", tmp_path / "no" / "folder").code == 2


def test_damage_is_named(bfimg: Run, bitcode: Path, module: Path, tmp_path: Path) -> None:
    data = module.read_bytes()
    header = BitcodeHeader.parse(data)
    damaged = tmp_path / "damaged.bc"

    def rebuilt(section: bytes) -> bytes:
        body = data[BitcodeHeader.SIZE : header.pattern_offset] + section
        new = header.replace(pattern_size=len(section), payload_crc=CRC32.compute(body)).sealed()
        return new.to_bytes() + body

    section = data[header.pattern_offset :]
    changed = bytearray(section)
    changed[-1] ^= 1
    for content, message in (
        (rebuilt(bytes(changed)), "pattern program_crc is"),
        (rebuilt(section + b"more"), "pattern program_size is 368, 372 bytes follow"),
        (rebuilt(section[:20]), "pattern section of 20 bytes is cut short"),
    ):
        damaged.write_bytes(content)
        assert message in bfimg("module", "verify", damaged).err
        assert message in bfimg("module", "info", damaged).out
        assert bfimg("module", "lower", damaged, "-o", tmp_path / "mended.bc").code == 0
        assert (tmp_path / "mended.bc").read_bytes() == data
    wrong = wrap_bitcode(bitcode.read_bytes(), name="sum", entry="sum_main", program=b"no program, but right CRCs")
    damaged.write_bytes(wrong)
    assert bfimg("module", "verify", damaged).code == 2
    assert "program is refused" in bfimg("module", "info", damaged).out
    descriptor = PatternDescriptor(type=1, param1=10).sealed()
    damaged.write_bytes(rebuilt(descriptor.to_bytes()))
    assert "has a fixed pattern, no program" in bfimg("module", "verify", damaged).err


def test_without_llvmlite(bfimg: Run, bitcode: Path, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another process the module is missing too: it reads PYTHONPATH first."""
    folder = disk.parent / "shadow" / "llvmlite"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))
    result = bfimg("add-module", "-i", disk, bitcode)
    assert result.code == 2
    assert "needs llvmlite, which is not installed; install it with: python -m pip install" in result.err
    assert result.err.endswith("or leave its program out: --no-lower\n")
    assert bfimg("add-module", "-i", disk, "--no-lower", bitcode).code == 0


def test_add_module_tells_of_the_program(bfimg: Run, bitcode: Path, disk: Path) -> None:
    assert "3196 bytes with a program of 368, from raw bitcode" in bfimg("add-module", "-i", disk, bitcode).out
    assert "2796 bytes, from raw bitcode" in bfimg("add-module", "-i", disk, "--no-lower", bitcode).out
