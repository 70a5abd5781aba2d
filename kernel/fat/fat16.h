/*
 * FAT16 volumes, read only. Microsoft FAT Specification (2005). Nothing on the volume is trusted: every number is
 * checked before it is used, and no walk is longer than the volume or the file it belongs to.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "bf_formats.h"
#include "disk/ata.h"

#define FAT_NAME_SIZE (BF_FAT_LONG_NAME_MAX + 1) /* a long name and NUL */
#define FAT_LABEL_SIZE 12                        /* 11 characters and NUL */
#define FAT_MAX_DEPTH 8                          /* directories inside one another, the root not counted */
#define FAT_PATH_SIZE ((FAT_MAX_DEPTH + 1) * FAT_NAME_SIZE + 1)
#define FAT_CLUSTERS_END (BF_FAT16_MAX_CLUSTERS + BF_FAT_FIRST_CLUSTER) /* behind the highest cluster number */

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
    FAT_LOOP,            /* a cluster that belongs to two directories, or twice to one */
    FAT_TOO_DEEP,        /* more than FAT_MAX_DEPTH directories inside one another */
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
    uint64_t bytes_read;        /* since it was mounted */
    uint32_t milliseconds;      /* spent in reading them */
    char label[FAT_LABEL_SIZE]; /* from the boot sector; the root directory's counts more */
    uint32_t cached_fat_sector; /* sector of the FAT in `fat_cache`, from 0; CACHE_EMPTY for none */
    uint16_t fat_cache[BF_SECTOR_SIZE / 2];
};

struct fat_entry {
    char name[FAT_NAME_SIZE]; /* the long name, what is not ASCII as '?'; else the 8.3 name */
    uint8_t attributes;       /* bits of BF_FAT_ATTRIBUTE_* */
    uint16_t first_cluster;
    uint32_t size;
};

/* Where a directory is being read. */
struct fat_place {
    uint32_t cluster; /* that the entry before `next` stands in, 0 in the root directory */
    uint32_t next;    /* index of the next entry */
};

struct fat_directory {
    struct fat_volume *volume;
    struct fat_place place;
    uint8_t *visited;    /* one bit for each cluster that a directory was read from; 0 when nobody asks */
    uint32_t loaded_lba; /* sector in `sector`, 0 for none */
    struct bf_fat_directory_entry sector[BF_SECTOR_SIZE / BF_SIZEOF_FAT_DIRECTORY_ENTRY];
};

/* All files of a volume. Large: about 11 KiB. */
struct fat_walk {
    struct fat_directory directory; /* the one being read */
    uint32_t depth;
    struct {
        struct fat_place place;
        uint32_t path_length;
    } above[FAT_MAX_DEPTH]; /* the directories around it */
    char path[FAT_PATH_SIZE]; /* of what came last: "/LIB/my module.mod" */
    uint32_t path_length;     /* of the directory's path, without the last slash */
    uint8_t visited[FAT_CLUSTERS_END / 8 + 1];
};

struct fat_file {
    struct fat_volume *volume; /* 0 when it is closed */
    uint32_t first_cluster;
    uint32_t size;
    uint32_t position; /* of the next byte */
    uint32_t cluster;  /* the one read last... */
    uint32_t index;    /* ...and its number in the file, from 0 */
};

/* Mounts the volume that begins at `lba`; it may use `sectors` sectors. The drive must outlive the volume. */
enum fat_result fat_mount(struct fat_volume *volume, const struct ata_drive *drive, uint32_t lba, uint32_t sectors);

/* Walks one directory: FAT_OK and the next entry, FAT_END behind the last. Deleted entries, "." and ".." are passed
 * over; the volume label, directories and files come. After a failure only FAT_END comes. */
void fat_root(struct fat_volume *volume, struct fat_directory *directory);
enum fat_result fat_next(struct fat_directory *directory, struct fat_entry *entry);

/* Walks the tree: FAT_OK and the next file, or the volume label; FAT_END at the end. Another result concerns the
 * directory that `path` names, and the walk goes on behind it. */
void fat_walk_start(struct fat_volume *volume, struct fat_walk *walk);
enum fat_result fat_walk_next(struct fat_walk *walk, struct fat_entry *entry);

/* Whether the entry is a file: neither label nor directory. */
bool fat_is_file(const struct fat_entry *entry);

/* Opens the file at this path ("/LIB/SUM.MOD"; upper and lower case are the same); FAT_END when there is none. */
enum fat_result fat_open(struct fat_volume *volume, const char *path, struct fat_file *file);

/* Opens the file of an entry. */
void fat_open_entry(struct fat_volume *volume, const struct fat_entry *entry, struct fat_file *file);

/* Reads up to `size` bytes from the position on; `*count` says how many: fewer only at the end of the file. On failure
 * the buffer's content is undefined and the position as before. FAT_END when the file is closed. */
enum fat_result fat_read(struct fat_file *file, void *buffer, uint32_t size, uint32_t *count);

/* Sets the position; false, and nothing done, behind the end of the file. */
bool fat_seek(struct fat_file *file, uint32_t position);

void fat_close(struct fat_file *file);

/* Reads the whole file from its start, and checks that its cluster chain ends where it does. */
enum fat_result fat_read_whole(struct fat_file *file, void *buffer, uint32_t capacity);

/* The result in words, for reports. */
const char *fat_result_text(enum fat_result result);
