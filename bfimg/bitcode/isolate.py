"""Runs LLVM in a process of its own: damaged bitcode can make it abort, or use all memory or time.

As a program (``python -m bfimg.bitcode.isolate NAME...``) it is that process: bitcode on standard input, assembly on
standard output, the reason of a failure on standard error.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence

from bfimg.errors import FormatError, ToolError

MEMORY_BYTES = 2 << 30
PROCESSOR_SECONDS = 60
_WALL_SECONDS = 120
_HINT = "compile it again"


def optimise_isolated(bitcode: bytes, keep: Sequence[str]) -> str:
    """As `bfimg.bitcode.optimise.optimise`, but damaged bitcode can only end in FormatError."""
    command = [sys.executable, "-P", "-m", "bfimg.bitcode.isolate", *keep]
    try:
        result = subprocess.run(command, input=bitcode, capture_output=True, timeout=_WALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise FormatError(f"LLVM did not come to an end in {_WALL_SECONDS} s", hint=_HINT) from None
    if result.returncode == 0:
        return result.stdout.decode("utf-8", "surrogateescape")
    if result.returncode < 0:
        name = signal.Signals(-result.returncode).name
        raise FormatError(f"LLVM cannot read the bitcode: it was ended by {name}", hint=_HINT)
    raise _reported(result.stderr.decode("utf-8", "replace"))


def _reported(text: str) -> FormatError | ToolError:
    """The error that the other process has written in its last line."""
    lines = text.strip().splitlines()
    try:
        kind, message, hint = json.loads(lines[-1])
    except (ValueError, IndexError):
        reason = lines[-1] if lines else "it says no more"
        return FormatError(f"LLVM cannot read the bitcode: {reason}", hint=_HINT)
    return (ToolError if kind == "ToolError" else FormatError)(message, hint=hint)


def main(keep: Sequence[str]) -> int:
    """The other process: 0 when the assembly is written."""
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory()
    from bfimg.bitcode.optimise import optimise

    try:
        text = optimise(sys.stdin.buffer.read(), keep)
    except (FormatError, ToolError) as error:
        sys.stderr.write("\n" + json.dumps([type(error).__name__, error.message, error.hint]) + "\n")
        return 1
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    return 0


def _limit_memory() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
