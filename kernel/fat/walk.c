#include "fat/fat16.h"
#include "fat/internal.h"
#include "lib/string.h"

void fat_walk_start(struct fat_volume *volume, struct fat_walk *walk)
{
    memset(walk, 0, sizeof *walk);
    fat_root(volume, &walk->directory);
    walk->directory.visited = walk->visited;
}

/* Makes `path` that of this name in the directory; returns its length. */
static uint32_t set_path(struct fat_walk *walk, const char *name)
{
    char *end = walk->path + walk->path_length;
    *end++ = '/';
    size_t length = strlen(name);
    memcpy(end, name, length + 1);
    return walk->path_length + 1 + length;
}

static enum fat_result descend(struct fat_walk *walk, const struct fat_entry *entry, uint32_t path_length)
{
    if (walk->depth == FAT_MAX_DEPTH)
        return FAT_TOO_DEEP;
    struct fat_place place = walk->directory.place;
    enum fat_result result = fat_enter(&walk->directory, entry->first_cluster);
    if (result != FAT_OK)
        return result;
    walk->above[walk->depth].place = place;
    walk->above[walk->depth++].path_length = walk->path_length;
    walk->path_length = path_length;
    return FAT_OK;
}

enum fat_result fat_walk_next(struct fat_walk *walk, struct fat_entry *entry)
{
    for (;;) {
        enum fat_result result = fat_next(&walk->directory, entry);
        if (result == FAT_OK) {
            uint32_t path_length = set_path(walk, entry->name);
            if (!fat_is_directory(entry))
                return FAT_OK;
            result = descend(walk, entry, path_length);
            if (result != FAT_OK)
                return result;
        } else if (result != FAT_END) {
            set_path(walk, "");
            if (walk->depth) /* only the root's path ends in a slash */
                walk->path[walk->path_length] = '\0';
            return result;
        } else if (walk->depth == 0) {
            return FAT_END;
        } else {
            walk->depth--;
            walk->directory.place = walk->above[walk->depth].place;
            walk->path_length = walk->above[walk->depth].path_length;
        }
    }
}
