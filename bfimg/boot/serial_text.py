"""Serial bytes to lines of text, and text from a guest made safe to show."""

from __future__ import annotations

from collections.abc import Callable


class LineReader:
    """Cuts a stream of bytes into lines, in any split of the stream.

    Lines end with LF; CRs before it are dropped. Bytes that are no UTF-8 become ``\\xNN``: nothing is lost or
    refused. `lines` grows as they come; `on_line` is called with each.
    """

    def __init__(self, on_line: Callable[[str], None] | None = None) -> None:
        self.lines: list[str] = []
        self._on_line = on_line
        self._partial = bytearray()

    def feed(self, data: bytes) -> None:
        first, *rest = data.split(b"\n")
        self._partial += first
        for piece in rest:
            self._take()
            self._partial += piece

    def finish(self) -> None:
        """Take what stands after the last line end as a line of its own."""
        if self._partial:
            self._take()

    def _take(self) -> None:
        line = self._partial.rstrip(b"\r").decode("utf-8", "backslashreplace")
        self._partial.clear()
        self.lines.append(line)
        if self._on_line is not None:
            self._on_line(line)


def visible(text: str) -> str:
    """`text` on one line, control and invisible characters escaped: a guest must not steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def shortened(text: str, limit: int = 160) -> str:
    """`visible(text)`, cut to `limit` characters."""
    # Cut first as well: a line from a guest may be megabytes long.
    text = visible(text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 1] + "…"
