"""Serial bytes become the same lines however they arrive, and a guest cannot steer the terminal."""

import pytest

from bfimg.boot.serial_text import LineReader, shortened, visible

STREAM = b"one\r\ntwo\r\r\n\ncaf\xc3\xa9 \xc3\x28\rx\nlast"
LINES = ["one", "two", "", "café \\xc3(\rx", "last"]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, len(STREAM)])
def test_lines_do_not_depend_on_how_the_stream_is_split(chunk):
    heard = []
    reader = LineReader(heard.append)
    for start in range(0, len(STREAM), chunk):
        reader.feed(STREAM[start : start + chunk])
    assert reader.lines == LINES[:-1]
    reader.finish()
    assert reader.lines == heard == LINES


def test_a_stream_that_ends_with_a_line_end_has_no_empty_last_line():
    reader = LineReader()
    reader.feed(b"one\n")
    reader.finish()
    assert reader.lines == ["one"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain café ✓", "plain café ✓"),
        ("\x1b[2Jx", "\\x1b[2Jx"),
        ("a\rb\tc\x9b", "a\\rb\\tc\\x9b"),
        ("\u202etxt", "\\u202etxt"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_escaped(text, shown):
    assert visible(text) == shown


def test_long_text_is_cut_and_says_so():
    assert shortened("x" * 160) == "x" * 160
    assert shortened("x" * 161) == "x" * 159 + "…"
    assert len(shortened("\x1b" * 100)) == 160
