#include "fat/fat16.h"
#include "fat/internal.h"
#include "lib/string.h"

#define ENTRIES_IN_SECTOR (BF_SECTOR_SIZE / BF_SIZEOF_FAT_DIRECTORY_ENTRY)
#define BASE_SIZE 8
#define EXTENSION_SIZE 3
#define ATTRIBUTES 0x3f         /* the other two bits are reserved */
#define MAX_ENTRIES 0x10000u    /* of a directory */
#define AT_END 0xffffffffu      /* place.next behind the last entry */

static enum fat_result visit(struct fat_directory *directory, uint32_t cluster)
{
    if (!fat_is_data_cluster(directory->volume, cluster))
        return FAT_BAD_CLUSTER;
    if (directory->visited) {
        uint8_t *byte = &directory->visited[cluster / 8], bit = (uint8_t)(1 << cluster % 8);
        if (*byte & bit)
            return FAT_LOOP;
        *byte |= bit;
    }
    directory->place.cluster = cluster;
    return FAT_OK;
}

void fat_root(struct fat_volume *volume, struct fat_directory *directory)
{
    directory->volume = volume;
    directory->place = (struct fat_place){0, 0};
    directory->visited = 0;
    directory->loaded_lba = 0;
}

enum fat_result fat_enter(struct fat_directory *directory, uint32_t first_cluster)
{
    enum fat_result result = visit(directory, first_cluster);
    if (result == FAT_OK)
        directory->place.next = 0;
    return result;
}

/* Finds the sector of the next entry, which may be in the next cluster. */
static enum fat_result find_sector(struct fat_directory *directory, uint32_t *lba)
{
    struct fat_volume *volume = directory->volume;
    struct fat_place *place = &directory->place;
    if (place->cluster == 0) {
        *lba = volume->root_lba + place->next / ENTRIES_IN_SECTOR;
        return place->next < volume->root_entries ? FAT_OK : FAT_END;
    }
    uint32_t within = place->next % (volume->cluster_sectors * ENTRIES_IN_SECTOR);
    if (place->next >= MAX_ENTRIES)
        return FAT_LOOP;
    if (within == 0 && place->next) {
        uint32_t next;
        enum fat_result result = fat_next_cluster(volume, place->cluster, &next);
        if (result == FAT_OK)
            result = next >= CHAIN_END ? FAT_END : visit(directory, next);
        if (result != FAT_OK)
            return result;
    }
    *lba = fat_cluster_lba(volume, place->cluster) + within / ENTRIES_IN_SECTOR;
    return FAT_OK;
}

/* The next slot, whatever is in it. */
static enum fat_result next_slot(struct fat_directory *directory, const struct bf_fat_directory_entry **raw)
{
    uint32_t lba;
    if (directory->place.next == AT_END)
        return FAT_END;
    enum fat_result result = find_sector(directory, &lba);
    if (result == FAT_OK && lba != directory->loaded_lba) {
        directory->loaded_lba = 0; /* until the read has succeeded */
        result = fat_read_sectors(directory->volume, lba, 1, directory->sector);
        if (result == FAT_OK)
            directory->loaded_lba = lba;
    }
    if (result == FAT_OK) {
        *raw = &directory->sector[directory->place.next++ % ENTRIES_IN_SECTOR];
        if ((*raw)->name[0] == BF_FAT_ENTRY_END)
            result = FAT_END;
    }
    if (result != FAT_OK)
        directory->place.next = AT_END;
    return result;
}

static void lower(char *text, const char *end)
{
    for (; text < end; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

/* The name as people write it: NAME.EXT; a label, which may fill all 11 bytes, without the dot. */
static void convert_short_name(const struct bf_fat_directory_entry *raw, char *text)
{
    uint8_t name[BASE_SIZE + EXTENSION_SIZE];
    memcpy(name, raw->name, sizeof name);
    if (name[0] == BF_FAT_ENTRY_KANJI_E5)
        name[0] = BF_FAT_ENTRY_FREE;
    if (raw->attributes & BF_FAT_ATTRIBUTE_VOLUME_ID) {
        fat_copy_trimmed(text, name, sizeof name);
        return;
    }
    char *base_end = fat_copy_trimmed(text, name, BASE_SIZE), *dot = base_end;
    char *end = fat_copy_trimmed(dot + 1, name + BASE_SIZE, EXTENSION_SIZE);
    if (end != dot + 1)
        *dot = '.';
    if (raw->case_flags & BF_FAT_NAME_CASE_BASE_LOWER)
        lower(text, base_end);
    if (raw->case_flags & BF_FAT_NAME_CASE_EXTENSION_LOWER)
        lower(dot, end);
}

enum fat_result fat_next(struct fat_directory *directory, struct fat_entry *entry)
{
    const struct bf_fat_directory_entry *raw;
    struct long_name long_name = {0};
    enum fat_result result;
    while ((result = next_slot(directory, &raw)) == FAT_OK) {
        if (raw->name[0] == BF_FAT_ENTRY_FREE || raw->name[0] == '.') {
            long_name.parts = 0;
            continue;
        }
        if ((raw->attributes & ATTRIBUTES) == BF_FAT_ATTRIBUTE_LONG_NAME) {
            long_name_add(&long_name, raw, entry->name);
            continue;
        }
        bool is_label = raw->attributes & BF_FAT_ATTRIBUTE_VOLUME_ID;
        if (is_label || !long_name_belongs(&long_name, raw->name, entry->name))
            convert_short_name(raw, entry->name);
        entry->attributes = raw->attributes;
        entry->first_cluster = raw->first_cluster_low;
        entry->size = raw->file_size;
        return FAT_OK;
    }
    return result;
}

bool fat_is_file(const struct fat_entry *entry)
{
    return !(entry->attributes & (BF_FAT_ATTRIBUTE_VOLUME_ID | BF_FAT_ATTRIBUTE_DIRECTORY));
}

bool fat_is_directory(const struct fat_entry *entry)
{
    return (entry->attributes & (BF_FAT_ATTRIBUTE_VOLUME_ID | BF_FAT_ATTRIBUTE_DIRECTORY)) ==
           BF_FAT_ATTRIBUTE_DIRECTORY;
}
