/* The kernel from beginning to end. */
#include "bf_formats.h"
#include "console/serial.h"
#include "console/vga.h"
#include "disk/ata.h"
#include "disk/partitions.h"
#include "fat/fat16.h"
#include "interrupts/interrupts.h"
#include "interrupts/pic.h"
#include "interrupts/timer.h"
#include "lib/string.h"
#include "loader/loader.h"
#include "machine/end.h"
#include "machine/io.h"
#include "machine/memory.h"
#include "machine/nonce.h"
#include "memory/paging.h"
#include "report/events.h"
#include "run/services.h"

extern const struct bf_kernel_header kernel_header; /* entry.S */

void kernel_main(const struct bf_boot_info *info) __attribute__((noreturn));

/* The canary is the last thing in the image: when it is in its place, everything before it was loaded. */
static bool find_canary(void)
{
    uint32_t canary;
    memcpy(&canary, (const uint8_t *)&kernel_header + kernel_header.image_bytes - sizeof canary, sizeof canary);
    return canary == BF_KERNEL_CANARY;
}

static void refuse(const char *reason)
{
    report_refusal(reason);
    machine_end(BF_EXIT_VALUE_FAULT);
}

static void start(const struct bf_boot_info *info)
{
    char nonce[BF_NONCE_MAX + 1];
    if (info->magic != BF_BOOT_INFO_MAGIC || info->version != BF_BOOT_INFO_VERSION)
        refuse("the boot information block is not there");
    nonce_read(nonce);
    struct boot_report boot = {.info = info, .header = &kernel_header, .nonce = nonce, .canary = find_canary()};
    report_boot(&boot);
    if (!boot.canary)
        refuse("the kernel was not loaded whole");
    if (!memory_is_usable(info, BF_MEM_HEAP_START, BF_MEM_PROFILE_END))
        refuse("not enough memory");
}

/* A drive holds one bare volume, or a partition table. */
static void visit_drive(const struct ata_drive *drive, struct totals *totals)
{
    struct fat_volume volume;
    struct extent extents[MBR_PARTITIONS];
    unsigned count;
    if (fat_mount(&volume, drive, 0, drive->sectors) == FAT_OK) {
        loader_visit(&volume, totals);
        return;
    }
    enum ata_result read = partitions_list_fat16(drive, extents, &count);
    if (read != ATA_OK) {
        report_volume_problem(drive->name, 0, ata_result_text(read));
        totals->invalid++;
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        enum fat_result mounted = fat_mount(&volume, drive, extents[i].lba, extents[i].sectors);
        if (mounted == FAT_OK) {
            loader_visit(&volume, totals);
        } else {
            report_volume_problem(drive->name, extents[i].lba, fat_result_text(mounted));
            totals->invalid++;
        }
    }
}

void kernel_main(const struct bf_boot_info *info)
{
    struct totals totals = {0};
    serial_init();
    vga_init();
    paging_init();
    interrupts_init();
    start(info);
    services_init();
    pic_init();
    timer_init();
    interrupts_on();
    for (unsigned i = 0; i < ATA_DRIVES; i++) {
        struct ata_drive drive;
        enum ata_result result = ata_open(i, &drive);
        if (result == ATA_OK) {
            visit_drive(&drive, &totals);
        } else if (result != ATA_ABSENT && result != ATA_NOT_DISK) {
            report_volume_problem(drive.name, 0, ata_result_text(result));
            totals.invalid++;
        }
    }
    report_done(&totals);
    bool passed = totals.volumes && !totals.failed && !totals.invalid;
    machine_end(passed ? BF_EXIT_VALUE_PASSED : BF_EXIT_VALUE_FAILED);
}
