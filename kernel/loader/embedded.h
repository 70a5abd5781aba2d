/* Modules that the build links into the kernel image: whole .mod files. It generates the table, bf_embedded.c. */
#pragma once
#include <stdint.h>

struct embedded_module {
    const uint8_t *data;
    uint32_t size;
};

extern const struct embedded_module bf_embedded[];
extern const uint32_t bf_embedded_count;
