"""What people see of a serial stream: not the lines for machines, not the export."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from bfimg.boot.serial_protocol import is_event_line
from bfimg.boot.serial_text import visible
from bfimg.formats.boot_protocol import EXPORT_BEGIN, EXPORT_CRC, EXPORT_END, LINE_PREFIX

# Beginnings of lines that may not be for people: these are not shown before they are complete.
_MARKS = (LINE_PREFIX, EXPORT_BEGIN, EXPORT_CRC)
# Characters that move the cursor within the line, which a menu needs.
_MOVES = "\b\r\t"


class PeopleFilter:
    """Tells of one line after the other whether it is for people."""

    def __init__(self) -> None:
        self.in_export = False

    def wants(self, line: str) -> bool:
        """Whether to show the line. Machine lines that are none are shown: something is wrong."""
        if line.startswith(LINE_PREFIX):
            # None stands in an export: it was cut.
            self.in_export = False
            return not is_event_line(line)
        if self.in_export:
            self.in_export = line != EXPORT_END
            return False
        self.in_export = line == EXPORT_BEGIN
        return not (self.in_export or line.startswith(EXPORT_CRC))


class LiveText:
    """Shows a serial stream as it comes, also lines that are not complete yet, as a terminal does.

    show: gets the text. Nothing in it can steer a terminal, but for _MOVES and line ends.
    """

    def __init__(self, show: Callable[[str], object]) -> None:
        self._show = show
        self._filter = PeopleFilter()
        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
        self._line = ""
        self._shown = 0  # characters of the line

    def feed(self, data: bytes) -> None:
        *ended, rest = self._decode(data).split("\n")
        text = []
        for piece in ended:
            self._line += piece
            line = self._line.rstrip("\r")
            if self._shown or self._filter.wants(line):
                text.append(_harmless(line[self._shown :]) + "\n")
            self._line, self._shown = "", 0
        self._line += rest
        if self._shown or not (self._filter.in_export or self._may_be_marked()):
            text.append(_harmless(self._line[self._shown :]))
            self._shown = len(self._line)
        if any(text):
            self._show("".join(text))

    def _may_be_marked(self) -> bool:
        return any(self._line.startswith(mark) or mark.startswith(self._line) for mark in _MARKS)


def _harmless(text: str) -> str:
    return "".join(character if character in _MOVES else visible(character) for character in text)
