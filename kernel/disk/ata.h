/* ATA disks on the primary channel: PIO, LBA28. ATA/ATAPI-7 volume 1. */
#pragma once
#include <stdint.h>

#define ATA_DRIVES 2

enum ata_result {
    ATA_OK,
    ATA_ABSENT,   /* no drive, or no controller */
    ATA_NOT_DISK, /* a drive that is not a disk, such as a CD-ROM */
    ATA_NO_LBA,   /* a disk that knows cylinders only */
    ATA_TIMEOUT,  /* the drive stayed busy */
    ATA_ERROR,    /* the drive reported an error */
    ATA_RANGE,    /* sectors behind the end of the disk */
};

struct ata_drive {
    const char *name;   /* "ata0-master" or "ata0-slave" */
    uint8_t select;     /* drive bits of the device register */
    uint8_t multiple;   /* sectors in a block of READ and WRITE MULTIPLE, 1 for plain READ and WRITE SECTORS */
    unsigned resets;    /* resets of the channel up to SET MULTIPLE; after a later one, the plain commands are used */
    uint32_t sectors;   /* LBA28 capacity */
};

/* Identifies drive `index` (0 master, 1 slave) and chooses its block size. */
enum ata_result ata_open(unsigned index, struct ata_drive *drive);

/* Reads `count` sectors into `buffer`. On failure the buffer's content is undefined. */
enum ata_result ata_read(const struct ata_drive *drive, uint32_t lba, uint32_t count, void *buffer);

/* Writes `count` sectors from `buffer`; on success they are on the medium, not only in the drive's cache. On failure
 * any part of them may be written. */
enum ata_result ata_write(const struct ata_drive *drive, uint32_t lba, uint32_t count, const void *buffer);

/* The result in words, for reports. */
const char *ata_result_text(enum ata_result result);
