#include "loader/cache_store.h"

#include "lib/string.h"
#include "loader/cached.h"
#include "loader/registry.h"
#include "machine/image.h"
#include "report/events.h"

#define SECTOR_BUFFER (MODULE_ARENA + CACHE_HEAD_BYTES)

_Static_assert(CACHE_HEAD_BYTES + BF_DISK_JIT_CACHE_SECTORS * BF_SECTOR_SIZE <= BF_MEM_MODULE_ARENA_SIZE,
               "superblocks, indexes and the largest code fit in the module arena");

/* Whether the disk has this kernel in its place, and partitions only behind the cache. The first one must be there: a
 * volume without partition table has zeros in place of all. */
static bool has_layout(const struct ata_drive *drive)
{
    struct bf_mbr mbr;
    if (ata_read(drive, BF_DISK_KERNEL_LBA, 1, SECTOR_BUFFER) != ATA_OK ||
        memcmp(SECTOR_BUFFER, &kernel_header, sizeof kernel_header) != 0 || ata_read(drive, 0, 1, &mbr) != ATA_OK)
        return false;
    for (unsigned i = 0; i < sizeof mbr.partitions / sizeof *mbr.partitions; i++)
        if ((i == 0 || mbr.partitions[i].sectors) && mbr.partitions[i].lba_start < BF_DISK_PART1_LBA)
            return false;
    return true;
}

/* Writes bytes, zeros behind them up to the end of the sector. */
static bool write_sectors(const struct cache_store *store, uint32_t sector, const void *bytes, uint32_t size)
{
    uint32_t sectors = cache_sectors(size);
    memset(SECTOR_BUFFER, 0, sectors * BF_SECTOR_SIZE);
    memcpy(SECTOR_BUFFER, bytes, size);
    return ata_write(store->region.drive, BF_DISK_JIT_CACHE_LBA + sector, sectors, SECTOR_BUFFER) == ATA_OK;
}

static bool went_wrong(const struct module *module)
{
    return module->status == MODULE_FAILED || module->status == MODULE_STOPPED || module->status == MODULE_INVALID;
}

/* Of a module that is there, the entry in use is kept. Of one that is not, what could be used: it may come back. */
static bool is_worth_keeping(const struct bf_jit_cache_entry *entry, uint32_t region_sectors)
{
    const struct module *module;
    bool is_there = false;
    for (uint32_t i = 0; (module = registry_active(i)); i++) {
        if (module->source == MODULE_CACHED && module->place.cached.lba == BF_DISK_JIT_CACHE_LBA + entry->code_sector)
            return !went_wrong(module);
        is_there |= strcmp(module->name, (const char *)entry->module_name) == 0;
    }
    return !is_there && !cached_find_flaw(entry, region_sectors);
}

bool cache_store_begin(struct cache_store *store, const struct ata_drive *boot_drive)
{
    struct cache_region *region = &store->region;
    if (!cache_region_read(region, boot_drive, MODULE_ARENA))
        return false;
    if (!has_layout(boot_drive)) {
        report_cache_problem("", "other data in its place");
        return false;
    }
    store->kept = 0;
    for (uint32_t i = 0; i < region->count; i++)
        if (is_worth_keeping(&region->entries[i], region->current->region_sectors))
            region->entries[store->kept++] = region->entries[i];
    store->changed = store->kept < region->count;
    region->count = store->kept;
    return true;
}

/* First of so many sectors that no entry has code in, 0 when there are none. */
static uint32_t find_room(const struct cache_region *region, uint32_t sectors)
{
    uint32_t start = BF_JIT_CACHE_CODE;
    for (uint32_t i = 0; i < region->count; i++) {
        const struct bf_jit_cache_entry *entry = &region->entries[i];
        uint32_t end = entry->code_sector + cache_sectors(entry->code_size);
        if (entry->code_sector < start + sectors && start < end) {
            start = end;
            i = UINT32_MAX; /* look at all again */
        }
    }
    return start + sectors <= region->current->region_sectors ? start : 0;
}

void cache_store_add(struct cache_store *store, const struct bf_jit_cache_entry *entry, const void *code)
{
    struct cache_region *region = &store->region;
    const char *problem = "no room";
    uint32_t sector = region->count < CACHE_ENTRIES_MAX ? find_room(region, cache_sectors(entry->code_size)) : 0;
    if (sector) {
        struct bf_jit_cache_entry *added = &region->entries[region->count];
        *added = *entry;
        memcpy(added->kernel_build_id, kernel_header.build_id, sizeof added->kernel_build_id);
        added->code_sector = sector;
        added->code_crc = bf_crc32(BF_CRC32_START, code, entry->code_size);
        added->crc = bf_crc32(BF_CRC32_START, added, offsetof(struct bf_jit_cache_entry, crc));
        if (write_sectors(store, sector, code, entry->code_size)) {
            region->count++;
            store->changed = true;
            return;
        }
        problem = "the disk could not be written";
    }
    report_cache_problem((const char *)entry->module_name, problem);
}

void cache_store_commit(struct cache_store *store)
{
    struct cache_region *region = &store->region;
    const struct bf_jit_cache_superblock *current = region->current;
    uint32_t size = region->count * BF_SIZEOF_JIT_CACHE_ENTRY, room = CACHE_ENTRIES_MAX * BF_SIZEOF_JIT_CACHE_ENTRY;
    if (!store->changed)
        return;
    memset(&region->entries[region->count], 0, room - size);
    uint32_t sector = current == region->blocks; /* of the other one */
    struct bf_jit_cache_superblock *next = &region->blocks[sector];
    *next = *current;
    next->sequence++;
    next->index_sector = BF_JIT_CACHE_INDEX_A + BF_JIT_CACHE_INDEX_B - current->index_sector;
    next->entry_count = region->count;
    next->index_crc = bf_crc32(BF_CRC32_START, region->entries, size);
    memcpy(next->kernel_build_id, kernel_header.build_id, sizeof next->kernel_build_id);
    next->crc = bf_crc32(BF_CRC32_START, next, offsetof(struct bf_jit_cache_superblock, crc));
    if (write_sectors(store, next->index_sector, region->entries, room) &&
        write_sectors(store, sector, next, sizeof *next))
        report_cache(next->sequence, region->count, region->entries + store->kept, region->count - store->kept);
    else
        report_cache_problem("", "the disk could not be written");
}
