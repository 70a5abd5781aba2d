#include "fat/fat16.h"
#include "fat/internal.h"
#include "lib/string.h"

#define ENTRIES_IN_SECTOR (BF_SECTOR_SIZE / BF_SIZEOF_FAT_DIRECTORY_ENTRY)
#define BASE_SIZE 8
#define EXTENSION_SIZE 3

void fat_root(struct fat_volume *volume, struct fat_directory *directory)
{
    directory->volume = volume;
    directory->next = 0;
}

/* The name as people write it: NAME.EXT; a label, which may fill all 11 bytes, without the dot. */
static void convert(const struct bf_fat_directory_entry *raw, struct fat_entry *entry)
{
    uint8_t name[BASE_SIZE + EXTENSION_SIZE];
    memcpy(name, raw->name, sizeof name);
    if (name[0] == BF_FAT_ENTRY_KANJI_E5)
        name[0] = BF_FAT_ENTRY_FREE;
    entry->attributes = raw->attributes;
    entry->first_cluster = raw->first_cluster_low;
    entry->size = raw->file_size;
    if (raw->attributes & BF_FAT_ATTRIBUTE_VOLUME_ID) {
        fat_copy_trimmed(entry->name, name, sizeof name);
        return;
    }
    char *end = fat_copy_trimmed(entry->name, name, BASE_SIZE);
    if (fat_copy_trimmed(end + 1, name + BASE_SIZE, EXTENSION_SIZE) != end + 1)
        *end = '.';
}

enum fat_result fat_next(struct fat_directory *directory, struct fat_entry *entry)
{
    struct fat_volume *volume = directory->volume;
    while (directory->next < volume->root_entries) {
        uint32_t index = directory->next++;
        if (index % ENTRIES_IN_SECTOR == 0 &&
            ata_read(volume->drive, volume->root_lba + index / ENTRIES_IN_SECTOR, 1, directory->sector) != ATA_OK)
            return FAT_DISK;
        const struct bf_fat_directory_entry *raw = &directory->sector[index % ENTRIES_IN_SECTOR];
        if (raw->name[0] == BF_FAT_ENTRY_END)
            break;
        bool long_name = (raw->attributes & BF_FAT_ATTRIBUTE_LONG_NAME) == BF_FAT_ATTRIBUTE_LONG_NAME;
        if (raw->name[0] == BF_FAT_ENTRY_FREE || long_name)
            continue;
        convert(raw, entry);
        return FAT_OK;
    }
    directory->next = volume->root_entries; /* stays at the end */
    return FAT_END;
}

bool fat_is_file(const struct fat_entry *entry)
{
    return !(entry->attributes & (BF_FAT_ATTRIBUTE_VOLUME_ID | BF_FAT_ATTRIBUTE_DIRECTORY));
}

enum fat_result fat_find(struct fat_volume *volume, const char *name, struct fat_entry *entry)
{
    struct fat_directory directory;
    enum fat_result result;
    fat_root(volume, &directory);
    while ((result = fat_next(&directory, entry)) == FAT_OK)
        if (fat_is_file(entry) && strcmp(entry->name, name) == 0)
            return FAT_OK;
    return result;
}
