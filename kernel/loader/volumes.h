/* The FAT16 volumes of all drives: bare ones and partitions, in the order of drives and partition tables. */
#pragma once
#include "fat/fat16.h"
#include "report/events.h"

#define VOLUMES_MAX 8

/* Opens the drives and mounts their volumes. Reports each volume with its files, and what cannot be read. */
void volumes_open(struct totals *totals);

/* 0 behind the last. */
struct fat_volume *volume_at(uint32_t index);

/* Drive 0 (master) or 1 (slave); 0 when it is absent or no disk. */
const struct ata_drive *drive_at(uint32_t index);
