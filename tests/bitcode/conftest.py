"""What the bitcode tests share: a bitstream writer, and bitcode made by LLVM's own tools."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bfimg.toolchain.tools import require

C_SOURCE = r"""
extern int imported(int value);
extern int imported_table[4];
__attribute__((weak)) int weak_function(int value) { return value * 3; }
static int counter;
const int squares[4] = {0, 1, 4, 9};
int shared = 7;

__attribute__((noinline)) static int helper(int value)
{
    static const char text[] = "bitcode";
    for (int i = 0; i < value; i++)
        counter += imported(text[i & 7]);
    return counter;
}

int entry(int value)
{
    switch (value & 3) {
    case 0: return helper(value);
    case 1: return weak_function(value) + squares[value & 3];
    default: return imported_table[value & 3] + shared;
    }
}
"""

TARGETS = ["i686-unknown-none-elf", "x86_64-unknown-linux-gnu"]


def run(*command: str | Path) -> bytes:
    """Standard output of a tool that must succeed."""
    program, *arguments = (str(word) for word in command)
    return subprocess.run([require(program), *arguments], check=True, capture_output=True, timeout=60).stdout


class BitWriter:
    """Writes a bitstream, as "LLVM Bitcode File Format" says; sound or not is up to the test."""

    def __init__(self) -> None:
        self.bits: list[int] = []
        self.fixed(0xDEC04342, 32)

    def fixed(self, value: int, width: int) -> None:
        self.bits += [value >> bit & 1 for bit in range(width)]

    def vbr(self, value: int, width: int) -> None:
        more = 1 << (width - 1)
        while value >= more:
            self.fixed(value % more + more, width)
            value //= more
        self.fixed(value, width)

    def align32(self) -> None:
        self.bits += [0] * (-len(self.bits) % 32)

    @contextmanager
    def block(self, block_id: int, *, outer_width: int = 2, width: int = 3) -> Iterator[None]:
        """A block around what is written inside the `with`, its length word filled in."""
        self.fixed(1, outer_width)
        self.vbr(block_id, 8)
        self.vbr(width, 4)
        self.align32()
        length_at = len(self.bits)
        self.fixed(0, 32)
        yield
        self.fixed(0, width)
        self.align32()
        words = (len(self.bits) - length_at) // 32 - 1
        self.bits[length_at : length_at + 32] = [words >> bit & 1 for bit in range(32)]

    def record(self, code: int, *operands: int, width: int = 3) -> None:
        """An unabbreviated record."""
        self.fixed(3, width)
        for value in (code, len(operands), *operands):
            self.vbr(value, 6)

    def define(self, *operands: tuple[str, int] | str, width: int = 3) -> None:
        """An abbreviation: ("literal" | "fixed" | "vbr", value), "array", "char6", "blob"."""
        encodings = {"fixed": 1, "vbr": 2, "array": 3, "char6": 4, "blob": 5}
        self.fixed(2, width)
        self.vbr(len(operands), 5)
        for operand in operands:
            name, value = operand if isinstance(operand, tuple) else (operand, None)
            if name == "literal":
                self.fixed(1, 1)
                self.vbr(value, 8)
                continue
            self.fixed(0, 1)
            self.fixed(encodings[name], 3)
            if value is not None:
                self.vbr(value, 5)

    def blob(self, data: bytes) -> None:
        """The operand of a blob abbreviation."""
        self.vbr(len(data), 6)
        self.align32()
        for byte in data:
            self.fixed(byte, 8)
        self.align32()

    def to_bytes(self) -> bytes:
        self.align32()
        number = int("".join(map(str, reversed(self.bits))), 2)
        return number.to_bytes(len(self.bits) // 8, "little")


@pytest.fixture
def writer() -> BitWriter:
    return BitWriter()


@pytest.fixture(scope="session")
def new_writer() -> type[BitWriter]:
    """For property tests, where all examples would share the one `writer`."""
    return BitWriter


@pytest.fixture(scope="session")
def compile_c(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """compile_c(*options): C_SOURCE as a bitcode file, by clang."""

    def compile_source(*options: str) -> Path:
        folder = tmp_path_factory.mktemp("bitcode")
        source, bitcode = folder / "sample.c", folder / "sample.bc"
        source.write_text(C_SOURCE)
        run("clang", "-c", "-emit-llvm", "-ffreestanding", *options, source, "-o", bitcode)
        return bitcode

    return compile_source


@pytest.fixture(scope="session")
def tool() -> Callable[..., bytes]:
    """tool(program, *arguments): standard output of a tool that must succeed."""
    return run


@pytest.fixture(scope="session", params=[f"{target} {level}" for target in TARGETS for level in ("-O0", "-O2 -g")])
def compiled(request: pytest.FixtureRequest, compile_c: Callable[..., Path]) -> Path:
    """C_SOURCE for each machine, unoptimised, and optimised with debug information."""
    target, *options = request.param.split()
    return compile_c(f"--target={target}", *options)
