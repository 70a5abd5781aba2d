/* Lines for machines: BF_LINE_PREFIX and one JSON object, on COM1 only. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts a line: {"event":"..." */
void json_begin(const char *event);

/* One more member. Keys are the kernel's own words; text may come from disk and is escaped. Bytes from 0x7f on
 * appear as the code points of the same number. */
void json_text(const char *key, const char *text);
void json_number(const char *key, uint64_t value);
void json_boolean(const char *key, bool value);
void json_hex(const char *key, const uint8_t *bytes, size_t size);

void json_end(void);
