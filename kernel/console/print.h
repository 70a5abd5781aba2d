/* Formatted text. */
#pragma once
#include "console/vga.h"

/* Where characters go: serial_put, or console_put for people. */
typedef void (*print_sink)(char character);

/* On the screen and on COM1. */
void console_put(char character);

/*
 * printf's %s %c %d %u %x and %llu %llx, with a minimum width, `0` (zeros instead of blanks) and `-` (blanks behind).
 * Other conversions come out as they stand.
 */
void print_to(print_sink sink, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For people: print_to(console_put, ...) in a colour; the screen is grey again afterwards. */
void console_print(enum vga_colour colour, const char *format, ...) __attribute__((format(printf, 2, 3)));
