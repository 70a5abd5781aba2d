#include "console/vga.h"

#include "console/vga_text.h"
#include "lib/string.h"
#include "machine/io.h"

#define TEXT_BUFFER ((uint16_t *)VGA_TEXT)
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f
#define ATTRIBUTE_WRITE 0x3c0 /* takes an index, then a value */
#define ATTRIBUTE_READ 0x3c1
#define ATTRIBUTE_RESET 0x3da /* read: an index comes next */
#define ATTRIBUTE_MODE_INDEX 0x30 /* mode control register; bit 5 leaves the screen on */
#define ATTRIBUTE_MODE_BLINK 0x08 /* the highest bit of a cell blinks, instead of making the background bright */

static unsigned row, column;
static enum vga_colour colour, background;

static uint16_t cell(char character)
{
    return (uint16_t)(background << 12 | colour << 8 | (uint8_t)character);
}

static void clear_row(unsigned which)
{
    for (unsigned i = 0; i < VGA_COLUMNS; i++)
        TEXT_BUFFER[which * VGA_COLUMNS + i] = cell(' ');
}

void vga_show_cursor(void)
{
    unsigned position = row * VGA_COLUMNS + column;
    outb(CRTC_INDEX, CRTC_CURSOR_HIGH);
    outb(CRTC_DATA, (uint8_t)(position >> 8));
    outb(CRTC_INDEX, CRTC_CURSOR_LOW);
    outb(CRTC_DATA, (uint8_t)position);
}

static void make_backgrounds_bright(void)
{
    inb(ATTRIBUTE_RESET);
    outb(ATTRIBUTE_WRITE, ATTRIBUTE_MODE_INDEX);
    outb(ATTRIBUTE_WRITE, inb(ATTRIBUTE_READ) & (uint8_t)~ATTRIBUTE_MODE_BLINK);
}

void vga_init(void)
{
    colour = VGA_GREY;
    background = VGA_BLACK;
    make_backgrounds_bright();
    vga_clear();
}

void vga_set_colour(enum vga_colour wanted)
{
    colour = wanted;
}

void vga_set_background(enum vga_colour wanted)
{
    background = wanted;
}

void vga_clear(void)
{
    for (unsigned i = 0; i < VGA_ROWS; i++)
        clear_row(i);
    row = column = 0;
    vga_show_cursor();
}

static void new_line(void)
{
    column = 0;
    if (++row == VGA_ROWS) {
        memmove(TEXT_BUFFER, TEXT_BUFFER + VGA_COLUMNS, (VGA_ROWS - 1) * VGA_COLUMNS * sizeof *TEXT_BUFFER);
        row = VGA_ROWS - 1;
        clear_row(row);
    }
    vga_show_cursor(); /* once a line: port writes are slow */
}

void vga_put(char character)
{
    if (character == '\n') {
        new_line();
        return;
    }
    if (character == '\b') {
        column -= column > 0;
        return;
    }
    TEXT_BUFFER[row * VGA_COLUMNS + column] = cell(character);
    if (++column == VGA_COLUMNS)
        new_line();
}
