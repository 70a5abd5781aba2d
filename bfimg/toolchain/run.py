"""Run an external program to its end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bfimg.errors import CompileError, ToolError

_TIMEOUT_SECONDS = 300


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    output: Path | None = None,
    subject: str,
    hint: str = "mend the source",
) -> str:
    """Standard output of `command`, run in the C locale.

    output: the file it has to write. subject, hint: for messages, the file it works on and what helps when it fails.
    Raises CompileError with the program's first error line when it fails or writes no output file, ToolError when
    it cannot be started or does not end within 300 s.
    """
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        result = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be started: {error.strerror}", hint="see bfimg doctor") from None
    except subprocess.TimeoutExpired:
        raise ToolError(f"{command[0]} did not end within {_TIMEOUT_SECONDS} s", path=subject) from None
    if result.returncode:
        raise CompileError(f"{Path(command[0]).name} failed: {_first_error(result.stderr)}", path=subject, hint=hint)
    if output is not None and not output.is_file():
        raise CompileError(f"{Path(command[0]).name} wrote nothing", path=subject, hint=hint)
    return result.stdout


def _first_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line for line in lines if "error" in line.lower()]
    return (marked or lines or ["it says no more"])[0]
