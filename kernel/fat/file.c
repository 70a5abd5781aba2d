#include "fat/fat16.h"
#include "fat/internal.h"

#define CHAIN_END 0xfff8 /* this and higher: the last cluster of a file */

/* The FAT entry of a cluster: the number of the next one, or CHAIN_END. `cluster` is a data cluster. */
static enum fat_result next_cluster(struct fat_volume *volume, uint32_t cluster, uint32_t *next)
{
    uint32_t sector = cluster / FAT_SECTOR_ENTRIES;
    if (sector != volume->cached_fat_sector) {
        volume->cached_fat_sector = CACHE_EMPTY; /* until the read has succeeded */
        if (ata_read(volume->drive, volume->fat_lba + sector, 1, volume->fat_cache) != ATA_OK)
            return FAT_DISK;
        volume->cached_fat_sector = sector;
    }
    *next = volume->fat_cache[cluster % FAT_SECTOR_ENTRIES];
    return FAT_OK;
}

static bool is_data_cluster(const struct fat_volume *volume, uint32_t cluster)
{
    return cluster >= BF_FAT_FIRST_CLUSTER && cluster - BF_FAT_FIRST_CLUSTER < volume->clusters;
}

/*
 * Follows the chain from `first` while its clusters stand side by side, for at most `limit` clusters.
 * Stores the length of the run and the entry behind it.
 */
static enum fat_result find_run(struct fat_volume *volume, uint32_t first, uint32_t limit, uint32_t *length,
                                uint32_t *next)
{
    uint32_t cluster = first;
    *length = 0;
    do {
        if (cluster >= CHAIN_END)
            return FAT_CHAIN_SHORT;
        if (!is_data_cluster(volume, cluster))
            return FAT_BAD_CLUSTER;
        enum fat_result result = next_cluster(volume, cluster, next);
        if (result != FAT_OK)
            return result;
        ++*length;
        ++cluster;
    } while (*length < limit && *next == cluster);
    return FAT_OK;
}

enum fat_result fat_read_file(struct fat_volume *volume, const struct fat_entry *entry, void *buffer,
                              uint32_t capacity)
{
    if (entry->size > capacity)
        return FAT_TOO_LARGE;
    uint8_t *to = buffer;
    uint32_t cluster = entry->first_cluster;
    uint32_t sectors = (entry->size + BF_SECTOR_SIZE - 1) / BF_SECTOR_SIZE;
    while (sectors) {
        uint32_t wanted = (sectors + volume->cluster_sectors - 1) / volume->cluster_sectors, length, next;
        enum fat_result result = find_run(volume, cluster, wanted, &length, &next);
        if (result != FAT_OK)
            return result;
        uint32_t count = length * volume->cluster_sectors;
        if (count > sectors) /* the last cluster is seldom full */
            count = sectors;
        uint32_t lba = volume->data_lba + (cluster - BF_FAT_FIRST_CLUSTER) * volume->cluster_sectors;
        if (ata_read(volume->drive, lba, count, to) != ATA_OK)
            return FAT_DISK;
        to += count * BF_SECTOR_SIZE;
        sectors -= count;
        cluster = next;
    }
    if (entry->size && cluster < CHAIN_END)
        return FAT_CHAIN_LONG;
    return FAT_OK;
}
