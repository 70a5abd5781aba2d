#include "report/json.h"

#include "bf_formats.h"
#include "console/print.h"
#include "console/serial.h"

static void put_quoted(const char *text)
{
    serial_put('"');
    for (; *text; text++) {
        uint8_t byte = (uint8_t)*text;
        if (byte == '"' || byte == '\\')
            print_to(serial_put, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            print_to(serial_put, "\\u%04x", byte);
        else
            serial_put(*text);
    }
    serial_put('"');
}

void json_begin(const char *event)
{
    serial_fresh_line();
    print_to(serial_put, "%s{\"event\":\"%s\"", BF_LINE_PREFIX, event);
}

void json_text(const char *key, const char *text)
{
    print_to(serial_put, ",\"%s\":", key);
    put_quoted(text);
}

void json_number(const char *key, uint64_t value)
{
    print_to(serial_put, ",\"%s\":%llu", key, (unsigned long long)value);
}

void json_boolean(const char *key, bool value)
{
    print_to(serial_put, ",\"%s\":%s", key, value ? "true" : "false");
}

void json_hex(const char *key, const uint8_t *bytes, size_t size)
{
    print_to(serial_put, ",\"%s\":\"", key);
    for (size_t i = 0; i < size; i++)
        print_to(serial_put, "%02x", bytes[i]);
    serial_put('"');
}

void json_end(void)
{
    print_to(serial_put, "}\n");
}
