#include "fat/fat16.h"
#include "fat/internal.h"
#include "interrupts/timer.h"
#include "lib/string.h"

enum fat_result fat_read_sectors(struct fat_volume *volume, uint32_t lba, uint32_t count, void *buffer)
{
    uint32_t start = timer_ticks();
    enum ata_result result = ata_read(volume->drive, lba, count, buffer);
    volume->milliseconds += timer_ticks() - start;
    if (result != ATA_OK)
        return FAT_DISK;
    volume->bytes_read += count * BF_SECTOR_SIZE;
    return FAT_OK;
}

static bool is_power_of_two(uint32_t value)
{
    return value && !(value & (value - 1));
}

/* Fills in the places of the volume's parts. */
static enum fat_result read_layout(struct fat_volume *volume, const struct bf_fat_boot_sector_16 *boot,
                                   uint32_t available)
{
    uint32_t total = boot->total_sectors_16 ? boot->total_sectors_16 : boot->total_sectors_32;
    uint32_t root_sectors =
        (boot->root_entries * BF_SIZEOF_FAT_DIRECTORY_ENTRY + BF_SECTOR_SIZE - 1) / BF_SECTOR_SIZE;
    /* The fields are 16 bits wide: the sum cannot overflow. */
    uint32_t data = boot->reserved_sectors + boot->fat_count * boot->sectors_per_fat_16 + root_sectors;
    if (data >= total)
        return FAT_BAD_BOOT_SECTOR;
    volume->clusters = (total - data) / boot->sectors_per_cluster;
    if (volume->clusters < BF_FAT16_MIN_CLUSTERS || volume->clusters > BF_FAT16_MAX_CLUSTERS)
        return FAT_NOT_FAT16;
    if (boot->sectors_per_fat_16 * FAT_SECTOR_ENTRIES < volume->clusters + BF_FAT_FIRST_CLUSTER)
        return FAT_BAD_BOOT_SECTOR;
    if (total > available)
        return FAT_OUTSIDE;
    volume->cluster_sectors = boot->sectors_per_cluster;
    volume->root_entries = boot->root_entries;
    volume->fat_lba = volume->lba + boot->reserved_sectors;
    volume->root_lba = volume->lba + data - root_sectors;
    volume->data_lba = volume->lba + data;
    return FAT_OK;
}

enum fat_result fat_mount(struct fat_volume *volume, const struct ata_drive *drive, uint32_t lba, uint32_t sectors)
{
    struct bf_fat_boot_sector_16 boot;
    if (lba >= drive->sectors)
        return FAT_OUTSIDE;
    uint32_t available = drive->sectors - lba < sectors ? drive->sectors - lba : sectors;
    volume->drive = drive;
    volume->lba = lba;
    volume->bytes_read = 0;
    volume->milliseconds = 0;
    volume->cached_fat_sector = CACHE_EMPTY;
    enum fat_result result = fat_read_sectors(volume, lba, 1, &boot);
    if (result != FAT_OK)
        return result;
    if (boot.signature != BF_BOOT_SIGNATURE || boot.bytes_per_sector != BF_SECTOR_SIZE ||
        !is_power_of_two(boot.sectors_per_cluster))
        return FAT_NOT_FAT;
    if (boot.sectors_per_fat_16 == 0 || boot.root_entries == 0) /* as on FAT32 */
        return FAT_NOT_FAT16;
    if (boot.reserved_sectors == 0 || boot.fat_count == 0 || boot.fat_count > BF_MAX_FATS)
        return FAT_BAD_BOOT_SECTOR;
    volume->label[0] = '\0';
    if (boot.boot_signature == BF_FAT_EXTENDED_BOOT_SIGNATURE)
        fat_copy_trimmed(volume->label, boot.volume_label, sizeof boot.volume_label);
    return read_layout(volume, &boot, available);
}

char *fat_copy_trimmed(char *to, const uint8_t *from, unsigned size)
{
    while (size && from[size - 1] == ' ')
        size--;
    for (; size; size--, from++)
        *to++ = *from >= ' ' && *from <= '~' ? (char)*from : '?';
    *to = '\0';
    return to;
}

const char *fat_result_text(enum fat_result result)
{
    static const char *const texts[] = {
        [FAT_OK] = "no error",
        [FAT_END] = "no such file",
        [FAT_DISK] = "the disk could not be read",
        [FAT_NOT_FAT] = "no FAT boot sector",
        [FAT_BAD_BOOT_SECTOR] = "the boot sector contradicts itself",
        [FAT_NOT_FAT16] = "not FAT16: wrong number of clusters",
        [FAT_OUTSIDE] = "the volume is larger than its partition or disk",
        [FAT_TOO_LARGE] = "the file is too large",
        [FAT_BAD_CLUSTER] = "the cluster chain points at no data cluster",
        [FAT_CHAIN_SHORT] = "the cluster chain ends before the file",
        [FAT_CHAIN_LONG] = "the cluster chain does not end with the file",
        [FAT_LOOP] = "a directory that was read already stands here again",
        [FAT_TOO_DEEP] = "directories are nested too deep",
    };
    return texts[result];
}
