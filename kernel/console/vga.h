/* VGA text mode, 80 x 25. */
#pragma once
#include <stdint.h>

enum vga_colour {
    VGA_GREEN = 0x0a,
    VGA_RED = 0x0c,
    VGA_YELLOW = 0x0e,
    VGA_WHITE = 0x0f,
    VGA_GREY = 0x07,
};

void vga_init(void);

/* Colour of what is put next, on black. */
void vga_set_colour(enum vga_colour colour);

/* Writes at the cursor, which moves on; knows "\n" and scrolls. */
void vga_put(char character);
