"""wait_key on the machine: keys from QEMU's keyboard and bytes on COM1."""

import time

import pytest

MAIN = """
#include "bf_formats.h"
#include "console/com1.h"
#include "console/keyboard.h"
#include "console/serial.h"
#include "console/vga.h"
#include "interrupts/interrupts.h"
#include "interrupts/pic.h"
#include "interrupts/timer.h"
#include "machine/io.h"
#include "memory/paging.h"
#include "report/json.h"

void kernel_main(const struct bf_boot_info *info) __attribute__((noreturn));

static void report(const char *event, uint32_t value)
{
    json_begin(event);
    json_number("value", value);
    json_end();
}

/* Reports each key. After `*` it takes none until half a second after a byte came on COM1. */
void kernel_main(const struct bf_boot_info *info)
{
    (void)info;
    serial_init();
    vga_init();
    paging_init();
    interrupts_init();
    pic_init();
    timer_init();
    bool keyboard = keyboard_init();
    interrupts_on();
    report("keyboard", keyboard);
    for (;;) {
        uint32_t ticks = timer_ticks();
        int key = wait_key();
        report("key", (uint32_t)key);
        report("waited", timer_ticks() - ticks);
        if (key == '*') {
            while (!(inb(COM1_LINE_STATUS) & STATUS_DATA_READY))
                continue;
            for (ticks = timer_ticks(); timer_ticks() - ticks < 500;)
                continue;
            report("ready", 1);
        }
    }
}
"""
# QEMU's names of the keys whose names are not their characters.
NAMES = {
    "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right", ";": "semicolon", "'": "apostrophe",
    "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot", "/": "slash", " ": "spc",
}  # fmt: skip
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./", strict=True))
MOVES = ["up", "down", "left", "right", "pgup", "pgdn", "home", "end"]


def qemu_key(character):
    if character in SHIFTED or character.isupper():
        return "shift-" + qemu_key(SHIFTED.get(character, character.lower()))
    return NAMES.get(character, character)


@pytest.fixture(scope="session")
def key_image(build_changed):
    return build_changed({"main.c": MAIN})


@pytest.fixture
def typing(start_machine, key_image):
    """A machine that reports its keys, and a function that presses keys and gives what wait_key returned."""

    def start(*arguments, **options):
        machine = start_machine(key_image, *arguments, **options)
        machine.wait_for("keyboard")

        def press(*names):
            seen = len(machine.events("key"))
            for number, name in enumerate(names, 1):
                machine.monitor(f"sendkey {name} 1")
                machine.wait_for("key", seen + number)
            return [event["value"] for event in machine.events("key")[seen:]]

        return machine, press

    return start


def test_every_printable_character_can_be_typed(typing):
    machine, press = typing()
    assert machine.events("keyboard")[0]["value"] == 1
    characters = [chr(code) for code in range(0x20, 0x7F) if chr(code) != "*"]  # which makes the kernel busy
    assert press(*map(qemu_key, characters)) == list(map(ord, characters))


def test_keys_that_are_no_characters(typing):
    _, press = typing()
    functions = [f"f{number}" for number in range(1, 13)]
    assert press(*MOVES, *functions) == [0x100 + number for number in range(len(MOVES) + len(functions))]
    assert press("ret", "backspace", "esc", "tab", "kp_enter", "kp_divide") == [10, 8, 27, 9, 10, ord("/")]


def test_locks_change_what_keys_mean(typing):
    machine, press = typing()
    machine.monitor("sendkey caps_lock 1")
    assert press("a", "shift-a", "1") == list(b"Aa1")
    machine.monitor("sendkey num_lock 1")
    assert press("kp_8", "kp_5", "up") == [*b"85", 0x100]


def test_waiting_halts_the_cpu(typing):
    """Half a second without a key: the timer goes on, late on a busy host, and the key ends the wait."""
    machine, press = typing()
    time.sleep(0.5)
    assert "HLT=1" in machine.monitor("info registers")
    press("a")
    assert machine.wait_for("waited")[0]["value"] >= 100


def test_bytes_on_com1_are_keys_too(typing):
    machine, press = typing()
    machine.type(b"hello\r\x7f\x1b[A\x1bOP\x1b[6~")
    keys = [*b"hello", 10, 8, 0x100, 0x108, 0x105]
    assert [event["value"] for event in machine.wait_for("key", len(keys))] == keys
    assert press("z") == [ord("z")]
    machine.type(b"\x1b")
    assert machine.wait_for("key", len(keys) + 2)[-1]["value"] == 27


def test_more_keys_than_are_kept_are_dropped_and_the_rest_stays_in_order(typing):
    machine, press = typing()
    press(qemu_key("*"))
    for number in range(40):
        machine.monitor(f"sendkey {chr(ord('a') + number % 26)} 1")
    machine.type(b"!")
    machine.wait_for("ready")
    machine.monitor("sendkey f1 1")
    keys = [event["value"] for event in machine.wait_for("key", 1 + 32 + 2)]
    kept = [ord("a") + number % 26 for number in range(32)]
    assert keys == [ord("*"), *kept, ord("!"), 0x108], "the port keeps what the ring has no room for"


def test_machine_without_keyboard_controller_still_takes_keys_from_com1(typing):
    machine, _ = typing(machine="pc,i8042=off")
    assert machine.events("keyboard")[0]["value"] == 0
    machine.type(b"x")
    assert machine.wait_for("key")[0]["value"] == ord("x")


def test_default_kernel_boots_without_keyboard_controller(start_machine, kernel_disk):
    assert start_machine(kernel_disk, machine="pc,i8042=off").wait_for("done")[0]["volumes"] == 1
