#include "console/vga.h"

#include "lib/string.h"
#include "machine/io.h"

#define COLUMNS 80
#define ROWS 25
#define TEXT_BUFFER ((uint16_t *)0xb8000) /* a cell: character, then colour */
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f

static unsigned row, column;
static enum vga_colour colour;

static uint16_t cell(char character)
{
    return (uint16_t)(colour << 8 | (uint8_t)character);
}

static void clear_row(unsigned which)
{
    for (unsigned i = 0; i < COLUMNS; i++)
        TEXT_BUFFER[which * COLUMNS + i] = cell(' ');
}

static void show_cursor(void)
{
    unsigned position = row * COLUMNS + column;
    outb(CRTC_INDEX, CRTC_CURSOR_HIGH);
    outb(CRTC_DATA, (uint8_t)(position >> 8));
    outb(CRTC_INDEX, CRTC_CURSOR_LOW);
    outb(CRTC_DATA, (uint8_t)position);
}

void vga_init(void)
{
    colour = VGA_GREY;
    for (unsigned i = 0; i < ROWS; i++)
        clear_row(i);
    row = column = 0;
    show_cursor();
}

void vga_set_colour(enum vga_colour wanted)
{
    colour = wanted;
}

static void new_line(void)
{
    column = 0;
    if (++row == ROWS) {
        memmove(TEXT_BUFFER, TEXT_BUFFER + COLUMNS, (ROWS - 1) * COLUMNS * sizeof *TEXT_BUFFER);
        row = ROWS - 1;
        clear_row(row);
    }
    show_cursor(); /* once a line: port writes are slow */
}

void vga_put(char character)
{
    if (character == '\n') {
        new_line();
        return;
    }
    TEXT_BUFFER[row * COLUMNS + column] = cell(character);
    if (++column == COLUMNS)
        new_line();
}
