"""CC, LD and PATH decide which compiler and linker run; whatever they name, the answer is one line."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from bfimg.build.build import build_image
from bfimg.build.layout import default_layout
from bfimg.errors import BfimgError, CompileError, ToolError, UsageError
from bfimg.toolchain.compiler import bitcode_command, compile_bitcode, select
from bfimg.toolchain.run import run


def test_toolchains(monkeypatch: pytest.MonkeyPatch) -> None:
    assert select().family == "clang"
    assert select("gcc").linker[0].endswith("/ld")
    monkeypatch.setenv("CC", "gcc -pipe")
    chosen = select()
    assert (chosen.family, chosen.compiler[1:]) == ("gcc", ("-pipe",))
    monkeypatch.setenv("LD", "/nowhere/ld")
    with pytest.raises(ToolError, match="/nowhere/ld cannot be run"):
        select()
    with pytest.raises(UsageError, match="no toolchain 'msvc'"):
        select("msvc")
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match="clang is not installed; install it: apt-get install clang"):
        select()


@pytest.mark.parametrize("variable", ["CC", "LD"])
def test_a_value_that_is_no_command_line(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "clang '")
    with pytest.raises(UsageError, match=f'{variable} is "clang \'": No closing quotation; mend {variable}'):
        select()


def test_programs_may_be_named_from_the_current_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "myclang").symlink_to(shutil.which("clang") or "")
    (tmp_path / "myld").mkdir()
    (tmp_path / "myld" / "ld.lld").symlink_to(shutil.which("ld.lld") or "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CC", "./myclang")
    monkeypatch.setenv("PATH", "myld:/usr/bin")
    chosen = select()
    assert (chosen.compiler, chosen.linker) == ((str(tmp_path / "myclang"),), (str(tmp_path / "myld" / "ld.lld"),))
    assert build_image(default_layout(), tmp_path / "a.img", chosen, cache_dir=tmp_path / "cache").compiled


def test_programs_that_refuse_to_tell_their_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable, program, reason in [
        ("CC", "/bin/false", "/bin/false: false failed: it says no more; mend CC"),
        ("LD", "ld.lld --nosuch", "/ld.lld: ld.lld failed: .*--nosuch.*; mend LD"),
        ("CC", script(tmp_path, "mute", ""), "mute: says nothing of its version; mend CC"),
    ]:
        with monkeypatch.context() as patch, pytest.raises(ToolError, match=reason):
            patch.setenv(variable, program)
            select()


def script(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("CC", "/bin/true", "true wrote nothing; mend the source, or CC"),
        ("LD", "/bin/echo", "echo wrote nothing; see LD and the objects named"),
        ("LD", "ld.lld -T /nosuch.ld", "ld.lld failed: .*/nosuch.ld.*; see LD and the objects named"),
        ("CC", "clang -include nosuch.h", r"clang failed: .*nosuch\.h.*; mend the source, or CC"),
    ],
)
def test_tools_that_do_no_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(CompileError, match=reason):
        build_image(default_layout(), tmp_path / "a.img", select("clang"), cache_dir=tmp_path / "cache")
    assert not (tmp_path / "a.img").exists()


@pytest.mark.parametrize(
    "name", ["x.c", "-x.c", "@x.c", "X.C", "-X.C", "two words.C", "x.cpp", "X.CPP", "-x.CC", "X.CXX"]
)
def test_bitcode_from_any_source_name_and_by_the_command_that_is_shown(tmp_path: Path, name: str) -> None:
    plus_plus = name.lower().endswith(("cpp", "cc", "cxx"))
    # `class` is a name in C only, and `extern "C"` stands in C++ only.
    text = 'extern "C" int f() { return 1; }' if plus_plus else "int f(void) { int class = 1; return class; }"
    (tmp_path / name).write_text(text + "\n")
    compile_bitcode(tmp_path / name, tmp_path / "out.bc")
    command = shlex.join(bitcode_command(name, f"{name}.bc"))
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert (tmp_path / f"{name}.bc").read_bytes() == (tmp_path / "out.bc").read_bytes()


def test_a_link_is_compiled_under_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "real.c").write_text("int f(void) { return 1; }\n")
    (tmp_path / "link.c").symlink_to("folder/real.c")
    compile_bitcode(tmp_path / "link.c", tmp_path / "out.bc")
    assert (tmp_path / "out.bc").stat().st_size > 1000


def test_a_program_that_says_it_is_done_but_wrote_nothing(tmp_path: Path) -> None:
    with pytest.raises(BfimgError, match="x: true wrote nothing; do this"):
        run(["/bin/true"], output=tmp_path / "x", subject="x", hint="do this")
    assert run(["/bin/echo", "words"], subject="x") == "words\n"
