"""The kernel has the programs of the fixed patterns that the interpreter runs."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

from bfimg.codegen.c_header import c_header
from bfimg.codegen.fixed_patterns import fixed_patterns_header
from bfimg.formats.pattern import PatternType
from bfimg.pattern.encode import encode_program
from bfimg.pattern.fixed import fixed_program


def test_the_kernel_has_the_same_programs(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "bf_formats.h").write_text(c_header())
    (tmp_path / "bf_patterns.h").write_text(fixed_patterns_header())
    kernel, library = repository / "kernel", tmp_path / "fixed.so"
    flags = ["-std=c11", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", f"-I{kernel}"]
    subprocess.run(["gcc", *flags, kernel / "jit" / "fixed.c", "-o", library], check=True)
    fixed = ctypes.CDLL(str(library)).jit_fixed_program
    fixed.restype = ctypes.POINTER(ctypes.c_uint8)
    for kind in PatternType:
        if kind is not PatternType.CUSTOM:
            size = ctypes.c_uint32()
            data = fixed(ctypes.c_uint32(kind), ctypes.byref(size))
            assert bytes(data[: size.value]) == encode_program(fixed_program(kind))
