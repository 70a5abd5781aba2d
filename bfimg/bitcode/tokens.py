"""LLVM assembly as the shipped LLVM prints it, cut into tokens."""

from __future__ import annotations

import re

from bfimg.errors import FormatError

# In this order: text, names, numbers, words (a word with a colon begins a block), line ends, punctuation.
_TOKEN = re.compile(
    r'c?"[^"]*":?'
    r'|[%@$](?:[-\w.$]+|"[^"]*")'
    r"|![-\w.$]*"
    r"|#[\w.]+"
    r"|0x[KLMHR]?[0-9A-Fa-f]+"
    r"|-?\d+\.\d*(?:[eE][-+]?\d+)?"
    r"|-?\d+(?![\w.:])"
    r"|[-\w.$]+:?"
    r"|\n"
    r"|[=,()\[\]{}<>*|]"
)
_COMMENT = re.compile(r'("[^"\n]*")|[ \t]*;[^\n]*')
_OPENING = {"(": ")", "[": "]", "{": "}", "<": ">"}


def tokens_of(text: str) -> list[str]:
    """All tokens of the text, comments left out; a line end is a token."""
    if ";" in text:
        text = _COMMENT.sub(lambda match: match[1] or "", text)
    return _TOKEN.findall(text)


def unquote(text: str) -> bytes:
    r"""The bytes of a quoted token; ``\\`` is a backslash and ``\hh`` a byte in hexadecimal."""
    inner = text[text.index('"') + 1 : text.rindex('"')]
    if "\\" not in inner:
        return inner.encode("utf-8", "surrogateescape")
    raw = inner.encode("utf-8", "surrogateescape")
    return re.sub(rb"\\(\\|[0-9A-Fa-f]{2})", lambda m: b"\\" if m[1] == b"\\" else bytes((int(m[1], 16),)), raw)


class Cursor:
    """Walks over tokens. Past the last one it reads line ends."""

    __slots__ = ("position", "tokens")

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = [*tokens, "\n", "\n"]
        self.position = 0

    @property
    def peek(self) -> str:
        """The next token, which stays."""
        return self.tokens[self.position]

    @property
    def at_end(self) -> bool:
        """No token is left."""
        return self.position >= len(self.tokens) - 2

    def take(self) -> str:
        """The next token."""
        token = self.tokens[self.position]
        if self.position < len(self.tokens) - 1:
            self.position += 1
        return token

    def accept(self, token: str) -> bool:
        """Take the next token when it is this one."""
        if self.tokens[self.position] != token:
            return False
        self.position += 1
        return True

    def expect(self, token: str) -> None:
        """Take this token. Raises FormatError when another one comes."""
        if not self.accept(token):
            raise unexpected(self, repr(token))

    def skip_line(self) -> None:
        """Go behind the next line end."""
        self.position = self.tokens.index("\n", self.position) + 1
        self.position = min(self.position, len(self.tokens) - 1)

    def skip_group(self) -> list[str]:
        """Take a bracketed group, the opening token next; what stood between the brackets."""
        depth, start = 0, self.position + 1
        while True:
            token = self.take()
            if token in _OPENING:
                depth += 1
            elif token in _OPENING.values():
                depth -= 1
            elif token == "\n" and self.at_end:
                raise unexpected(self, "a closing bracket")
            if depth == 0:
                return self.tokens[start : self.position - 1]


def unexpected(cursor: Cursor, wanted: str) -> FormatError:
    """The error for a token that the assembly of this LLVM should not have here."""
    begin = max(0, cursor.position - 12)
    line = " ".join(cursor.tokens[begin : cursor.position + 1]).split("\n")[-1].strip()
    return FormatError(
        f"LLVM assembly is not understood at {line!r}, {wanted} was expected", hint="use the llvmlite bfimg asks for"
    )
