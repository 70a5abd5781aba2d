/*
 * FAT16 volumes, read only. Microsoft FAT Specification (2005). Nothing on the volume is trusted: every number is
 * checked before it is used, and no walk is longer than the volume or the file it belongs to.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "bf_formats.h"
#include "disk/ata.h"

#define FAT_NAME_SIZE 13  /* "FILENAME.EXT" and NUL */
#define FAT_LABEL_SIZE 12 /* 11 characters and NUL */

enum fat_result {
    FAT_OK,
    FAT_END,             /* no more entries; no such file */
    FAT_DISK,            /* the disk could not be read */
    FAT_NOT_FAT,         /* no FAT boot sector */
    FAT_BAD_BOOT_SECTOR, /* a boot sector that contradicts itself */
    FAT_NOT_FAT16,       /* the cluster count makes it another FAT type */
    FAT_OUTSIDE,         /* the volume is larger than its partition or disk */
    FAT_TOO_LARGE,       /* the file does not fit in the buffer */
    FAT_BAD_CLUSTER,     /* the chain points at something that is no data cluster */
    FAT_CHAIN_SHORT,     /* the chain ends before the file */
    FAT_CHAIN_LONG,      /* the chain goes on behind the file's end, perhaps for ever */
};

struct fat_volume {
    const struct ata_drive *drive;
    uint32_t lba;      /* of the boot sector; the other places are absolute, too */
    uint32_t fat_lba;  /* first FAT */
    uint32_t root_lba;
    uint32_t data_lba; /* first data cluster */
    uint32_t root_entries;
    uint32_t cluster_sectors;
    uint32_t clusters;
    char label[FAT_LABEL_SIZE]; /* from the boot sector; the root directory's counts more */
    uint32_t cached_fat_sector; /* sector of the FAT in `fat_cache`, from 0; CACHE_EMPTY for none */
    uint16_t fat_cache[BF_SECTOR_SIZE / 2];
};

struct fat_entry {
    char name[FAT_NAME_SIZE];
    uint8_t attributes; /* bits of BF_FAT_ATTRIBUTE_* */
    uint16_t first_cluster;
    uint32_t size;
};

/* A place in the root directory. */
struct fat_directory {
    struct fat_volume *volume;
    uint32_t next; /* index of the next entry */
    struct bf_fat_directory_entry sector[BF_SECTOR_SIZE / BF_SIZEOF_FAT_DIRECTORY_ENTRY];
};

/* Mounts the volume that begins at `lba`; it may use `sectors` sectors. The drive must outlive the volume. */
enum fat_result fat_mount(struct fat_volume *volume, const struct ata_drive *drive, uint32_t lba, uint32_t sectors);

/* Walks the root directory: FAT_OK and the next entry, FAT_END behind the last. Deleted entries and long names are
 * passed over; the volume label, directories and files come. */
void fat_root(struct fat_volume *volume, struct fat_directory *directory);
enum fat_result fat_next(struct fat_directory *directory, struct fat_entry *entry);

/* Whether the entry is a file: neither label nor directory. */
bool fat_is_file(const struct fat_entry *entry);

/* Finds a file in the root directory by its 8.3 name in capitals; FAT_END when there is none. */
enum fat_result fat_find(struct fat_volume *volume, const char *name, struct fat_entry *entry);

/* Reads the whole file. `capacity` is a multiple of the sector size; the buffer is written in whole sectors. */
enum fat_result fat_read_file(struct fat_volume *volume, const struct fat_entry *entry, void *buffer,
                              uint32_t capacity);

/* The result in words, for reports. */
const char *fat_result_text(enum fat_result result);
