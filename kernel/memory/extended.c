#include "memory/extended.h"

#include "machine/memory.h"
#include "memory/paging.h"

#define STEP 0x400000u /* what one entry of the page directory maps */

static uint32_t next = BF_EXTENDED_START;
static uint32_t mapped_end = BF_EXTENDED_START;

uint32_t extended_reserve(const struct bf_boot_info *boot, uint32_t size)
{
    uint32_t start = next;
    if (size > UINT32_MAX - STEP - start)
        return 0;
    uint32_t end = start + (size + BF_PAGE_SIZE - 1) / BF_PAGE_SIZE * BF_PAGE_SIZE;
    uint32_t step_end = (end + STEP - 1) / STEP * STEP;
    if (!memory_is_usable(boot, start, end))
        return 0;
    if (step_end > mapped_end) {
        paging_map_extended(mapped_end, step_end - mapped_end);
        mapped_end = step_end;
    }
    next = end;
    return start;
}
