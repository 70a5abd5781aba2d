#include "machine/memory.h"

#define E820_USABLE 1
#define E820_ENTRY_COUNTS 1 /* bit 0 of the attributes */

static bool is_usable(const struct bf_e820_entry *range)
{
    return range->type == E820_USABLE && range->attributes & E820_ENTRY_COUNTS;
}

static uint32_t range_count(const struct bf_boot_info *boot)
{
    return boot->e820_count < BF_E820_MAX_ENTRIES ? boot->e820_count : BF_E820_MAX_ENTRIES;
}

uint32_t memory_kib(const struct bf_boot_info *boot)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < range_count(boot); i++)
        if (is_usable(&boot->e820[i]))
            bytes += boot->e820[i].length;
    return (uint32_t)(bytes >> 10);
}

bool memory_is_usable(const struct bf_boot_info *boot, uint32_t start, uint32_t end)
{
    for (uint32_t i = 0; i < range_count(boot); i++) {
        const struct bf_e820_entry *range = &boot->e820[i];
        if (is_usable(range) && range->base <= start && range->length >= end - range->base)
            return true;
    }
    return false;
}
