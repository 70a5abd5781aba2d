"""Scan codes and terminal bytes become keys: every code, in every state that changes its meaning."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

NAMES = ["UP", "DOWN", "LEFT", "RIGHT", "PAGE_UP", "PAGE_DOWN", "HOME", "END"]
KEY = {name: 0x100 + number for number, name in enumerate(NAMES)} | {"ESCAPE": 27, "ENTER": 10, "BACKSPACE": 8}
KEY |= {f"F{number}": 0x100 + len(NAMES) + number - 1 for number in range(1, 13)}

# The rows of a US keyboard, each from its first scan code on.
ROWS = {
    0x29: ("`", "~"),
    0x02: ("1234567890-=", "!@#$%^&*()_+"),
    0x10: ("qwertyuiop[]", "QWERTYUIOP{}"),
    0x1E: ("asdfghjkl;'", 'ASDFGHJKL:"'),
    0x2B: ("\\", "|"),
    0x2C: ("zxcvbnm,./", "ZXCVBNM<>?"),
    0x39: (" ", " "),
    0x37: ("*", "*"),
}
PLAIN = {first + i: character for first, (row, _) in ROWS.items() for i, character in enumerate(row)}
SHIFTED = {first + i: character for first, (_, row) in ROWS.items() for i, character in enumerate(row)}
FUNCTION = {0x3B + i: KEY[f"F{i + 1}"] for i in range(10)} | {0x57: KEY["F11"], 0x58: KEY["F12"]}
SAME_ALWAYS = {0x01: KEY["ESCAPE"], 0x0E: KEY["BACKSPACE"], 0x0F: 9, 0x1C: KEY["ENTER"], **FUNCTION}
MOVES = {
    0x47: "HOME", 0x48: "UP", 0x49: "PAGE_UP", 0x4B: "LEFT", 0x4D: "RIGHT", 0x4F: "END", 0x50: "DOWN",
    0x51: "PAGE_DOWN",
}  # fmt: skip
DIGITS = dict(zip(range(0x47, 0x54), map(ord, "789-456+1230."), strict=True))
LEFT_SHIFT, RIGHT_SHIFT, CAPS_LOCK, NUM_LOCK, EXTENDED, PAUSE = 0x2A, 0x36, 0x3A, 0x45, 0xE0, 0xE1
RELEASE = 0x80


@pytest.fixture(scope="module")
def library(host_library):
    wrapper = """
    #include "console/keyboard.h"
    #include "console/scancodes.h"
    #include "console/terminal_keys.h"
    const uint32_t scancode_state_size = sizeof(struct scancode_state);
    const uint32_t terminal_state_size = sizeof(struct terminal_state);
    """
    return host_library("console/scancodes.c", "console/terminal_keys.c", wrapper=wrapper)


# ---- scan codes ----


@pytest.fixture(scope="module")
def keys_of(library):
    """``keys_of(codes)``: the keys that a keyboard sends with these codes from its reset on."""
    size = ctypes.c_uint32.in_dll(library, "scancode_state_size").value

    def keys(*codes):
        state = ctypes.create_string_buffer(size)
        found = [library.scancode_key(state, ctypes.c_uint8(code)) for code in codes]
        return [key for key in found if key]

    return keys


def expected(code, *, shift=False, caps=False, num=False):
    if code in PLAIN:
        character = PLAIN[code]
        return ord(SHIFTED[code] if shift != (caps and character.isalpha()) else character)
    if code in SAME_ALWAYS:
        return SAME_ALWAYS[code]
    if code in DIGITS and (num or code in (0x4A, 0x4E)):
        return DIGITS[code]
    return KEY[MOVES[code]] if code in MOVES else None


@pytest.mark.parametrize("num", [False, True])
@pytest.mark.parametrize("caps", [False, True])
@pytest.mark.parametrize("shift", [None, LEFT_SHIFT, RIGHT_SHIFT])
def test_every_code_in_every_state(keys_of, shift, caps, num):
    before = [CAPS_LOCK, CAPS_LOCK | RELEASE] * caps + [NUM_LOCK, NUM_LOCK | RELEASE] * num + ([shift] if shift else [])
    for code in range(0x80):
        key = expected(code, shift=bool(shift), caps=caps, num=num)
        assert keys_of(*before, code) == ([key] if key else []), hex(code)
        assert keys_of(*before, code | RELEASE) == [], hex(code)


def test_all_printable_characters_can_be_typed():
    assert {*PLAIN.values(), *SHIFTED.values()} == {chr(code) for code in range(0x20, 0x7F)}


def test_every_extended_code(keys_of):
    for code in range(0x80):
        key = {0x1C: KEY["ENTER"], 0x35: ord("/")}.get(code) or (KEY[MOVES[code]] if code in MOVES else None)
        for before in ((), (LEFT_SHIFT,), (CAPS_LOCK, CAPS_LOCK | RELEASE), (NUM_LOCK, NUM_LOCK | RELEASE)):
            assert keys_of(*before, EXTENDED, code) == ([key] if key else []), hex(code)
        assert keys_of(EXTENDED, code | RELEASE) == []
        if code | RELEASE not in (EXTENDED, PAUSE):
            assert keys_of(EXTENDED, code | RELEASE, 0x1E) == [ord("a")], "the prefix holds for one code"


def test_shifts_are_held_and_released_one_by_one(keys_of):
    a = 0x1E
    assert keys_of(LEFT_SHIFT, a, RIGHT_SHIFT, a, LEFT_SHIFT | RELEASE, a, RIGHT_SHIFT | RELEASE, a) == [*b"AAAa"]


def test_shifts_that_the_keyboard_adds_itself_change_nothing(keys_of):
    """Around a move key while Num Lock is on."""
    sequence = [EXTENDED, LEFT_SHIFT, EXTENDED, 0x48, 0x1E, EXTENDED, LEFT_SHIFT | RELEASE, 0x1E]
    assert keys_of(*sequence) == [KEY["UP"], *b"aa"]


def test_locks_toggle_once_a_press_however_long_it_is(keys_of):
    a, once, released = 0x1E, [CAPS_LOCK] * 5, CAPS_LOCK | RELEASE
    assert keys_of(*once, a, released, a, *once, released, a) == [*b"AAa"]


def test_pause_is_passed_over(keys_of):
    assert keys_of(PAUSE, 0x1D, 0x45, PAUSE, 0x9D, 0xC5, 0x1E, 0x47) == [ord("a"), KEY["HOME"]]


@given(st.binary(max_size=100))
def test_any_codes_are_survived_and_give_known_keys(keys_of, codes):
    assert set(keys_of(*codes)) <= {*KEY.values(), *range(0x20, 0x7F), 9}


# ---- terminal ----


@pytest.fixture(scope="module")
def typed(library):
    """``typed(b"...", b"...")``: the keys of these bytes, with a pause behind each argument."""
    size = ctypes.c_uint32.in_dll(library, "terminal_state_size").value
    put_type = ctypes.CFUNCTYPE(None, ctypes.c_int)

    def keys(*parts):
        state, found = ctypes.create_string_buffer(size), []
        put = put_type(found.append)
        for part in parts:
            for byte in part:
                library.terminal_take(state, ctypes.c_uint8(byte), put)
            library.terminal_pause(state, put)
        return found

    return keys


def test_every_byte_alone(typed):
    special = {0x0D: KEY["ENTER"], 0x7F: KEY["BACKSPACE"], 0x1B: KEY["ESCAPE"]}
    for byte in range(256):
        same = byte in (8, 9, 10) or 0x20 <= byte < 0x7F
        assert typed(bytes([byte])) == ([special.get(byte, byte)] if same or byte in special else []), byte


SEQUENCES = {
    "UP": ["[A", "OA", "[1;5A"], "DOWN": ["[B", "OB"], "RIGHT": ["[C", "OC"], "LEFT": ["[D", "OD"],
    "HOME": ["[H", "OH", "[1~", "[7~"], "END": ["[F", "OF", "[4~", "[8~"], "PAGE_UP": ["[5~", "[5;2~"],
    "PAGE_DOWN": ["[6~"], "F1": ["OP", "[11~"], "F2": ["OQ", "[12~"], "F3": ["OR", "[13~"], "F4": ["OS", "[14~"],
    "F5": ["[15~"], "F6": ["[17~"], "F7": ["[18~"], "F8": ["[19~"], "F9": ["[20~"], "F10": ["[21~"],
    "F11": ["[23~"], "F12": ["[24~"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "sequence"), [(name, text) for name, texts in SEQUENCES.items() for text in texts])
def test_escape_sequence_is_one_key(typed, name, sequence):
    assert typed(b"a\x1b" + sequence.encode() + b"b") == [ord("a"), KEY[name], ord("b")]


@pytest.mark.parametrize("sequence", ["[Z", "[2~", "[3~", "[16~", "[22~", "[25~", "[99~", "[111~", "[~", "[;~", "Oz"])
def test_sequence_without_meaning_is_passed_over(typed, sequence):
    assert typed(b"a\x1b" + sequence.encode() + b"b") == [*b"ab"]


def test_escape_before_another_key_stays_a_key(typed):
    assert typed(b"\x1bx") == [KEY["ESCAPE"], ord("x")]
    assert typed(b"\x1b\x1b[A") == [KEY["ESCAPE"], KEY["UP"]]
    assert typed(b"\x1b", b"[A") == [KEY["ESCAPE"], *b"[A"], "a sequence comes without pauses"


def test_sequence_that_never_ends_is_forgotten(typed):
    assert typed(b"\x1b[12345", b"a") == [ord("a")]
    assert typed(b"\x1b[1\x1b[A") == [KEY["UP"]]


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_any_bytes_are_survived_and_give_known_keys(typed, parts):
    assert set(typed(*parts)) <= {*KEY.values(), *range(0x20, 0x7F), 9}
