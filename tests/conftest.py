"""Fixtures that several folders share."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from bfimg.build.build import BuildReport, build_image
from bfimg.build.layout import default_layout
from bfimg.cli.main import main
from bfimg.codegen.c_header import c_crc_source, c_header
from bfimg.codegen.constants import defines
from bfimg.errors import FormatError
from bfimg.toolchain.compiler import select
from tests.compiled import build_runner

REPOSITORY = Path(__file__).parents[1]

# No example fails because the machine is slow or busy.
settings.register_profile("bfimg", deadline=None)
settings.load_profile("bfimg")

HOST_OPTIONS = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-shared", "-fPIC"]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout the tests belong to."""
    return REPOSITORY


@pytest.fixture(scope="session")
def sources_without_compiler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kernel folder without the compiler of pattern programs: a kernel that is small."""
    sources = shutil.copytree(default_layout().kernel_sources, tmp_path_factory.mktemp("small") / "kernel")
    for source in [*(sources / "jit").glob("*.c"), *(sources / "jit").glob("*.S")]:
        source.unlink()
    return sources


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests do not reach them."""
    for name in list(os.environ):
        if name.startswith("BFIMG_") or name in ("SOURCE_DATE_EPOCH", "CC", "LD", "NO_COLOR"):
            monkeypatch.delenv(name)


@dataclass(frozen=True)
class CommandResult:
    code: int
    out: str
    err: str


@pytest.fixture
def bfimg(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., CommandResult]:
    """Run the command line in this process: ``bfimg("inspect", path)``."""

    def call(*arguments: object) -> CommandResult:
        monkeypatch.setattr(sys, "argv", ["bfimg", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1 if stop.code else 0
        captured = capsys.readouterr()
        return CommandResult(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def default_build(tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    """The default image, built once. Tests that change it copy it first."""
    return build_image(default_layout(), tmp_path_factory.mktemp("build") / "disk.img", select("clang"))


@pytest.fixture
def disk(default_build: BuildReport, tmp_path: Path) -> Path:
    """A fresh copy of the default image."""
    path = tmp_path / "disk.img"
    subprocess.run(["cp", "--sparse=always", default_build.image, path], check=True)
    return path


@pytest.fixture(scope="session")
def host_library(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ctypes.CDLL]:
    """``host_library("memory/heap.c", wrapper="...")``: these sources and a C text that may include others, loaded."""

    def build(*sources: str, wrapper: str = "") -> ctypes.CDLL:
        folder = tmp_path_factory.mktemp("host")
        (folder / "bf_formats.h").write_text(c_header())
        (folder / "bf_constants.h").write_text("#pragma once\n" + "".join(f"{define.line()}\n" for define in defines()))
        (folder / "wrapper.c").write_text(wrapper)
        kernel = repository / "kernel"
        files = [folder / "wrapper.c", *(kernel / source for source in sources)]
        command = ["clang", *HOST_OPTIONS, "-I", folder, "-I", kernel, *files, "-o", folder / "library.so"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return ctypes.CDLL(str(folder / "library.so"))

    return build


class KernelProblem(ctypes.Structure):
    """``struct jit_problem``: where the kernel's verifier found the first problem of a pattern program, and which."""

    NOWHERE = 0xFFFFFFFF
    _fields_ = (
        ("text", ctypes.c_char_p),
        ("offset", ctypes.c_uint32),
        ("function", ctypes.c_uint32),
        ("block", ctypes.c_uint32),
        ("word", ctypes.c_uint32),
    )

    def place(self) -> list[int]:
        """As far as there is one: numbers of function, block, word."""
        return [number for number in (self.function, self.block, self.word) if number != self.NOWHERE]


@pytest.fixture(scope="session")
def verifier_sources() -> tuple[str, ...]:
    """The files of the kernel that are its verifier of pattern programs; besides, the CRC routines are needed."""
    return "jit/verify.c", "jit/verify_records.c", "jit/verify_code.c", "jit/program.c"


@pytest.fixture(scope="session")
def kernel_verify(
    host_library: Callable[..., ctypes.CDLL], verifier_sources: tuple[str, ...]
) -> Callable[[bytes], KernelProblem | None]:
    """The kernel's verifier on this machine: the first problem of a pattern program, None for a good one."""
    verify = host_library(*verifier_sources, wrapper=c_crc_source()).jit_verify
    verify.restype = ctypes.c_bool

    def call(data: bytes) -> KernelProblem | None:
        view, problem = (ctypes.c_void_p * 9)(), KernelProblem()
        good = verify(data, ctypes.c_uint32(len(data)), view, ctypes.byref(problem))
        return None if good else problem

    return call


@pytest.fixture(scope="session")
def compiled_runner(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that runs pattern programs through the kernel's compiler: see ``tests/compiled.py``."""
    return build_runner(repository / "kernel", tmp_path_factory.mktemp("compiled"), select("clang"))


@pytest.fixture(scope="session")
def kernel_agrees(
    kernel_verify: Callable[[bytes], KernelProblem | None],
) -> Callable[[bytes, FormatError | None], None]:
    """Asserts that the kernel's verifier says of a program what the Python one said: None, or an error at a place."""

    def check(data: bytes, error: FormatError | None) -> None:
        found = kernel_verify(data)
        if error is None or found is None:
            assert (error, found and found.text) == (None, None)
            return
        place = re.match(r"function (\d+)(?: \(.*\))?, block (\d+), word (\d+): ", error.message)
        place = place or re.match(r"program\.functions\[(\d+)\]\.code: bytes", f"{error.field}: {error.message}")
        wanted = [int(number) for number in place.groups()] if place else []
        assert (found.offset, found.place()) == (error.offset, wanted), f"{error}; {found.text}"

    return check
