#include "console/serial.h"

#include <stdbool.h>
#include <stdint.h>

#include "console/com1.h"
#include "machine/io.h"

#define POLL_LIMIT 1000000 /* about a second; a character takes 87 microseconds */

static bool given_up;
static bool in_line;

void serial_init(void)
{
    outb(COM1_FIFO_CONTROL, FIFO_ENABLE_CLEARED);
    serial_restore();
}

void serial_restore(void)
{
    outb(COM1_LINE_CONTROL, LINE_DIVISOR_ACCESS);
    outb(COM1_DATA, 1); /* divisor 1: 115200 baud */
    outb(COM1_INTERRUPT_ENABLE, 0);
    outb(COM1_LINE_CONTROL, LINE_8N1);
    outb(COM1_INTERRUPT_ENABLE, 0);
    outb(COM1_MODEM_CONTROL, MODEM_DTR_RTS);
}

/* Once given up, a busy port costs one look a character. */
static bool wait_for(uint8_t status)
{
    for (unsigned poll = 0; poll < (given_up ? 1 : POLL_LIMIT); poll++)
        if (inb(COM1_LINE_STATUS) & status)
            return true;
    given_up = true;
    return false;
}

static void send(char character)
{
    if (wait_for(STATUS_HOLDING_EMPTY))
        outb(COM1_DATA, (uint8_t)character);
}

void serial_put(char character)
{
    if (character == '\n')
        send('\r');
    send(character);
    in_line = character != '\n';
}

void serial_fresh_line(void)
{
    if (in_line)
        serial_put('\n');
}

void serial_drain(void)
{
    wait_for(STATUS_TRANSMITTER_EMPTY);
}

int serial_take(void)
{
    uint8_t status = inb(COM1_LINE_STATUS);
    return status != STATUS_ABSENT && status & STATUS_DATA_READY ? inb(COM1_DATA) : -1;
}
