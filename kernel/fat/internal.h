/* Shared by the files in fat/ only. */
#pragma once
#include "fat/fat16.h"

#define FAT_SECTOR_ENTRIES (BF_SECTOR_SIZE / 2u) /* entries of a FAT in one sector */
#define CACHE_EMPTY 0xffffffffu
#define CHAIN_END 0xfff8u /* this and higher: the last cluster of a chain */

/* Every read of the volume: counts bytes and time. */
enum fat_result fat_read_sectors(struct fat_volume *volume, uint32_t lba, uint32_t count, void *buffer);

/* The FAT entry of a data cluster: the number of the next one, or CHAIN_END and higher. */
enum fat_result fat_next_cluster(struct fat_volume *volume, uint32_t cluster, uint32_t *next);

bool fat_is_data_cluster(const struct fat_volume *volume, uint32_t cluster);
uint32_t fat_cluster_lba(const struct fat_volume *volume, uint32_t cluster);

/* Starts to read the directory whose first cluster this is. */
enum fat_result fat_enter(struct fat_directory *directory, uint32_t first_cluster);

bool fat_is_directory(const struct fat_entry *entry);

/* Copies without trailing blanks, what is not printable ASCII as '?', adds NUL, returns its place. */
char *fat_copy_trimmed(char *to, const uint8_t *from, unsigned size);

/* The name of an entry from its long-name entries. */
struct long_name {
    uint8_t parts;   /* in all; 0 when there is no name */
    uint8_t missing; /* that have not come yet */
    uint8_t checksum;
};

/* Takes the next long-name entry and stores its characters in `text`. */
void long_name_add(struct long_name *name, const struct bf_fat_directory_entry *raw, char text[FAT_NAME_SIZE]);

/* Whether `text` is the long name of the entry with this 8.3 name. */
bool long_name_belongs(const struct long_name *name, const uint8_t short_name[11], const char *text);
