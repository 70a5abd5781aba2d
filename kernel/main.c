/* The kernel from beginning to end. */
#include "bf_formats.h"
#include "console/keyboard.h"
#include "console/serial.h"
#include "console/vga.h"
#include "interrupts/interrupts.h"
#include "interrupts/pic.h"
#include "interrupts/timer.h"
#include "lib/string.h"
#include "loader/cached.h"
#include "loader/loader.h"
#include "loader/volumes.h"
#include "machine/end.h"
#include "machine/fw_cfg.h"
#include "machine/image.h"
#include "machine/io.h"
#include "machine/memory.h"
#include "memory/heap.h"
#include "memory/paging.h"
#include "memory/setup.h"
#include "menu/menu.h"
#include "profile/profile.h"
#include "report/events.h"
#include "report/export.h"
#include "report/machine.h"
#include "report/profile_report.h"
#include "run/services.h"

#define BIOS_FIRST_DISK 0x80u /* number of the first hard disk in INT 13h */

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
    uint32_t nonce_size = fw_cfg_read(BF_NONCE_FILE, nonce, BF_NONCE_MAX);
    nonce[nonce_size < BF_NONCE_MAX ? nonce_size : BF_NONCE_MAX] = '\0';
    struct boot_report boot = {.info = info, .header = &kernel_header, .nonce = nonce, .canary = find_canary()};
    report_boot(&boot);
    if (!boot.canary)
        refuse("the kernel was not loaded whole");
    if (!memory_is_usable(info, BF_MEM_HEAP_START, BF_MEM_PROFILE_END))
        refuse("not enough memory");
}

/* 0 when it is none of the drives, such as a floppy disk. */
static const struct ata_drive *find_boot_drive(const struct bf_boot_info *info)
{
    return info->boot_drive >= BIOS_FIRST_DISK ? drive_at(info->boot_drive - BIOS_FIRST_DISK) : 0;
}

void kernel_main(const struct bf_boot_info *info)
{
    struct totals totals = {0};
    struct config config;
    serial_init();
    vga_init();
    paging_init();
    interrupts_init();
    start(info);
    report_devices();
    services_init();
    pic_init();
    timer_init();
    keyboard_init();
    interrupts_on();
    kernel_heap_init();
    profile_init();
    volumes_open(&totals);
    if (!config_read(&config))
        totals.invalid++;
    if (!memory_setup(info, &config, &totals))
        refuse("the JIT pools do not work");
    report_config(&config);
    loader_register(&totals);
    const struct ata_drive *boot_drive = find_boot_drive(info);
    if (boot_drive)
        cached_register(boot_drive);
    if (config.interactive)
        menu_run(&config);
    else
        loader_run_all(&config, &totals);
    if (config.cache && boot_drive)
        loader_store(boot_drive);
    loader_count(&totals);
    profile_print_all();
    if (config.export)
        export_all();
    report_done(&totals);
    bool passed = totals.volumes && !totals.failed && !totals.stopped && !totals.invalid;
    machine_end(passed ? BF_EXIT_VALUE_PASSED : BF_EXIT_VALUE_FAILED);
}
