#include "console/print.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console/serial.h"
#include "lib/string.h"

#define MAX_DIGITS 20 /* of 2^64 - 1 */

struct layout {
    unsigned width;
    bool zeros;
    bool left;
};

void console_put(char character)
{
    vga_put(character);
    serial_put(character);
}

static void put_padding(print_sink sink, char character, const struct layout *layout, size_t length)
{
    for (size_t i = length; i < layout->width; i++)
        sink(character);
}

static void put_text(print_sink sink, const char *text, size_t length, const struct layout *layout)
{
    if (!layout->left)
        put_padding(sink, layout->zeros ? '0' : ' ', layout, length);
    for (size_t i = 0; i < length; i++)
        sink(text[i]);
    if (layout->left)
        put_padding(sink, ' ', layout, length);
}

static void put_number(print_sink sink, uint64_t value, unsigned base, bool negative, const struct layout *layout)
{
    char digits[MAX_DIGITS + 1];
    char *first = digits + sizeof digits;
    do
        *--first = "0123456789abcdef"[value % base];
    while (value /= base);
    if (negative)
        *--first = '-';
    put_text(sink, first, (size_t)(digits + sizeof digits - first), layout);
}

/* Reads what stands between `%` and the conversion; returns the conversion's place. */
static const char *read_layout(const char *format, struct layout *layout, bool *is_long)
{
    *layout = (struct layout){0};
    for (;; format++) {
        if (*format == '-')
            layout->left = true;
        else if (*format == '0')
            layout->zeros = true;
        else
            break;
    }
    for (; *format >= '0' && *format <= '9'; format++)
        layout->width = layout->width * 10 + (unsigned)(*format - '0');
    *is_long = format[0] == 'l' && format[1] == 'l';
    return *is_long ? format + 2 : format;
}

static void print_list(print_sink sink, const char *format, va_list arguments)
{
    for (; *format; format++) {
        struct layout layout;
        bool is_long;
        if (*format != '%') {
            sink(*format);
            continue;
        }
        format = read_layout(format + 1, &layout, &is_long);
        switch (*format) {
        case 's': {
            const char *text = va_arg(arguments, const char *);
            put_text(sink, text, strlen(text), &layout);
            break;
        }
        case 'c':
            sink((char)va_arg(arguments, int));
            break;
        case 'd': {
            int value = va_arg(arguments, int);
            put_number(sink, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0, &layout);
            break;
        }
        case 'u':
        case 'x': {
            uint64_t value = is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, uint32_t);
            put_number(sink, value, *format == 'x' ? 16 : 10, false, &layout);
            break;
        }
        case '\0':
            return;
        default:
            sink(*format);
        }
    }
}

void print_to(print_sink sink, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_list(sink, format, arguments);
    va_end(arguments);
}

void console_print(enum vga_colour colour, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vga_set_colour(colour);
    print_list(console_put, format, arguments);
    vga_set_colour(VGA_GREY);
    va_end(arguments);
}
