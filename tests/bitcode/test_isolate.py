"""Bitcode that LLVM cannot digest ends in an error, whatever LLVM does."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from bfimg.bitcode import isolate
from bfimg.bitcode.isolate import optimise_isolated
from bfimg.bitcode.lower import lower
from bfimg.bitcode.optimise import optimise
from bfimg.errors import BfimgError, FormatError, ToolError


def test_flipped_bits_never_end_this_process(repository: Path) -> None:
    bitcode = (repository / "samples" / "sum.bc").read_bytes()
    outcomes = set()
    for seed in range(16):
        rng = random.Random(seed)
        damaged = bytearray(bitcode)
        for _ in range(3):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        try:
            lower(bytes(damaged), "sum_main")
            outcomes.add("lowered")
        except BfimgError as error:
            assert "\n" not in str(error)
            outcomes.add(type(error).__name__)
    assert "FormatError" in outcomes


def test_no_bitcode_at_all() -> None:
    for read in (optimise, optimise_isolated):
        with pytest.raises(FormatError, match="LLVM cannot read the bitcode: "):
            read(b"nothing", ["f"])


def fake_process(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let another program stand for the process that runs LLVM."""
    real = subprocess.run
    monkeypatch.setattr(
        isolate.subprocess, "run", lambda command, **options: real([sys.executable, "-c", code], **options)
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os.abort()", "it was ended by SIGABRT"),
        ("raise MemoryError('too much')", "cannot read the bitcode: MemoryError: too much"),
        ("import sys; sys.exit(1)", "cannot read the bitcode: it says no more"),
        ("import time; time.sleep(9)", "did not come to an end in 1 s"),
    ],
)
def test_what_the_other_process_may_do(monkeypatch: pytest.MonkeyPatch, code: str, message: str) -> None:
    fake_process(monkeypatch, code)
    monkeypatch.setattr(isolate, "_WALL_SECONDS", 1)
    with pytest.raises(FormatError, match=message):
        optimise_isolated(b"", ["f"])


def test_an_error_of_the_other_process_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    line = '["ToolError", "no LLVM", "install it"]'
    fake_process(monkeypatch, f"import sys; sys.stderr.write({line!r}); sys.exit(1)")
    with pytest.raises(ToolError, match="no LLVM; install it"):
        optimise_isolated(b"", ["f"])


def test_without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    with pytest.raises(ToolError, match="needs llvmlite, which is not installed; install it with: python -m pip"):
        optimise(b"", ["f"])
