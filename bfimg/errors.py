"""The one error tree. Every error is one line that names the place and says what to do.

The command line turns an error into its exit code; nothing else in the library knows about exit codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

# Bits of `check`, as in fsck(8).
CHECK_REPAIRED = 1
CHECK_LEFT = 4
CHECK_OPERATIONAL = 8
CHECK_USAGE = 16


class BfimgError(Exception):
    """Base of all errors raised on purpose.

    message: what is wrong, one sentence without a full stop.
    path: the file concerned. offset: byte offset in that file. field: field path such as
    ``stage2.kernel_sectors``. hint: what the user can do about it.
    """

    exit_code: ClassVar[int] = EXIT_USAGE

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        offset: int | None = None,
        field: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.offset = offset
        self.field = field
        self.hint = hint

    def __str__(self) -> str:
        place = []
        if self.path is not None:
            place.append(self.path)
        if self.offset is not None:
            place.append(f"offset {self.offset:#x}")
        if self.field is not None:
            place.append(self.field)
        text = ": ".join([*place, self.message])
        if self.hint is not None:
            text += f"; {self.hint}"
        return text.replace("\n", " ")


@contextmanager
def located(path: str, field: str | None = None) -> Iterator[None]:
    """Errors raised inside name the file `path`, and the key `field` of it when that is given.

    With `field` the error is about that key, whatever place it names itself. Without, a path of its own stays.
    """
    try:
        yield
    except BfimgError as error:
        if field is not None:
            error.path, error.offset, error.field = path, None, field
        elif error.path is None:
            error.path = path
        raise


class FormatError(BfimgError, ValueError):
    """The bytes are not what the format asks for: truncated, wrong magic, wrong CRC, value out of range."""


class NotFoundError(BfimgError, LookupError):
    """A file, region, field or name that was asked for does not exist."""


class InputError(BfimgError, OSError):
    """A host file cannot be read or written."""


class BusyError(BfimgError, BlockingIOError):
    """Another process is changing the image."""


class UsageError(BfimgError, ValueError):
    """An argument that cannot be used: a bad name, a bad number, options that exclude each other."""


class FitError(BfimgError, ValueError):
    """Something is too large for its place. The message gives both numbers."""

    exit_code = EXIT_FAILED


class MismatchError(BfimgError, ValueError):
    """An image is not the one a patch was made for."""

    exit_code = EXIT_FAILED


class ToolError(BfimgError, RuntimeError):
    """An external tool is missing, or failed."""


class CompileError(BfimgError, RuntimeError):
    """A compiler, assembler or linker refused its input."""

    exit_code = EXIT_FAILED


class TargetError(BfimgError, ValueError):
    """Bitcode for a machine other than BareFlow's."""

    exit_code = EXIT_FAILED


class LoweringError(BfimgError, ValueError):
    """Bitcode that cannot become a pattern program: the message names the function, the instruction and why."""

    exit_code = EXIT_FAILED


class TrapError(BfimgError, RuntimeError):
    """A program was stopped before it came to its end: a trap, or it ran too long."""

    exit_code = EXIT_FAILED
