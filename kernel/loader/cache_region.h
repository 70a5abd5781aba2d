/* The JIT cache as it stands on the boot disk: superblocks and indexes. Format: jit_cache.py. */
#pragma once
#include <stdbool.h>

#include "bf_formats.h"
#include "disk/ata.h"

#define CACHE_SUPERBLOCKS 2
#define CACHE_ENTRIES_MAX (BF_JIT_CACHE_INDEX_SECTORS * BF_SECTOR_SIZE / BF_SIZEOF_JIT_CACHE_ENTRY)
#define CACHE_HEAD_BYTES (BF_JIT_CACHE_CODE * BF_SECTOR_SIZE) /* all that stands before the code */

struct cache_region {
    const struct ata_drive *drive;
    struct bf_jit_cache_superblock *blocks;  /* CACHE_SUPERBLOCKS */
    struct bf_jit_cache_superblock *current; /* the newer valid one; when there is none, one of sequence 0 made up */
    struct bf_jit_cache_entry *entries;      /* of the current index: room for CACHE_ENTRIES_MAX */
    uint32_t count;                          /* 0 when the index is damaged */
};

/* Reads what stands before the code to `head`, CACHE_HEAD_BYTES, and finds its way in it. False when there is neither a
 * cache nor the room for one, or it cannot be read. What is wrong is reported. */
bool cache_region_read(struct cache_region *region, const struct ata_drive *drive, void *head);

/* Sectors that so many bytes of code take. */
uint32_t cache_sectors(uint32_t size);
