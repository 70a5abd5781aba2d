#include "disk/ata.h"

#include <stdbool.h>

#include "bf_formats.h"
#include "machine/io.h"

#define PORT_DATA 0x1f0
#define PORT_SECTOR_COUNT 0x1f2
#define PORT_LBA_LOW 0x1f3
#define PORT_LBA_MID 0x1f4
#define PORT_LBA_HIGH 0x1f5
#define PORT_DEVICE 0x1f6
#define PORT_STATUS 0x1f7  /* read */
#define PORT_COMMAND 0x1f7 /* write */
#define PORT_ALTERNATE_STATUS 0x3f6
#define PORT_DEVICE_CONTROL 0x3f6
#define CONTROL_NO_INTERRUPTS 0x02
#define CONTROL_SOFT_RESET 0x04

#define STATUS_ERROR 0x01
#define STATUS_DATA_REQUEST 0x08
#define STATUS_DEVICE_FAULT 0x20
#define STATUS_BUSY 0x80
#define STATUS_FLOATING_BUS 0xff /* nobody answers; some boards pull the busy bit down */

#define DEVICE_MASTER_LBA 0xe0
#define DEVICE_SLAVE_LBA 0xf0

#define COMMAND_READ_SECTORS 0x20
#define COMMAND_WRITE_SECTORS 0x30
#define COMMAND_READ_MULTIPLE 0xc4
#define COMMAND_WRITE_MULTIPLE 0xc5
#define COMMAND_SET_MULTIPLE 0xc6
#define COMMAND_FLUSH_CACHE 0xe7
#define COMMAND_IDENTIFY 0xec

#define IDENTIFY_MAX_MULTIPLE 47 /* low byte */
#define IDENTIFY_CAPABILITIES 49
#define IDENTIFY_LBA28_SECTORS 60 /* and 61 */
#define CAPABILITY_LBA 0x0200

#define BLOCK_SECTORS 16         /* measured: larger blocks are no faster */
#define COMMAND_MAX_SECTORS 256  /* written as 0 */
#define LBA28_END 0x10000000u
#define POLL_LIMIT 5000000       /* some seconds */
#define DATA_POLL_LIMIT 1000     /* about a millisecond */

#define PORT_READ_NS 100         /* what reading a port takes at least */
#define STATUS_DELAY_NS 400      /* until the status shows a selection or a command */
#define RESET_PULSE_NS 5000
#define RESET_DELAY_NS 2000000   /* until the status shows the reset */

/* Soft resets so far. A reset concerns both drives, and may undo SET MULTIPLE. */
static unsigned resets;

static void delay(unsigned ns)
{
    for (unsigned i = 0; i < ns / PORT_READ_NS; i++)
        inb(PORT_ALTERNATE_STATUS);
}

/* Polls until all these bits of the status are clear; false when they stay. */
static bool wait_clear(uint8_t bits, unsigned polls)
{
    while (polls--)
        if (!(inb(PORT_STATUS) & bits))
            return true;
    return false;
}

/* Waits until the drive is no longer busy. */
static enum ata_result wait_idle(void)
{
    if (!wait_clear(STATUS_BUSY, POLL_LIMIT))
        return ATA_TIMEOUT;
    return inb(PORT_STATUS) & (STATUS_ERROR | STATUS_DEVICE_FAULT) ? ATA_ERROR : ATA_OK;
}

/* Waits until the drive gives data, or takes some. */
static enum ata_result wait_data(void)
{
    enum ata_result result = wait_idle();
    if (result != ATA_OK)
        return result;
    return inb(PORT_STATUS) & STATUS_DATA_REQUEST ? ATA_OK : ATA_ERROR;
}

static void soft_reset(void)
{
    outb(PORT_DEVICE_CONTROL, CONTROL_NO_INTERRUPTS | CONTROL_SOFT_RESET);
    delay(RESET_PULSE_NS);
    outb(PORT_DEVICE_CONTROL, CONTROL_NO_INTERRUPTS);
    delay(RESET_DELAY_NS);
    wait_clear(STATUS_BUSY, POLL_LIMIT);
    resets++;
}

/*
 * Selects a drive and waits until it takes a command: not before it is idle and offers no data. Data left over from
 * a command that ended half-way makes the drives deaf for commands and for selections; a reset ends that.
 */
static enum ata_result select_drive(uint8_t device)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        outb(PORT_DEVICE, device);
        delay(STATUS_DELAY_NS);
        if (!wait_clear(STATUS_BUSY, POLL_LIMIT))
            return ATA_TIMEOUT;
        if (wait_clear(STATUS_BUSY | STATUS_DATA_REQUEST, DATA_POLL_LIMIT))
            return ATA_OK;
        soft_reset();
    }
    return ATA_TIMEOUT;
}

/* To the drive selected; bits 24 to 27 of the LBA went with the selection. */
static void send_command(uint32_t lba, uint8_t count, uint8_t command)
{
    outb(PORT_SECTOR_COUNT, count);
    outb(PORT_LBA_LOW, (uint8_t)lba);
    outb(PORT_LBA_MID, (uint8_t)(lba >> 8));
    outb(PORT_LBA_HIGH, (uint8_t)(lba >> 16));
    outb(PORT_COMMAND, command);
    delay(STATUS_DELAY_NS);
}

