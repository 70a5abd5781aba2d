"""QEMU's monitor (QMP, the QEMU Machine Protocol: one JSON object a line), on a socket that only QEMU and we have.

The socket is made before QEMU and inherited by it: no path, nobody else can connect.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from bfimg.errors import ToolError, UsageError

# An answer takes QEMU some milliseconds. A busy host may take longer to start it.
ANSWER_SECONDS = 20.0
# The longest answer, QEMU's description of itself, has some 200 KB.
LINE_MAX = 8 * 1024 * 1024
# How long a key is held down, in milliseconds of the guest's time.
HOLD_MILLISECONDS = 20
# Between the names of keys that are pressed together, as in shift-a.
TOGETHER = "-"


class Monitor:
    """Connection to the monitor of a QEMU that is started with `arguments` and inherits `inherited`.

    QEMU waits before the guest's first instruction until `start`. When QEMU ends, for whatever reason, the monitor is
    `closed`, and what is asked of it does nothing: the exit status of QEMU tells more.
    Its methods raise ToolError when QEMU refuses what is asked, or does not answer within ANSWER_SECONDS.
    """

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.settimeout(ANSWER_SECONDS)
        self._stream = self._ours.makefile("rb")
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in (self._stream, self._ours, self._theirs):
            end.close()

    @property
    def inherited(self) -> int:
        """File descriptor of QEMU's end."""
        return self._theirs.fileno()

    @property
    def arguments(self) -> tuple[str, ...]:
        channel = f"socket,id=monitor,fd={self.inherited}"
        return ("-S", "-chardev", channel, "-mon", "chardev=monitor,mode=control")

    def start(self, keys: Sequence[str]) -> None:
        """Let the guest begin. QEMU must run. Raises UsageError for one of `keys` that this QEMU does not have."""
        self._theirs.close()
        self._read()  # the greeting
        self._command("qmp_capabilities")
        schema = self._command("query-qmp-schema")
        if not self.closed:
            known = _key_names(schema)
            for key in keys:
                _check_key(key, known)
        self._command("cont")

    def press(self, key: str) -> None:
        """Press a key, or several that are joined by TOGETHER, on the guest's keyboard."""
        codes = [{"type": "qcode", "data": name} for name in key.split(TOGETHER)]
        self._command("send-key", {"keys": codes, "hold-time": HOLD_MILLISECONDS})

    def quit(self) -> None:
        """End QEMU."""
        self._command("quit")

    def _command(self, name: str, arguments: dict[str, Any] | None = None) -> Any:
        """What QEMU returns; None when it has ended."""
        if self.closed:
            return None
        request = {"execute": name} if arguments is None else {"execute": name, "arguments": arguments}
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # then reading finds the end
            self._ours.sendall(json.dumps(request).encode() + b"\n")
        while (answer := self._read()) is not None:
            if "error" in answer:
                raise ToolError(f"QEMU's monitor refuses {name}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]
            # Anything else is an event.
        return None

    def _read(self) -> dict[str, Any] | None:
        """The next object; None when QEMU has ended."""
        try:
            line = self._stream.readline(LINE_MAX)
        except TimeoutError:
            raise ToolError(
                f"QEMU's monitor did not answer within {ANSWER_SECONDS:g} s", hint="is this program QEMU?"
            ) from None
        except ConnectionResetError:
            line = b""
        if not line:
            self.closed = True
            return None
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ToolError("QEMU's monitor sent what is no QMP", hint="is this program QEMU?")
        return answer


def _key_names(schema: list[dict[str, Any]]) -> list[str]:
    """The names that QEMU's description of itself gives for a key of send-key.

    In it types are numbered in any order, so they are followed from the command: its argument `keys` is a list of
    variants, of which `qcode` holds one value of an enumeration.
    """
    try:
        types = {entry["name"]: entry for entry in schema}
        keys = _member(types[types["send-key"]["arg-type"]]["members"], "name", "keys")
        variants = types[types[keys["type"]]["element-type"]]["variants"]
        code = types[_member(variants, "case", "qcode")["type"]]
        values = types[_member(code["members"], "name", "data")["type"]]["members"]
        return [value["name"] for value in values]
    except (KeyError, TypeError, StopIteration):
        raise ToolError("this QEMU does not tell the names of its keys", hint="take QEMU 7 or newer") from None


def _member(members: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
    return next(member for member in members if member[key] == value)


def _check_key(key: str, known: Sequence[str]) -> None:
    for name in key.split(TOGETHER):
        if name not in known:
            close = difflib.get_close_matches(name, known)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(known)}"
            raise UsageError(f"QEMU has no key {name!r}", hint=hint)
