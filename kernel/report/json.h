/*
 * JSON for machines, on COM1 only: events, which are a line each, and the export, which is one object over many lines.
 * Keys are the kernel's own words. A key of 0 makes an element of an array.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line of BF_LINE_PREFIX and an object: {"event":"...", what is put in between, and the end. */
void json_begin(const char *event);
void json_end(void);

/* The object between the lines BF_EXPORT_BEGIN and BF_EXPORT_END, and the line with its CRC. Its members and each
 * object in an array start a line. */
void json_export_begin(void);
void json_export_end(void);

/* Text may come from disk and is escaped. Bytes from 0x7f on appear as the code points of the same number. */
void json_text(const char *key, const char *text);
void json_number(const char *key, uint64_t value);
/* Keys one behind the other, each ended by NUL and the last by two, for as many numbers. */
void json_numbers(const char *keys, const uint32_t *numbers);
void json_boolean(const char *key, bool value);
void json_hex(const char *key, const uint8_t *bytes, size_t size);
void json_null(const char *key);

/* What is put before the json_close that belongs to it is inside. At most 31 inside one another. */
void json_object(const char *key);
void json_array(const char *key);
void json_close(void);
