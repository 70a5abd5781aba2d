"""Kernel sources as libraries of this machine."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bfimg.codegen.c_header import c_header
from bfimg.codegen.constants import defines

OPTIONS = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-shared", "-fPIC"]


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
        command = ["clang", *OPTIONS, "-I", folder, "-I", kernel, *files, "-o", folder / "library.so"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return ctypes.CDLL(str(folder / "library.so"))

    return build
