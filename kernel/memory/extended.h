/* Memory beyond the map, from BF_EXTENDED_START on, for whoever the configuration gives more than the map has. */
#pragma once
#include <stdint.h>

#include "bf_formats.h"

/* Takes `size` bytes, rounded up to pages, and maps them for the kernel. Returns their address, or 0 when the firmware
 * reports no such memory. They are never given back. */
uint32_t extended_reserve(const struct bf_boot_info *boot, uint32_t size);
