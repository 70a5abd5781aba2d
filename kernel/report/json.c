#include "report/json.h"

#include "bf_formats.h"
#include "console/print.h"
#include "console/serial.h"
#include "lib/string.h"

static print_sink sink;
static uint32_t crc;     /* of what put_exported sent */
static bool in_export;
static uint32_t closers; /* bit for each open object and array, the innermost lowest: 1 for an array, then a 1 as end */
static bool comma;       /* something stands before what comes next */

static void put_exported(char character)
{
    crc = bf_crc32(crc, &character, 1);
    serial_put(character);
}

static void put_quoted(const char *text)
{
    sink('"');
    for (; *text; text++) {
        uint8_t byte = (uint8_t)*text;
        if (byte == '"' || byte == '\\')
            print_to(sink, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            print_to(sink, "\\u%04x", byte);
        else
            sink(*text);
    }
    sink('"');
}

static bool is_outermost(void)
{
    return closers < 4; /* one object, and the end */
}

/* What stands before a value. */
static void put_key(const char *key)
{
    if (comma)
        sink(',');
    comma = true;
    if (in_export && is_outermost())
        sink('\n');
    if (key)
        print_to(sink, "\"%s\":", key);
}

static void open(char bracket, uint32_t is_array)
{
    sink(bracket);
    closers = closers << 1 | is_array;
    comma = false;
}

static void start(print_sink to, bool is_export)
{
    sink = to;
    in_export = is_export;
    closers = 1;
    open('{', 0);
}

void json_begin(const char *event)
{
    serial_fresh_line();
    print_to(serial_put, "%s", BF_LINE_PREFIX);
    start(serial_put, false);
    json_text("event", event);
}

void json_end(void)
{
    json_close();
    sink('\n');
}

void json_export_begin(void)
{
    serial_fresh_line();
    print_to(serial_put, "%s\n", BF_EXPORT_BEGIN);
    crc = BF_CRC32_START;
    start(put_exported, true);
}

void json_export_end(void)
{
    sink('\n');
    json_end();
    print_to(serial_put, "%s\n%s%08x ---\n", BF_EXPORT_END, BF_EXPORT_CRC, crc);
}

void json_text(const char *key, const char *text)
{
    put_key(key);
    put_quoted(text);
}

void json_number(const char *key, uint64_t value)
{
    put_key(key);
    print_to(sink, "%llu", (unsigned long long)value);
}

void json_numbers(const char *keys, const uint32_t *numbers)
{
    for (; *keys; keys += strlen(keys) + 1)
        json_number(keys, *numbers++);
}

void json_boolean(const char *key, bool value)
{
    put_key(key);
    print_to(sink, value ? "true" : "false");
}

void json_hex(const char *key, const uint8_t *bytes, size_t size)
{
    put_key(key);
    sink('"');
    for (size_t i = 0; i < size; i++)
        print_to(sink, "%02x", bytes[i]);
    sink('"');
}

void json_null(const char *key)
{
    put_key(key);
    print_to(sink, "null");
}

void json_object(const char *key)
{
    put_key(key);
    if (in_export && !key)
        sink('\n');
    open('{', 0);
}

void json_array(const char *key)
{
    put_key(key);
    open('[', 1);
}

void json_close(void)
{
    sink(closers & 1 ? ']' : '}');
    closers >>= 1;
    comma = true;
}
