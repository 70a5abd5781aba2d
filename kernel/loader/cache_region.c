#include "loader/cache_region.h"

#include "lib/string.h"
#include "report/events.h"

uint32_t cache_sectors(uint32_t size)
{
    return (size + BF_SECTOR_SIZE - 1) / BF_SECTOR_SIZE;
}

static bool is_whole(const struct bf_jit_cache_superblock *block)
{
    return block->crc == bf_crc32(BF_CRC32_START, block, offsetof(struct bf_jit_cache_superblock, crc));
}

static bool is_superblock(const struct bf_jit_cache_superblock *block)
{
    return block->magic == BF_JIT_CACHE_MAGIC && block->version == BF_JIT_CACHE_VERSION && is_whole(block) &&
           block->entry_size == BF_SIZEOF_JIT_CACHE_ENTRY && block->entry_count <= CACHE_ENTRIES_MAX &&
           block->region_sectors <= BF_DISK_JIT_CACHE_SECTORS && block->sequence < UINT32_MAX &&
           (block->index_sector == BF_JIT_CACHE_INDEX_A || block->index_sector == BF_JIT_CACHE_INDEX_B);
}

/* Whether it was never written, or the power failed meanwhile. Anything else that is no superblock is not ours. */
static bool is_unfinished(const struct bf_jit_cache_superblock *block)
{
    uint32_t rest = block->magic == BF_JIT_CACHE_MAGIC ? 0 : block->magic;
    for (unsigned i = 0; i < sizeof block->reserved; i++)
        rest |= block->reserved[i];
    return rest == 0 && !is_whole(block);
}

static struct bf_jit_cache_superblock *find_current(struct bf_jit_cache_superblock blocks[CACHE_SUPERBLOCKS])
{
    struct bf_jit_cache_superblock *current = 0;
    for (unsigned i = 0; i < CACHE_SUPERBLOCKS; i++)
        if (is_superblock(&blocks[i]) && (!current || blocks[i].sequence > current->sequence))
            current = &blocks[i];
    if (current || !is_unfinished(&blocks[0]) || !is_unfinished(&blocks[1]))
        return current;
    /* As if B stood there: A is to be written first. */
    current = memset(&blocks[1], 0, sizeof *current);
    current->magic = BF_JIT_CACHE_MAGIC;
    current->version = BF_JIT_CACHE_VERSION;
    current->entry_size = BF_SIZEOF_JIT_CACHE_ENTRY;
    current->region_sectors = BF_DISK_JIT_CACHE_SECTORS;
    current->index_sector = BF_JIT_CACHE_INDEX_B;
    return current;
}

/* Returns what is wrong, or 0. Without a superblock region->current is 0. */
static const char *find_index(struct cache_region *region, uint8_t *head)
{
    _Static_assert(BF_JIT_CACHE_SUPERBLOCK_A == 0 && BF_JIT_CACHE_SUPERBLOCK_B == 1, "an array at the start");
    region->blocks = (struct bf_jit_cache_superblock *)head;
    const struct bf_jit_cache_superblock *current = region->current = find_current(region->blocks);
    if (!current)
        return "no valid superblock";
    region->entries = (struct bf_jit_cache_entry *)(head + current->index_sector * BF_SECTOR_SIZE);
    uint32_t size = current->entry_count * BF_SIZEOF_JIT_CACHE_ENTRY;
    if (current->index_crc != bf_crc32(BF_CRC32_START, region->entries, size))
        return "index CRC is wrong";
    region->count = current->entry_count;
    return 0;
}

bool cache_region_read(struct cache_region *region, const struct ata_drive *drive, void *head)
{
    if (drive->sectors < BF_DISK_JIT_CACHE_LBA + BF_DISK_JIT_CACHE_SECTORS)
        return false;
    const char *problem = "the disk could not be read";
    *region = (struct cache_region){.drive = drive};
    if (ata_read(drive, BF_DISK_JIT_CACHE_LBA, BF_JIT_CACHE_CODE, head) == ATA_OK)
        problem = find_index(region, head);
    if (problem)
        report_cache_problem("", problem);
    return region->current;
}