static enum ata_result identify(uint8_t select, uint16_t *words)
{
    outb(PORT_DEVICE_CONTROL, CONTROL_NO_INTERRUPTS);
    outb(PORT_DEVICE, select);
    delay(STATUS_DELAY_NS);
    if ((inb(PORT_STATUS) | STATUS_BUSY) == STATUS_FLOATING_BUS)
        return ATA_ABSENT;
    enum ata_result result = select_drive(select);
    if (result != ATA_OK)
        return result;
    send_command(0, 0, COMMAND_IDENTIFY);
    if (inb(PORT_STATUS) == 0)
        return ATA_ABSENT;
    result = wait_idle();
    if (result == ATA_TIMEOUT)
        return result;
    if (inb(PORT_LBA_MID) || inb(PORT_LBA_HIGH)) /* ATAPI and SATA devices leave their signature here */
        return ATA_NOT_DISK;
    if (result == ATA_OK)
        result = wait_data();
    if (result == ATA_OK)
        insd(PORT_DATA, words, BF_SECTOR_SIZE / 4);
    return result == ATA_ERROR ? ATA_ABSENT : result; /* a master may answer for an absent slave with an error */
}

enum ata_result ata_open(unsigned index, struct ata_drive *drive)
{
    uint16_t words[BF_SECTOR_SIZE / 2];
    drive->name = index ? "ata0-slave" : "ata0-master";
    drive->select = index ? DEVICE_SLAVE_LBA : DEVICE_MASTER_LBA;
    enum ata_result result = identify(drive->select, words);
    if (result != ATA_OK)
        return result;
    if (!(words[IDENTIFY_CAPABILITIES] & CAPABILITY_LBA))
        return ATA_NO_LBA;
    drive->sectors = (uint32_t)words[IDENTIFY_LBA28_SECTORS + 1] << 16 | words[IDENTIFY_LBA28_SECTORS];
    if (drive->sectors > LBA28_END)
        drive->sectors = LBA28_END;

    uint8_t maximum = (uint8_t)words[IDENTIFY_MAX_MULTIPLE];
    drive->multiple = maximum < BLOCK_SECTORS ? maximum : BLOCK_SECTORS;
    drive->resets = resets;
    if (drive->multiple > 1 && select_drive(drive->select) == ATA_OK) {
        send_command(0, drive->multiple, COMMAND_SET_MULTIPLE);
        if (wait_idle() == ATA_OK)
            return ATA_OK;
    }
    drive->multiple = 1;
    return ATA_OK;
}

/* One command: `count` is 1 to COMMAND_MAX_SECTORS. */
static enum ata_result transfer_once(const struct ata_drive *drive, uint32_t lba, uint32_t count, uint8_t *buffer,
                                     bool write)
{
    enum ata_result result = select_drive((uint8_t)(drive->select | lba >> 24));
    if (result != ATA_OK)
        return result;
    uint32_t multiple = drive->resets == resets ? drive->multiple : 1;
    uint8_t single = write ? COMMAND_WRITE_SECTORS : COMMAND_READ_SECTORS;
    uint8_t many = write ? COMMAND_WRITE_MULTIPLE : COMMAND_READ_MULTIPLE;
    send_command(lba, (uint8_t)count, multiple > 1 ? many : single);
    while (count) {
        uint32_t block = count < multiple ? count : multiple;
        result = wait_data();
        if (result != ATA_OK)
            return result;
        if (write)
            outsd(PORT_DATA, buffer, block * BF_SECTOR_SIZE / 4);
        else
            insd(PORT_DATA, buffer, block * BF_SECTOR_SIZE / 4);
        buffer += block * BF_SECTOR_SIZE;
        count -= block;
        delay(STATUS_DELAY_NS);
    }
    return wait_idle();
}

static enum ata_result transfer(const struct ata_drive *drive, uint32_t lba, uint32_t count, uint8_t *buffer,
                                bool write)
{
    if (lba >= drive->sectors || count > drive->sectors - lba)
        return ATA_RANGE;
    while (count) {
        uint32_t part = count < COMMAND_MAX_SECTORS ? count : COMMAND_MAX_SECTORS;
        enum ata_result result = transfer_once(drive, lba, part, buffer, write);
        if (result != ATA_OK)
            return result;
        lba += part;
        buffer += part * BF_SECTOR_SIZE;
        count -= part;
    }
    return ATA_OK;
}

enum ata_result ata_read(const struct ata_drive *drive, uint32_t lba, uint32_t count, void *buffer)
{
    return transfer(drive, lba, count, buffer, false);
}

enum ata_result ata_write(const struct ata_drive *drive, uint32_t lba, uint32_t count, const void *buffer)
{
    enum ata_result result = transfer(drive, lba, count, (uint8_t *)buffer, true); /* which only reads the buffer */
    if (result != ATA_OK)
        return result;
    send_command(0, 0, COMMAND_FLUSH_CACHE);
    return wait_idle();
}

const char *ata_result_text(enum ata_result result)
{
    static const char *const texts[] = {
        [ATA_OK] = "no error",
        [ATA_ABSENT] = "no drive",
        [ATA_NOT_DISK] = "not a disk",
        [ATA_NO_LBA] = "the disk has no LBA",
        [ATA_TIMEOUT] = "the disk stayed busy",
        [ATA_ERROR] = "the disk reported an error",
        [ATA_RANGE] = "sectors behind the end of the disk",
    };
    return texts[result];
}
