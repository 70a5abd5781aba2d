"""People see neither the lines for machines nor the export, whatever pieces the stream comes in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimg.boot.people_text import LiveText, PeopleFilter

STREAM = b"""hello\r
@@ {"event":"boot"}\r
@@ {oops\r
--- BEGIN JSON ---\r
{"schema_version":1}\r
--- END JSON ---\r
--- CRC32 01234567 ---\r
--- done\r
\r
choose: """
SEEN = "hello\n@@ {oops\n--- done\n\nchoose: "


def live(*pieces: bytes) -> str:
    shown: list[str] = []
    text = LiveText(shown.append)
    for piece in pieces:
        text.feed(piece)
    return "".join(shown)


def test_complete_lines_are_told_apart():
    wants = PeopleFilter().wants
    lines = STREAM.decode().replace("\r", "").split("\n")
    assert "\n".join(line for line in lines if wants(line)) == SEEN


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_a_stream_in_pieces_shows_the_same(cuts):
    places = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(places)]
    assert live(*pieces).replace("\r", "") == SEEN


def test_a_prompt_is_shown_before_its_line_ends():
    assert live(b"choose: ") == "choose: "
    assert live(b"-") == ""
    assert live(b"-", b"x") == "-x"
    assert live(b"ab", b"c\n") == "abc\n"


def test_an_export_that_was_cut_does_not_hide_what_follows():
    assert live(b'--- BEGIN JSON ---\n{"a":\n@@ {"event":"fault"}\nregisters\n') == "registers\n"


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"\x1b[2J", "\\x1b[2J"),
        (b"ab\b \b\tc\rd", "ab\b \b\tc\rd"),
        ("caf\u00e9".encode(), "caf\u00e9"),
        (b"\xff", "\\xff"),
        ("\u202e".encode(), "\\u202e"),
    ],
)
def test_a_guest_moves_the_cursor_but_steers_nothing(data, seen):
    assert live(data) == seen
    assert live(*(bytes([byte]) for byte in data)) == seen
