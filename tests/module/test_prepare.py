"""Whatever a user has becomes a module file, or a clear refusal."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from bfimg.bitcode import summarise
from bfimg.errors import (
    BfimgError,
    CompileError,
    FitError,
    FormatError,
    InputError,
    NotFoundError,
    TargetError,
    UsageError,
)
from bfimg.formats.bitcode_module import BitcodeHeader, LegacyBitcodeHeader, LegacyPackedBitcodeHeader
from bfimg.formats.crc import CRC32
from bfimg.formats.native_module import NativeModuleHeader
from bfimg.formats.structure import Structure, encode_text
from bfimg.module.identify import ModuleKind, identify, payload
from bfimg.module.prepare import ModuleRequest, prepare
from bfimg.module.program import program_of, verify_program
from bfimg.module.wrap import native_module, wrap_bitcode
from bfimg.toolchain.compiler import bitcode_command

SOURCE = """
unsigned helper(unsigned n);
unsigned adder_main(unsigned n) { return n + 1; }
"""


@pytest.fixture(scope="module")
def bitcode(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("bitcode")
    (folder / "adder.c").write_text(SOURCE)
    subprocess.run(bitcode_command("adder.c", "adder.bc"), cwd=folder, check=True)
    return (folder / "adder.bc").read_bytes()


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def legacy(structure: type[Structure], bitcode: bytes, size: int | None = None) -> bytes:
    header = structure(
        name=encode_text("adder", 32, field=""),
        entry=encode_text("adder_main", 64, field=""),
        bitcode_size=len(bitcode) if size is None else size,
        version=3,
        optimisation_level=2,
    )
    return header.to_bytes() + bitcode


def check_wrapped(data: bytes, bitcode: bytes) -> BitcodeHeader:
    header = BitcodeHeader.parse(data)
    assert not list(header.problems())
    assert data[BitcodeHeader.SIZE : BitcodeHeader.SIZE + len(bitcode)] == bitcode
    assert header.payload_crc == CRC32.compute(data[BitcodeHeader.SIZE :])
    assert header.pattern_offset == BitcodeHeader.SIZE + len(bitcode)
    verify_program(program_of(data, header, "x"), "x")
    assert (header.wrapper.offset, header.wrapper.size) == (128, len(bitcode))
    return header


def test_raw_bitcode_is_wrapped_and_llvm_still_opens_it(tmp_path: Path, bitcode: bytes) -> None:
    prepared = prepare(write(tmp_path / "x.bc", bitcode), ModuleRequest())
    header = check_wrapped(prepared.data, bitcode)
    assert header.name.rstrip(b"\0") == b"adder"
    assert header.entry.rstrip(b"\0") == b"adder_main"
    assert prepared.file_name == "ADDER.BC"
    assert prepared.info.kind is ModuleKind.BITCODE
    assert prepared.info.problems == ()
    wrapped = write(tmp_path / "wrapped.bc", prepared.data)
    text = subprocess.run(["llvm-dis", wrapped, "-o", "-"], capture_output=True, text=True, check=True).stdout
    assert "define dso_local i32 @adder_main" in text
    again = prepare(wrapped, ModuleRequest())
    assert again.data == prepared.data


def test_c_cpp_and_ir_are_compiled(tmp_path: Path) -> None:
    c = prepare(write(tmp_path / "adder.c", SOURCE), ModuleRequest())
    assert (c.origin, c.info.name, c.info.entry) == ("C", "adder", "adder_main")
    cpp = (
        "struct Adder { unsigned n; unsigned next() { return n + 1; } };"
        'extern "C" unsigned go(unsigned n) { return Adder{n}.next(); }'
    )
    prepared = prepare(write(tmp_path / "plus.cpp", cpp), ModuleRequest())
    assert (prepared.origin, prepared.info.name, prepared.info.entry) == ("C++", "plus", "go")
    ir = 'target triple = "i686-unknown-none-elf"\ndefine i32 @main(i32 %n) {\n  ret i32 %n\n}\n'
    prepared = prepare(write(tmp_path / "hand.ll", ir), ModuleRequest())
    assert (prepared.origin, prepared.info.name, prepared.info.entry) == ("LLVM IR", "hand", "main")


def test_bitcode_alone(tmp_path: Path, bitcode: bytes) -> None:
    prepared = prepare(write(tmp_path / "x.bc", bitcode), ModuleRequest(lower=False))
    header = BitcodeHeader.parse(prepared.data)
    assert prepared.data[BitcodeHeader.SIZE :] == bitcode
    assert (header.pattern_offset, header.pattern_size, prepared.program_size) == (0, 0, 0)


@pytest.mark.parametrize("structure", [LegacyBitcodeHeader, LegacyPackedBitcodeHeader])
def test_legacy_headers_are_read_and_upgraded(tmp_path: Path, bitcode: bytes, structure: type[Structure]) -> None:
    data = legacy(structure, bitcode)
    info = identify(data)
    assert (info.kind, info.name, info.entry, info.level) == (ModuleKind.LEGACY_BITCODE, "adder", "adder_main", 2)
    assert payload(data, info) == bitcode
    header = check_wrapped(prepare(write(tmp_path / "old.bc", data), ModuleRequest()).data, bitcode)
    assert (header.optimisation_level, header.module_version) == (2, 3)


def test_native_modules_stay_as_they_are(tmp_path: Path) -> None:
    data = native_module("tiny", b"\xc3")
    prepared = prepare(write(tmp_path / "t.mod", data), ModuleRequest())
    assert (prepared.data, prepared.file_name) == (data, "TINY.MOD")
    with pytest.raises(UsageError, match="carries its own name"):
        prepare(tmp_path / "t.mod", ModuleRequest(name="other"))
    for name in ("..", "a/b", "a\\b", "  ", "a*"):
        with pytest.raises(UsageError, match=r"t\.mod: module\.name: "):
            prepare(write(tmp_path / "t.mod", native_module(name, b"\xc3")), ModuleRequest())


def test_name_entry_level_and_version_can_be_given(tmp_path: Path, bitcode: bytes) -> None:
    path = write(tmp_path / "x.bc", bitcode)
    prepared = prepare(path, ModuleRequest("long_module_name", "adder_main", 3, 9))
    header = check_wrapped(prepared.data, bitcode)
    assert (header.optimisation_level, header.module_version) == (3, 9)
    assert prepared.file_name == "long_module_name.bc"
    for name in ("x" * 32, "ä", "two\nlines", "", " ", ".", "..", "a/b", "a\\b", "/", "a:b", "a?", "dot.", "x" * 300):
        with pytest.raises((FormatError, UsageError), match=r"x\.bc: module\.name: "):
            prepare(path, ModuleRequest(name=name))
    with pytest.raises(NotFoundError, match="no external function 'helper'"):
        prepare(path, ModuleRequest(entry="helper"))


@pytest.mark.parametrize(
    ("source", "entry"),
    [
        ("int x(void){return 1;}", "x"),
        ("int m(void){return 1;} int main(void){return 2;}", "main"),
        ("int m(void){return 1;} int module_main(void){return 2;} int main(void){return 3;}", "module_main"),
        ("int m(void){return 1;} int source(void){return 2;}", "source"),
        ("static int s(void){return 1;} int only(void){return s();}", "only"),
    ],
)
def test_the_entry_is_found(tmp_path: Path, source: str, entry: str) -> None:
    assert prepare(write(tmp_path / "source.c", source), ModuleRequest()).info.entry == entry


@pytest.mark.parametrize(
    ("source", "reason"),
    [("int a(void){return 1;} int b(void){return 2;}", "there are: a, b"), ("int x;", "defines no external function")],
)
def test_an_entry_that_cannot_be_told_is_asked_for(tmp_path: Path, source: str, reason: str) -> None:
    with pytest.raises(NotFoundError, match=reason):
        prepare(write(tmp_path / "source.c", source), ModuleRequest())


def test_bitcode_for_another_machine_is_refused_with_the_command_that_works(tmp_path: Path) -> None:
    write(tmp_path / "adder.c", SOURCE)
    subprocess.run(["clang", "--target=x86_64-pc-linux-gnu", "-emit-llvm", "-c", "adder.c"], cwd=tmp_path, check=True)
    with pytest.raises(TargetError) as caught:
        prepare(tmp_path / "adder.bc", ModuleRequest())
    assert caught.value.hint is not None
    command = caught.value.hint.removeprefix("make it with: ")
    assert command == shlex.join(bitcode_command("adder.c", "adder.bc"))
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert prepare(tmp_path / "adder.bc", ModuleRequest()).info.entry == "adder_main"


@pytest.mark.parametrize("source", ["ADDER.C", "-x.c", "-x.CPP"])
def test_the_command_shown_works_for_any_source_name(tmp_path: Path, source: str) -> None:
    language = "c++" if source.endswith("CPP") else "c"
    write(tmp_path / source, ('extern "C" ' if language == "c++" else "") + "unsigned go(unsigned n) { return n; }")
    bitcode = (tmp_path / source).with_suffix(".bc")
    command = [
        "clang",
        "--target=x86_64-pc-linux-gnu",
        "-emit-llvm",
        "-x",
        language,
        "-c",
        f"./{source}",
        "-o",
        bitcode,
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    with pytest.raises(TargetError) as caught:
        prepare(bitcode, ModuleRequest())
    subprocess.run((caught.value.hint or "").removeprefix("make it with: "), shell=True, cwd=tmp_path, check=True)
    prepared = prepare(bitcode, ModuleRequest())
    assert (prepared.info.name, prepared.info.entry) == (bitcode.stem, "go")
    assert prepare(tmp_path / source, ModuleRequest()).data == prepared.data


def test_a_name_from_the_bitcode_must_name_a_file(tmp_path: Path) -> None:
    write(tmp_path / "a?b.c", SOURCE)
    subprocess.run(bitcode_command("a?b.c", "x.bc"), cwd=tmp_path, check=True)
    with pytest.raises(UsageError, match=r"x\.bc: module\.name: 'a\?b' has '\?', which FAT does not allow"):
        prepare(tmp_path / "x.bc", ModuleRequest())
    assert prepare(tmp_path / "x.bc", ModuleRequest(name="ab")).file_name == "AB.BC"


@pytest.mark.parametrize("triple", ["x86_64-pc-linux-gnu", "armv7-none-eabi", "i686-pc-windows-msvc", ""])
def test_ir_for_another_machine_is_refused(tmp_path: Path, triple: str) -> None:
    line = f'target triple = "{triple}"\n' if triple else ""
    path = write(tmp_path / "x.ll", line + "define i32 @main() {\n  ret i32 0\n}\n")
    with pytest.raises(TargetError, match="BareFlow runs 32-bit x86"):
        prepare(path, ModuleRequest())


class TestBadInput:
    @pytest.mark.parametrize("data", [b"", b"\0", b"hello world", b"MODB", bytes(5000), b"BC\xc0\xde", b"BC\xc0"])
    def test_no_module(self, tmp_path: Path, data: bytes) -> None:
        with pytest.raises(FormatError):
            prepare(write(tmp_path / "x.bc", data), ModuleRequest())

    def test_every_truncation_of_a_wrapped_module_is_refused(self, tmp_path: Path, bitcode: bytes) -> None:
        data = wrap_bitcode(bitcode, name="adder", entry="adder_main")
        path = tmp_path / "x.bc"
        for size in [*range(0, 140), *range(140, len(data), 37)]:
            with pytest.raises(FormatError):
                prepare(write(path, data[:size]), ModuleRequest())

    def test_every_flipped_byte_of_a_header_is_refused(self, tmp_path: Path, bitcode: bytes) -> None:
        data = wrap_bitcode(bitcode, name="adder", entry="adder_main")
        path = tmp_path / "x.bc"
        for index in range(len(data[: BitcodeHeader.SIZE + 1])):
            changed = bytearray(data)
            changed[index] ^= 0x10
            if index in range(20, 24):  # without its magic, the file is bitcode in a plain LLVM wrapper
                assert identify(bytes(changed)).kind is ModuleKind.WRAPPED_BITCODE
                continue
            with pytest.raises(BfimgError):
                prepare(write(path, bytes(changed)), ModuleRequest())

    def test_a_native_module_of_27_bytes_is_none(self) -> None:
        data = native_module("tiny", b"\xc3")[:27]
        assert identify(data).problems == ("is 27 bytes, its header alone is 48",)

    def test_native_headers_that_lie(self) -> None:
        header = NativeModuleHeader.parse(native_module("tiny", b"\x90\xc3"))
        for change, reason in [
            ({"code_size": 3}, "code_size is 3, 2 bytes follow"),
            ({"code_size": 1}, "code_size is 1, 2 bytes follow"),
            ({"entry_offset": 2}, "entry_offset 2 is outside"),
            ({"name": b"x" * 32}, "name has no NUL"),
            ({"name": bytes(32)}, "name is empty"),
            ({"code_size": 0xFFFFFFFF}, "larger than the module arena"),
        ]:
            problems = identify(header.replace(**change).to_bytes() + b"\x90\xc3").problems
            assert any(reason in problem for problem in problems), (change, problems)
        with pytest.raises(FormatError):
            native_module("tiny", b"")

    def test_legacy_sizes_that_lie(self, tmp_path: Path, bitcode: bytes) -> None:
        data = legacy(LegacyBitcodeHeader, bitcode, size=len(bitcode) + 1)
        assert any("bitcode_size" in problem for problem in identify(data).problems)
        assert identify(legacy(LegacyBitcodeHeader, b"")).problems == (
            "has a version-1 header but no bitcode behind it",
        )

    def test_too_large_for_the_kernel(self, tmp_path: Path) -> None:
        with pytest.raises(FitError, match="the kernel's file buffer has 1048576"):
            prepare(write(tmp_path / "big.bc", bytes(2 << 20)), ModuleRequest())

    def test_unreadable_and_uncompilable(self, tmp_path: Path) -> None:
        with pytest.raises(InputError):
            prepare(tmp_path / "none.bc", ModuleRequest())
        os.mkfifo(tmp_path / "pipe.c")
        for path in (tmp_path, tmp_path / "pipe.c", Path("/dev/zero")):
            with pytest.raises(InputError, match=f"{path}: cannot be read: it is no regular file"):
                prepare(path, ModuleRequest())
        with pytest.raises(CompileError, match=r"x\.c: clang failed: .*error"):
            prepare(write(tmp_path / "x.c", "int f( {"), ModuleRequest())


def test_the_sample_is_the_sha256_program(repository: Path) -> None:
    sample = summarise((repository / "samples" / "sha256.bc").read_bytes())
    assert sample.source_filename == "sha256.c"
    assert [f.name for f in sample.functions if f.linkage == "external" and not f.is_declaration] == ["sha256_main"]
