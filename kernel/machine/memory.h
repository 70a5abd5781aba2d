/* Physical memory, as the firmware described it to stage 2. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "bf_formats.h"

/* Usable memory in KiB, low memory included. */
uint32_t memory_kib(const struct bf_boot_info *boot);

/* Whether one usable range contains all addresses from `start` up to, not including, `end`. */
bool memory_is_usable(const struct bf_boot_info *boot, uint32_t start, uint32_t end);
