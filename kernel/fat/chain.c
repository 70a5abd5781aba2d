/* Cluster chains: the allocation table, read through a cache of one sector. */
#include "fat/internal.h"

enum fat_result fat_next_cluster(struct fat_volume *volume, uint32_t cluster, uint32_t *next)
{
    uint32_t sector = cluster / FAT_SECTOR_ENTRIES;
    if (sector != volume->cached_fat_sector) {
        volume->cached_fat_sector = CACHE_EMPTY; /* until the read has succeeded */
        enum fat_result result = fat_read_sectors(volume, volume->fat_lba + sector, 1, volume->fat_cache);
        if (result != FAT_OK)
            return result;
        volume->cached_fat_sector = sector;
    }
    *next = volume->fat_cache[cluster % FAT_SECTOR_ENTRIES];
    return FAT_OK;
}

bool fat_is_data_cluster(const struct fat_volume *volume, uint32_t cluster)
{
    return cluster >= BF_FAT_FIRST_CLUSTER && cluster - BF_FAT_FIRST_CLUSTER < volume->clusters;
}

uint32_t fat_cluster_lba(const struct fat_volume *volume, uint32_t cluster)
{
    return volume->data_lba + (cluster - BF_FAT_FIRST_CLUSTER) * volume->cluster_sectors;
}
