#include "disk/ata.h"

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

#define STATUS_ERROR 0x01
#define STATUS_DATA_REQUEST 0x08
#define STATUS_DEVICE_FAULT 0x20
#define STATUS_BUSY 0x80
#define STATUS_FLOATING_BUS 0xff /* nobody answers */

#define DEVICE_MASTER_LBA 0xe0
#define DEVICE_SLAVE_LBA 0xf0

#define COMMAND_READ_SECTORS 0x20
#define COMMAND_READ_MULTIPLE 0xc4
#define COMMAND_SET_MULTIPLE 0xc6
#define COMMAND_IDENTIFY 0xec

#define IDENTIFY_MAX_MULTIPLE 47 /* low byte */
#define IDENTIFY_CAPABILITIES 49
#define IDENTIFY_LBA28_SECTORS 60 /* and 61 */
#define CAPABILITY_LBA 0x0200

#define BLOCK_SECTORS 16         /* measured: larger blocks are no faster */
#define COMMAND_MAX_SECTORS 256  /* written as 0 */
#define LBA28_END 0x10000000u
#define POLL_LIMIT 5000000       /* some seconds */

/* The drive needs 400 ns to present its status; each read takes at least 100. */
static void delay_400_ns(void)
{
    for (int i = 0; i < 4; i++)
        inb(PORT_ALTERNATE_STATUS);
}

/* Waits until the drive is no longer busy. */
static enum ata_result wait_idle(void)
{
    for (unsigned poll = 0; poll < POLL_LIMIT; poll++) {
        uint8_t status = inb(PORT_STATUS);
        if (!(status & STATUS_BUSY))
            return status & (STATUS_ERROR | STATUS_DEVICE_FAULT) ? ATA_ERROR : ATA_OK;
    }
    return ATA_TIMEOUT;
}

/* Waits until the drive has data to give. */
static enum ata_result wait_data(void)
{
    enum ata_result result = wait_idle();
    if (result != ATA_OK)
        return result;
    return inb(PORT_STATUS) & STATUS_DATA_REQUEST ? ATA_OK : ATA_ERROR;
}

static void send_command(uint8_t device, uint32_t lba, uint8_t count, uint8_t command)
{
    outb(PORT_DEVICE, (uint8_t)(device | lba >> 24));
    delay_400_ns();
    outb(PORT_SECTOR_COUNT, count);
    outb(PORT_LBA_LOW, (uint8_t)lba);
    outb(PORT_LBA_MID, (uint8_t)(lba >> 8));
    outb(PORT_LBA_HIGH, (uint8_t)(lba >> 16));
    outb(PORT_COMMAND, command);
    delay_400_ns();
}

static enum ata_result identify(uint8_t select, uint16_t *words)
{
    outb(PORT_DEVICE_CONTROL, CONTROL_NO_INTERRUPTS);
    outb(PORT_DEVICE, select);
    delay_400_ns();
    if (inb(PORT_STATUS) == STATUS_FLOATING_BUS)
        return ATA_ABSENT;
    send_command(select, 0, 0, COMMAND_IDENTIFY);
    if (inb(PORT_STATUS) == 0)
        return ATA_ABSENT;
    enum ata_result result = wait_idle();
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
    if (drive->multiple > 1) {
        send_command(drive->select, 0, drive->multiple, COMMAND_SET_MULTIPLE);
        if (wait_idle() == ATA_OK)
            return ATA_OK;
    }
    drive->multiple = 1;
    return ATA_OK;
}

/* One command: `count` is 1 to COMMAND_MAX_SECTORS. */
static enum ata_result read_once(const struct ata_drive *drive, uint32_t lba, uint32_t count, uint8_t *buffer)
{
    uint8_t command = drive->multiple > 1 ? COMMAND_READ_MULTIPLE : COMMAND_READ_SECTORS;
    send_command(drive->select, lba, (uint8_t)count, command);
    while (count) {
        uint32_t block = count < drive->multiple ? count : drive->multiple;
        enum ata_result result = wait_data();
        if (result != ATA_OK)
            return result;
        insd(PORT_DATA, buffer, block * BF_SECTOR_SIZE / 4);
        buffer += block * BF_SECTOR_SIZE;
        count -= block;
        delay_400_ns();
    }
    return wait_idle();
}

enum ata_result ata_read(const struct ata_drive *drive, uint32_t lba, uint32_t count, void *buffer)
{
    if (lba >= drive->sectors || count > drive->sectors - lba)
        return ATA_RANGE;
    uint8_t *to = buffer;
    while (count) {
        uint32_t part = count < COMMAND_MAX_SECTORS ? count : COMMAND_MAX_SECTORS;
        enum ata_result result = read_once(drive, lba, part, to);
        if (result != ATA_OK)
            return result;
        lba += part;
        to += part * BF_SECTOR_SIZE;
        count -= part;
    }
    return ATA_OK;
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
