"""Make the bitcode samples again, from the module programs and the C++ sample: run it after changing one."""

from __future__ import annotations

from pathlib import Path

from bfimg.toolchain.compiler import compile_bitcode

SAMPLES = Path(__file__).parent
PROGRAMS = SAMPLES.parent / "kernel" / "modules"


def main() -> None:
    for source in [*sorted(PROGRAMS.glob("*.c")), SAMPLES / "shapes.cpp"]:
        compile_bitcode(source, SAMPLES / f"{source.stem}.bc")


if __name__ == "__main__":
    main()
