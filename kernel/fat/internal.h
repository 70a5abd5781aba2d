/* Shared by the files in fat/ only. */
#pragma once
#include "fat/fat16.h"

#define FAT_SECTOR_ENTRIES (BF_SECTOR_SIZE / 2u) /* entries of a FAT in one sector */
#define CACHE_EMPTY 0xffffffffu

/* Copies without trailing blanks, adds NUL, returns its place. */
char *fat_copy_trimmed(char *to, const uint8_t *from, unsigned size);
