#include "fat/fat16.h"
#include "fat/internal.h"
#include "lib/string.h"

/* Case does not count in names; only that of ASCII is known here. */
static char upper(char character)
{
    return character >= 'a' && character <= 'z' ? (char)(character - 'a' + 'A') : character;
}

/* Whether the path begins with this name; `*rest` is what follows, at its slash or end. */
static bool starts_with_name(const char *path, const char *name, const char **rest)
{
    for (; *name; path++, name++)
        if (upper(*path) != upper(*name))
            return false;
    *rest = path;
    return *path == '/' || *path == '\0';
}

enum fat_result fat_open(struct fat_volume *volume, const char *path, struct fat_file *file)
{
    struct fat_directory directory;
    struct fat_entry entry;
    enum fat_result result;
    fat_root(volume, &directory);
    while ((result = fat_next(&directory, &entry)) == FAT_OK) {
        const char *rest;
        if (!starts_with_name(path + 1, entry.name, &rest))
            continue;
        if (*rest == '\0' && fat_is_file(&entry)) {
            fat_open_entry(volume, &entry, file);
            return FAT_OK;
        }
        if (*rest == '/' && fat_is_directory(&entry)) {
            path = rest;
            result = fat_enter(&directory, entry.first_cluster);
            if (result != FAT_OK)
                return result;
        }
    }
    return result;
}

void fat_open_entry(struct fat_volume *volume, const struct fat_entry *entry, struct fat_file *file)
{
    *file = (struct fat_file){
        .volume = volume,
        .first_cluster = entry->first_cluster,
        .size = entry->size,
        .cluster = entry->first_cluster,
    };
}

bool fat_seek(struct fat_file *file, uint32_t position)
{
    if (position > file->size)
        return false;
    file->position = position;
    return true;
}

void fat_close(struct fat_file *file)
{
    file->volume = 0;
}

/* Checks a number that stands where a file goes on. */
static enum fat_result check_cluster(const struct fat_volume *volume, uint32_t cluster)
{
    if (cluster >= CHAIN_END)
        return FAT_CHAIN_SHORT;
    return fat_is_data_cluster(volume, cluster) ? FAT_OK : FAT_BAD_CLUSTER;
}

/* Makes the cluster with this number in the file the current one. */
static enum fat_result go_to(struct fat_file *file, uint32_t index)
{
    if (index < file->index) {
        file->index = 0;
        file->cluster = file->first_cluster;
    }
    enum fat_result result = check_cluster(file->volume, file->cluster);
    while (result == FAT_OK && file->index < index) {
        uint32_t next;
        result = fat_next_cluster(file->volume, file->cluster, &next);
        if (result == FAT_OK)
            result = check_cluster(file->volume, next);
        if (result == FAT_OK) {
            file->cluster = next;
            file->index++;
        }
    }
    return result;
}

/* Goes on while the clusters of the chain stand side by side, to at most `limit` clusters with the current one. */
static enum fat_result extend_run(struct fat_file *file, uint32_t limit, uint32_t *length)
{
    for (*length = 1; *length < limit; ++*length) {
        uint32_t next;
        enum fat_result result = fat_next_cluster(file->volume, file->cluster, &next);
        if (result != FAT_OK)
            return result;
        if (next != file->cluster + 1 || !fat_is_data_cluster(file->volume, next))
            break;
        file->cluster = next;
        file->index++;
    }
    return FAT_OK;
}

/* Reads whole sectors, as many as one command can: `size` is at least one sector, the position at the start of one. */
static enum fat_result read_run(struct fat_file *file, void *buffer, uint32_t size, uint32_t *count)
{
    struct fat_volume *volume = file->volume;
    uint32_t within = file->position / BF_SECTOR_SIZE % volume->cluster_sectors, length;
    uint32_t lba = fat_cluster_lba(volume, file->cluster) + within;
    uint32_t sectors = size / BF_SECTOR_SIZE;
    uint32_t wanted = (within + sectors + volume->cluster_sectors - 1) / volume->cluster_sectors;
    enum fat_result result = extend_run(file, wanted, &length);
    if (result != FAT_OK)
        return result;
    uint32_t available = length * volume->cluster_sectors - within;
    if (sectors > available)
        sectors = available;
    *count = sectors * BF_SECTOR_SIZE;
    return fat_read_sectors(volume, lba, sectors, buffer);
}

/* Reads from within a sector, or less than one. */
static enum fat_result read_part(struct fat_file *file, void *buffer, uint32_t size, uint32_t *count)
{
    uint8_t sector[BF_SECTOR_SIZE];
    uint32_t within = file->position / BF_SECTOR_SIZE % file->volume->cluster_sectors;
    uint32_t offset = file->position % BF_SECTOR_SIZE;
    *count = size < BF_SECTOR_SIZE - offset ? size : BF_SECTOR_SIZE - offset;
    uint32_t lba = fat_cluster_lba(file->volume, file->cluster) + within;
    enum fat_result result = fat_read_sectors(file->volume, lba, 1, sector);
    if (result == FAT_OK)
        memcpy(buffer, sector + offset, *count);
    return result;
}

enum fat_result fat_read(struct fat_file *file, void *buffer, uint32_t size, uint32_t *count)
{
    *count = 0;
    if (!file->volume)
        return FAT_END;
    uint32_t start = file->position;
    uint32_t cluster_bytes = file->volume->cluster_sectors * BF_SECTOR_SIZE;
    uint8_t *to = buffer;
    if (size > file->size - start)
        size = file->size - start;
    while (size) {
        uint32_t part;
        enum fat_result result = go_to(file, file->position / cluster_bytes);
        if (result == FAT_OK)
            result = file->position % BF_SECTOR_SIZE || size < BF_SECTOR_SIZE ? read_part(file, to, size, &part)
                                                                             : read_run(file, to, size, &part);
        if (result != FAT_OK) {
            file->position = start;
            return result;
        }
        file->position += part;
        to += part;
        size -= part;
    }
    *count = file->position - start;
    return FAT_OK;
}

enum fat_result fat_read_whole(struct fat_file *file, void *buffer, uint32_t capacity)
{
    uint32_t count, next;
    if (file->size > capacity)
        return FAT_TOO_LARGE;
    fat_seek(file, 0);
    enum fat_result result = fat_read(file, buffer, file->size, &count);
    if (result != FAT_OK || file->size == 0)
        return result;
    result = fat_next_cluster(file->volume, file->cluster, &next);
    if (result == FAT_OK && next < CHAIN_END)
        return FAT_CHAIN_LONG;
    return result;
}
