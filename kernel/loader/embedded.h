/* Modules that are part of the kernel image: whole `.mod` files, put there by the build (key `embedded` of a layout). */
#pragma once
#include <stdint.h>

struct embedded_module {
    const uint8_t *data;
    uint32_t size;
};

extern const struct embedded_module bf_embedded[];
extern const uint32_t bf_embedded_count;
