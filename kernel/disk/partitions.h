/* The partition table of a master boot record. */
#pragma once
#include "disk/ata.h"

#define MBR_PARTITIONS 4

struct extent {
    uint32_t lba;
    uint32_t sectors;
};

/* Stores the FAT16 partitions that sector 0 of the drive lists, at most MBR_PARTITIONS; their number in `count`.
 * 0 when the sector is no MBR. Entries that are empty or have an illegal status are passed over. The extents are the
 * table's claim: not checked against the drive. */
enum ata_result partitions_list_fat16(const struct ata_drive *drive, struct extent *extents, unsigned *count);
