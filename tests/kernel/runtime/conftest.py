"""The runtime of native modules as programs and libraries of this machine, with the flags that modules get."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bfimg.codegen.c_header import c_header
from bfimg.codegen.constants import defines
from bfimg.toolchain.compiler import Toolchain, select

MATHEMATICS_SOURCES = ("angle.c", "exp.c", "log.c", "rounding.c", "sin_cos.c", "sqrt.c")
# The host's library has these names too: the runtime's own get a prefix.
MATHEMATICS = ("ceil", "cos", "exp", "fabs", "floor", "fmod", "log", "sin", "sqrt")
RENAMED = (*MATHEMATICS, *(f"{name}f" for name in MATHEMATICS), "abort", "calloc", "free", "malloc", "realloc")
# What tells 32-bit code for the arena from code of this machine; everything else stays.
_OF_THE_TARGET = ("--target=", "-m32", "-march=", "-fno-pic", "-fno-pie", "-c", "-o")

ARENA_CONSTANTS = """
#pragma once
#include <stdint.h>
extern char arena[];
#define module_end arena
#define BF_MEM_MODULE_ARENA_END ((uintptr_t)arena + {size})
"""


@pytest.fixture(scope="session", params=["clang", "gcc"])
def toolchain(request: pytest.FixtureRequest) -> Toolchain:
    return select(request.param)


@pytest.fixture(scope="session")
def runtime_folder(repository: Path) -> Path:
    return repository / "kernel" / "runtime"


@pytest.fixture(scope="session")
def mathematics(runtime_folder: Path) -> list[Path]:
    """The sources of the mathematics."""
    return [runtime_folder / name for name in MATHEMATICS_SOURCES]


@pytest.fixture(scope="session")
def host_arena(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], tuple[Path, Path]]:
    """``host_arena(size)``: a module arena for the host, in place of the memory map and of the linker script.

    A folder with the header that is generated otherwise, and a source to compile with the rest.
    """

    def make(size: int) -> tuple[Path, Path]:
        folder = tmp_path_factory.mktemp("arena")
        (folder / "bf_constants.h").write_text(ARENA_CONSTANTS.format(size=size))
        (folder / "arena.c").write_text(f"char arena[{size}] __attribute__((aligned(16)));\n")
        return folder, folder / "arena.c"

    return make


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the headers that a build generates."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "bf_formats.h").write_text(c_header())
    (folder / "bf_constants.h").write_text("#pragma once\n" + "".join(f"{define.line()}\n" for define in defines()))
    return folder


def run(*command: object) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def host_build(
    toolchain: Toolchain, repository: Path, generated: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """``host_build(runtime, driver)``: a program of sources compiled as for modules, and others as for the host.

    Without others, a shared library. The runtime's functions are called bf_sin, bf_malloc and so on.
    """

    def build(runtime: Sequence[Path], driver: Sequence[Path | str] = (), generated: Path = generated) -> Path:
        renamed = [f"-D{name}=bf_{name}" for name in RENAMED]
        folder = tmp_path_factory.mktemp("host")
        include = (repository / "kernel" / "runtime" / "include", repository / "kernel")
        objects = []
        for source in runtime:
            object_file = folder / f"{source.name}.o"
            command = toolchain.module_command(str(source), "", tuple(map(str, (*include, generated))))
            flags = [flag for flag in command if flag and not flag.startswith(_OF_THE_TARGET)]
            run(*flags, *renamed, "-Werror", "-fPIC", "-c", "-o", object_file)
            objects.append(object_file)
        output = folder / "built"
        if driver:
            run(*toolchain.compiler, "-O2", *driver, *objects, "-o", output, "-lm")
        else:
            run(*toolchain.compiler, "-shared", "-Wl,-Bsymbolic", *objects, "-o", output)
        return output

    return build
