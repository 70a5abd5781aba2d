"""Make the bitcode samples again from the module programs: run it after changing one."""

from __future__ import annotations

from pathlib import Path

from bfimg.toolchain.compiler import compile_bitcode

SAMPLES = Path(__file__).parent
PROGRAMS = SAMPLES.parent / "kernel" / "modules"


def main() -> None:
    compile_bitcode(PROGRAMS / "sha256.c", SAMPLES / "sha256.bc")


if __name__ == "__main__":
    main()
