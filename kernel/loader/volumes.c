#include "loader/volumes.h"

#include "disk/partitions.h"
#include "lib/string.h"
#include "memory/heap.h"

static struct ata_drive drives[ATA_DRIVES];
static bool present[ATA_DRIVES];
static struct fat_volume *volumes[VOLUMES_MAX];
static uint32_t count;

_Static_assert(VOLUMES_MAX == ATA_DRIVES * MBR_PARTITIONS, "room for every volume");

struct fat_volume *volume_at(uint32_t index)
{
    return index < count ? volumes[index] : 0;
}

const struct ata_drive *drive_at(uint32_t index)
{
    return index < ATA_DRIVES && present[index] ? &drives[index] : 0;
}

/* Counts the files and picks up the label, which stands in the root directory. What is wrong further down is seen again
 * when the files are listed. */
static enum fat_result survey(struct fat_volume *volume, uint32_t *files)
{
    struct fat_walk walk;
    struct fat_entry entry;
    enum fat_result result;
    *files = 0;
    fat_walk_start(volume, &walk);
    while ((result = fat_walk_next(&walk, &entry)) != FAT_END) {
        if (result != FAT_OK && walk.depth == 0 && walk.path[1] == '\0')
            return result;
        if (result == FAT_OK && fat_is_file(&entry))
            ++*files;
        else if (result == FAT_OK && walk.depth == 0)
            memcpy(volume->label, entry.name, sizeof volume->label);
    }
    return FAT_OK;
}

static void list_files(struct fat_volume *volume, struct totals *totals)
{
    struct fat_walk walk;
    struct fat_entry entry;
    enum fat_result result;
    fat_walk_start(volume, &walk);
    while ((result = fat_walk_next(&walk, &entry)) != FAT_END) {
        if (result != FAT_OK) {
            report_directory_problem(volume, walk.path, fat_result_text(result));
            totals->invalid++;
        } else if (fat_is_file(&entry)) {
            report_file(walk.path, entry.size);
        }
    }
}

static void take_volume(const struct fat_volume *mounted, struct totals *totals)
{
    struct fat_volume *volume = kernel_allocate(sizeof *volume);
    uint32_t files;
    enum fat_result result = FAT_OK;
    if (volume) {
        *volume = *mounted;
        result = survey(volume, &files);
    }
    if (!volume || result != FAT_OK) {
        const char *problem = volume ? fat_result_text(result) : "no memory for it";
        report_volume_problem(mounted->drive->name, mounted->lba, problem);
        totals->invalid++;
        kernel_free(volume);
        return;
    }
    volumes[count++] = volume;
    totals->volumes++;
    report_volume(volume, files);
    list_files(volume, totals);
}

/* A drive holds one bare volume, or a partition table. */
static void visit_drive(const struct ata_drive *drive, struct totals *totals)
{
    struct fat_volume volume;
    struct extent extents[MBR_PARTITIONS];
    unsigned partitions;
    if (fat_mount(&volume, drive, 0, drive->sectors) == FAT_OK) {
        take_volume(&volume, totals);
        return;
    }
    enum ata_result read = partitions_list_fat16(drive, extents, &partitions);
    if (read != ATA_OK) {
        report_volume_problem(drive->name, 0, ata_result_text(read));
        totals->invalid++;
        return;
    }
    for (unsigned i = 0; i < partitions; i++) {
        enum fat_result mounted = fat_mount(&volume, drive, extents[i].lba, extents[i].sectors);
        if (mounted == FAT_OK) {
            take_volume(&volume, totals);
        } else {
            report_volume_problem(drive->name, extents[i].lba, fat_result_text(mounted));
            totals->invalid++;
        }
    }
}

void volumes_open(struct totals *totals)
{
    for (unsigned i = 0; i < ATA_DRIVES; i++) {
        enum ata_result result = ata_open(i, &drives[i]);
        if (result == ATA_OK) {
            present[i] = true;
            visit_drive(&drives[i], totals);
        } else if (result != ATA_ABSENT && result != ATA_NOT_DISK) {
            report_volume_problem(drives[i].name, 0, ata_result_text(result));
            totals->invalid++;
        }
    }
}
