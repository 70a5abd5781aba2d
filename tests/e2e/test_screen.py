"""The VGA text screen, read from the machine's memory and from the picture it makes."""

from pathlib import Path

import pytest

COLUMNS, ROWS = 80, 25
TEXT_BUFFER = 0xB8000
GREY, GREEN, WHITE = 0x07, 0x0A, 0x0F

# What each name looks like: red, green and blue in the four levels of the Enhanced Graphics Adapter.
PALETTE = {
    "BLACK": (0, 0, 0), "DARK_BLUE": (0, 0, 2), "DARK_GREEN": (0, 2, 0), "DARK_CYAN": (0, 2, 2),
    "DARK_RED": (2, 0, 0), "DARK_MAGENTA": (2, 0, 2), "BROWN": (2, 1, 0), "GREY": (2, 2, 2),
    "DARK_GREY": (1, 1, 1), "BLUE": (1, 1, 3), "GREEN": (1, 3, 1), "CYAN": (1, 3, 3),
    "RED": (3, 1, 1), "MAGENTA": (3, 1, 3), "YELLOW": (3, 3, 1), "WHITE": (3, 3, 3),
}  # fmt: skip
LEVEL = 84  # between two levels, in a picture of 8 bits
FULL_BLOCK = 219  # of code page 437

MAIN = """
#include "bf_formats.h"
#include "console/print.h"
#include "console/serial.h"
#include "machine/io.h"
#include "report/json.h"

void kernel_main(const struct bf_boot_info *info) __attribute__((noreturn));

void kernel_main(const struct bf_boot_info *info)
{
    (void)info;
    serial_init();
    vga_init();
%s
    inb(0x3da);
    outb(0x3c0, 0x30);
    json_begin("ready");
    json_number("mode", inb(0x3c1));
    json_end();
    for (;;)
        __asm__ volatile("hlt");
}
"""


class Screen:
    """Rows of characters and of attributes."""

    def __init__(self, cells: bytes) -> None:
        self.rows = [cells[i : i + 2 * COLUMNS] for i in range(0, len(cells), 2 * COLUMNS)]

    @property
    def text(self) -> list[str]:
        return [row[::2].decode("cp437").rstrip() for row in self.rows]

    def attributes(self, row: int) -> bytes:
        return self.rows[row][1::2]


@pytest.fixture
def screen_of(tmp_path):
    """Function that reads the screen of a machine."""

    def read(machine):
        path = tmp_path / "screen"
        machine.monitor(f'pmemsave {TEXT_BUFFER:#x} {2 * COLUMNS * ROWS} "{path}"')
        return Screen(path.read_bytes())

    return read


@pytest.fixture
def picture_of(tmp_path):
    """Function that gives the colours, one for each cell of the screen, in the middle of it."""

    def read(machine):
        path: Path = tmp_path / "picture.ppm"
        machine.monitor(f'screendump "{path}"')
        kind, size, _depth, pixels = path.read_bytes().split(b"\n", 3)
        width, height = map(int, size.split())
        assert kind == b"P6" and len(pixels) == 3 * width * height

        def colour(row, column):
            x, y = (2 * column + 1) * width // (2 * COLUMNS), (2 * row + 1) * height // (2 * ROWS)
            return tuple(round(value / LEVEL) for value in pixels[3 * (y * width + x) :][:3])

        return colour

    return read


@pytest.fixture
def draw(build_changed, start_machine):
    """Function that runs these C statements after vga_init and gives the machine."""

    def run(statements):
        machine = start_machine(build_changed({"main.c": MAIN % statements}))
        machine.wait_for("ready")
        return machine

    return run


def test_screen_shows_the_last_lines_of_a_run_in_their_colours(start_machine, disk, screen_of):
    machine = start_machine(disk, *(["-device", "e1000"] * 8))  # a line for each
    machine.wait_for("done")
    said = [line.rstrip() for line in machine.lines if not line.startswith("@@")]
    screen = screen_of(machine)
    assert len(said) > ROWS
    assert screen.text == [*said[-(ROWS - 1) :], ""]

    module = next(row for row, text in enumerate(screen.text) if text.startswith("  sum "))
    ok = screen.text[module].index("OK")
    assert screen.attributes(module)[ok : ok + 2] == bytes([GREEN, GREEN])
    assert set(screen.attributes(module)[:ok]) == {GREY}
    passed = next(row for row, text in enumerate(screen.text) if text.startswith("12 passed"))
    assert screen.attributes(passed)[0] == GREEN


def test_lines_beyond_the_last_row_scroll_the_first_away(draw, screen_of):
    machine = draw("""
        vga_set_background(VGA_DARK_BLUE);
        for (unsigned i = 0; i < 60; i++)
            console_print(i % 2 ? VGA_WHITE : VGA_GREEN, "line %u\\n", i);
    """)
    screen = screen_of(machine)
    assert screen.text == [*(f"line {number}" for number in range(36, 60)), ""]
    for row, number in enumerate(range(36, 60)):
        assert screen.attributes(row)[0] == 0x10 | (WHITE if number % 2 else GREEN)
        assert {attribute >> 4 for attribute in screen.attributes(row)} == {1}
    assert {attribute >> 4 for attribute in screen.attributes(ROWS - 1)} == {1}


def test_colours_look_like_their_names(draw, screen_of, picture_of):
    drawing = [
        f"vga_set_colour(VGA_{name}); vga_set_background(VGA_BLACK); vga_put({FULL_BLOCK - 256});"
        f"vga_set_background(VGA_{name}); vga_put(' ');"
        for name in PALETTE
    ]
    machine = draw("\n".join(drawing))
    attributes = screen_of(machine).attributes(0)
    assert list(attributes[: 2 * 16]) == [byte for colour in range(16) for byte in (colour, 17 * colour)]
    colour = picture_of(machine)
    for number, (name, seen) in enumerate(PALETTE.items()):
        assert (colour(0, 2 * number), colour(0, 2 * number + 1)) == (seen, seen), name
    assert not machine.events("ready")[0]["mode"] & 8, "bright backgrounds blink"


def test_clearing_fills_with_the_background_and_goes_home(draw, screen_of):
    machine = draw("""
        for (unsigned i = 0; i < 30; i++)
            console_print(VGA_WHITE, "old\\n");
        vga_set_background(VGA_BROWN);
        vga_clear();
        console_print(VGA_YELLOW, "new");
    """)
    screen = screen_of(machine)
    assert screen.text == ["new", *[""] * (ROWS - 1)]
    assert {attribute >> 4 for row in range(ROWS) for attribute in screen.attributes(row)} == {6}


def test_backspace_moves_back_within_its_line(draw, screen_of):
    machine = draw(r"""
        console_print(VGA_GREY, "abc\b\bX\n");
        console_print(VGA_GREY, "one\n\b\b\btwo\n");
        console_print(VGA_GREY, "typo\b \b\n");
    """)
    assert screen_of(machine).text[:5] == ["aXc", "one", "two", "typ", ""]


def test_line_of_more_than_80_characters_goes_on_in_the_next_row(draw, screen_of):
    machine = draw(f"""
        console_print(VGA_GREY, "%s\\n", "{"0123456789" * 9}");
    """)
    assert screen_of(machine).text[:3] == ["0123456789" * 8, "0123456789", ""]
