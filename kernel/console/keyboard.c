/*
 * Interrupt 1 and the poll of COM1 both put keys into one ring; the poll does so with interrupts off. The controller is
 * an Intel 8042: IBM Personal System/2 Technical Reference, Keyboard and Auxiliary Device Controller.
 */
#include "console/keyboard.h"

#include <stdint.h>

#include "console/scancodes.h"
#include "console/serial.h"
#include "console/terminal_keys.h"
#include "console/vga.h"
#include "interrupts/pic.h"
#include "interrupts/timer.h"
#include "machine/io.h"

#define DATA_PORT 0x60
#define STATUS_PORT 0x64
#define COMMAND_PORT 0x64
#define OUTPUT_FULL 0x01
#define INPUT_FULL 0x02
#define STATUS_ABSENT 0xff
#define READ_CONFIGURATION 0x20
#define WRITE_CONFIGURATION 0x60
#define DISABLE_MOUSE 0xa7
#define DISABLE_KEYBOARD 0xad
#define ENABLE_KEYBOARD 0xae
#define CONFIGURATION_KEYBOARD_INTERRUPT 0x01
#define CONFIGURATION_MOUSE_INTERRUPT 0x02
#define CONFIGURATION_KEYBOARD_OFF 0x10
#define CONFIGURATION_TRANSLATION 0x40 /* to scan code set 1 */
#define KEYBOARD_ENABLE_SCANNING 0xf4
#define KEYBOARD_ACKNOWLEDGED 0xfa

#define POLL_LIMIT 100000 /* about a tenth of a second */
#define BUFFERED_MAX 32   /* more bytes than controller and keyboard keep */
#define ESCAPE_MS 50      /* the bytes of an escape sequence come faster than this */

#define RING_KEYS 32 /* a power of two */

static uint16_t ring[RING_KEYS];
static uint32_t ring_put, ring_taken; /* how many ever */
static struct scancode_state scancodes;
static struct terminal_state terminal;
static uint32_t terminal_ticks; /* when its last byte came */

static bool ring_is_full(void)
{
    return ring_put - ring_taken == RING_KEYS;
}

/* Keys that nobody takes are dropped. */
static void put_key(int key)
{
    if (!ring_is_full())
        ring[ring_put++ % RING_KEYS] = (uint16_t)key;
}

static void take_scancodes(void)
{
    for (unsigned i = 0; i < BUFFERED_MAX && inb(STATUS_PORT) & OUTPUT_FULL; i++) {
        int key = scancode_key(&scancodes, inb(DATA_PORT));
        if (key)
            put_key(key);
    }
}

static bool wait_for_status(uint8_t bit, uint8_t wanted)
{
    for (unsigned poll = 0; poll < POLL_LIMIT; poll++)
        if ((inb(STATUS_PORT) & bit) == wanted)
            return true;
    return false;
}

static bool send(uint16_t port, uint8_t value)
{
    if (!wait_for_status(INPUT_FULL, 0))
        return false;
    outb(port, value);
    return true;
}

static bool receive(uint8_t *value)
{
    if (!wait_for_status(OUTPUT_FULL, OUTPUT_FULL))
        return false;
    *value = inb(DATA_PORT);
    return true;
}

static void discard_output(void)
{
    for (unsigned i = 0; i < BUFFERED_MAX && inb(STATUS_PORT) & OUTPUT_FULL; i++)
        inb(DATA_PORT);
}

static bool enable_controller(void)
{
    uint8_t configuration;
    if (inb(STATUS_PORT) == STATUS_ABSENT || !send(COMMAND_PORT, DISABLE_KEYBOARD) ||
        !send(COMMAND_PORT, DISABLE_MOUSE))
        return false;
    discard_output();
    if (!send(COMMAND_PORT, READ_CONFIGURATION) || !receive(&configuration))
        return false;
    configuration |= CONFIGURATION_KEYBOARD_INTERRUPT | CONFIGURATION_TRANSLATION;
    configuration &= (uint8_t)~(CONFIGURATION_MOUSE_INTERRUPT | CONFIGURATION_KEYBOARD_OFF);
    return send(COMMAND_PORT, WRITE_CONFIGURATION) && send(DATA_PORT, configuration) &&
           send(COMMAND_PORT, ENABLE_KEYBOARD);
}

static bool enable_keyboard(void)
{
    uint8_t answer;
    if (!send(DATA_PORT, KEYBOARD_ENABLE_SCANNING))
        return false;
    for (unsigned i = 0; i < BUFFERED_MAX && receive(&answer); i++) /* keys may come before the answer */
        if (answer == KEYBOARD_ACKNOWLEDGED)
            return true;
    return false;
}

bool keyboard_init(void)
{
    if (!enable_controller() || !enable_keyboard())
        return false;
    irq_install(IRQ_KEYBOARD, take_scancodes);
    return true;
}

/* With interrupts off. Leaves in the port what the ring has no room for. */
static void poll_com1(void)
{
    int byte;
    while (!ring_is_full() && (byte = serial_take()) >= 0) {
        terminal_take(&terminal, (uint8_t)byte, put_key);
        terminal_ticks = timer_ticks();
    }
    if (timer_ticks() - terminal_ticks >= ESCAPE_MS)
        terminal_pause(&terminal, put_key);
}

static bool poll_keys(void)
{
    poll_com1();
    return ring_put != ring_taken;
}

int wait_key(void)
{
    vga_show_cursor();
    interrupts_off();
    while (!poll_keys())
        interrupts_wait();
    int key = ring[ring_taken++ % RING_KEYS];
    interrupts_on();
    return key;
}
