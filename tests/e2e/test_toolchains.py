"""Which compiler and linker build the image: clang and lld, gcc and ld, or what CC and LD name; or none."""

import dataclasses
import hashlib
import shutil

import pytest

from bfimg.build.build import build_image
from bfimg.build.layout import default_layout
from bfimg.toolchain.compiler import select

GCC = "gcc -Werror"  # not one warning; the tests share what it compiled


@pytest.fixture
def recorder(tmp_path):
    """Function that makes a program which notes that it was called and then becomes `command`."""

    def make(name, command):
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\necho x >> "$0.calls"\nexec {shutil.which(command)} "$@"\n')
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def only_on_path(tmp_path, monkeypatch):
    """Function that leaves nothing but these programs on PATH."""

    def limit(*commands):
        folder = tmp_path / "bin"
        folder.mkdir()
        for command in commands:
            (folder / command).symlink_to(shutil.which(command))
        monkeypatch.setenv("PATH", str(folder))

    return limit


def test_gcc_and_ld_build_an_image_with_the_same_answers(bfimg, tmp_path, monkeypatch, boot_disk, programs):
    image = tmp_path / "gcc.img"
    monkeypatch.setenv("CC", GCC)
    result = bfimg("build", "--toolchain", "gcc", "-o", image)
    assert result.code == 0, result.err
    run = boot_disk(image)
    assert run.report.passed, run.report.reason
    answers = {event["name"]: event["answer"] for event in run.events("module")}
    assert answers == {program.name: program.answer for program in programs.values()}


def test_gcc_builds_the_largest_kernels_too(tmp_path, monkeypatch, boot_disk):
    monkeypatch.setenv("CC", GCC)
    layout = dataclasses.replace(default_layout(), kernel_pad_to=440 * 1024)
    run = boot_disk(build_image(layout, tmp_path / "gcc.img", select("gcc")).image)
    assert run.report.passed, run.report.reason
    assert run.only("boot")["kernel_bytes"] == 440 * 1024


def test_cc_and_ld_name_the_programs_that_are_run(bfimg, tmp_path, recorder, monkeypatch, default_build):
    compiler, linker = recorder("my-cc", "clang"), recorder("my-ld", "ld.lld")
    monkeypatch.setenv("CC", f"{compiler} -Werror")  # not one warning
    monkeypatch.setenv("LD", str(linker))
    image = tmp_path / "own.img"
    result = bfimg("build", "-o", image, "--cache-dir", tmp_path / "cache")
    assert result.code == 0, result.err
    assert (tmp_path / "my-cc.calls").read_text().count("x") > 20
    assert (tmp_path / "my-ld.calls").read_text().count("x") > 12
    # Another name for the same programs: the same image.
    assert hashlib.sha256(image.read_bytes()).digest() == hashlib.sha256(default_build.image.read_bytes()).digest()


def test_cc_alone_decides_the_family(monkeypatch):
    monkeypatch.setenv("CC", "gcc")
    toolchain = select()
    assert (toolchain.family, toolchain.linker[0].rsplit("/", 1)[-1]) == ("gcc", "ld")


@pytest.mark.parametrize(
    ("present", "arguments", "missing"),
    [
        ((), (), "clang is not installed; install it: apt-get install clang"),
        (("clang",), (), "ld.lld is not installed; install it: apt-get install lld"),
        ((), ("--toolchain", "gcc"), "gcc is not installed; install it: apt-get install gcc"),
        (("gcc",), ("--toolchain", "gcc"), "ld is not installed; install it: apt-get install binutils"),
    ],
)
def test_missing_tool_is_named_with_the_command_that_installs_it(
    bfimg, tmp_path, only_on_path, present, arguments, missing
):
    only_on_path(*present)
    result = bfimg("build", *arguments, "-o", tmp_path / "no.img", "--cache-dir", tmp_path / "cache")
    assert (result.code, result.out, result.err) == (2, "", f"bfimg: {missing}\n")
    assert not (tmp_path / "no.img").exists()


def test_missing_qemu_is_named_with_the_command_that_installs_it(bfimg, disk, only_on_path):
    only_on_path()
    result = bfimg("boot", disk)
    assert (result.code, result.out) == (2, "")
    assert result.err == "bfimg: qemu-system-i386 is not installed; install it: apt-get install qemu-system-x86\n"


@pytest.mark.parametrize(("variable", "value"), [("CC", "/absent/cc"), ("LD", "/absent/ld"), ("CC", "no-such-cc")])
def test_program_that_cc_or_ld_names_in_vain_is_one_line(bfimg, tmp_path, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    result = bfimg("build", "-o", tmp_path / "no.img")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert value in result.err
