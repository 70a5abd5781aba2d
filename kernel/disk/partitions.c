#include "disk/partitions.h"

#include <stdbool.h>

#include "bf_formats.h"

_Static_assert(sizeof(((struct bf_mbr *)0)->partitions) == MBR_PARTITIONS * BF_SIZEOF_PARTITION_ENTRY, "partitions");

/* An entry with a status that does not exist is damaged, or no partition table stands there at all. */
static bool is_used(const struct bf_partition_entry *entry)
{
    bool legal = entry->status == BF_PARTITION_STATUS_INACTIVE || entry->status == BF_PARTITION_STATUS_ACTIVE;
    return legal && entry->sectors;
}

static bool is_fat16(uint8_t type)
{
    return type == BF_PARTITION_TYPE_FAT16_SMALL || type == BF_PARTITION_TYPE_FAT16 ||
           type == BF_PARTITION_TYPE_FAT16_LBA;
}

enum ata_result partitions_list_fat16(const struct ata_drive *drive, struct extent *extents, unsigned *count)
{
    struct bf_mbr mbr;
    *count = 0;
    enum ata_result result = ata_read(drive, 0, 1, &mbr);
    if (result != ATA_OK || mbr.signature != BF_BOOT_SIGNATURE)
        return result;
    for (unsigned i = 0; i < MBR_PARTITIONS; i++) {
        const struct bf_partition_entry *entry = &mbr.partitions[i];
        if (is_used(entry) && is_fat16(entry->type))
            extents[(*count)++] = (struct extent){entry->lba_start, entry->sectors};
    }
    return ATA_OK;
}
