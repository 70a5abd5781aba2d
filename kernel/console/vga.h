/* VGA text mode, 80 x 25. */
#pragma once
#include <stdint.h>

enum vga_colour {
    VGA_BLACK,
    VGA_DARK_BLUE,
    VGA_DARK_GREEN,
    VGA_DARK_CYAN,
    VGA_DARK_RED,
    VGA_DARK_MAGENTA,
    VGA_BROWN,
    VGA_GREY,
    VGA_DARK_GREY,
    VGA_BLUE,
    VGA_GREEN,
    VGA_CYAN,
    VGA_RED,
    VGA_MAGENTA,
    VGA_YELLOW,
    VGA_WHITE,
};

/* An empty screen, grey on black. */
void vga_init(void);

/* Colours of what is put next. */
void vga_set_colour(enum vga_colour colour);
void vga_set_background(enum vga_colour background);

/* Fills the screen with the background; the next character stands in the upper left corner. */
void vga_clear(void);

/*
 * Writes where the next character stands, which moves on and scrolls. "\n" begins a line; "\b" moves back, not beyond
 * the first column, and erases nothing. The visible cursor follows at the end of each line.
 */
void vga_put(char character);

/* Moves the visible cursor to where the next character stands. */
void vga_show_cursor(void);
