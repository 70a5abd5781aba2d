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
#include "machine/io.h"
#include "machine/memory.h"
#include "memory/extended.h"
#include "memory/heap.h"
#include "memory/paging.h"
#include "memory/pools.h"
#include "profile/profile.h"
#include "report/events.h"
#include "report/machine.h"
#include "run/services.h"

#define KIB 1024u
#define BIOS_FIRST_DISK 0x80u /* number of the first hard disk in INT 13h */

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
    uint32_t nonce_size = fw_cfg_read(BF_NONCE_FILE, nonce, BF_NONCE_MAX);
    nonce[nonce_size < BF_NONCE_MAX ? nonce_size : BF_NONCE_MAX] = '\0';
    struct boot_report boot = {.info = info, .header = &kernel_header, .nonce = nonce, .canary = find_canary()};
    report_boot(&boot);
    if (!boot.canary)
        refuse("the kernel was not loaded whole");
    if (!memory_is_usable(info, BF_MEM_HEAP_START, BF_MEM_PROFILE_END))
        refuse("not enough memory");
}

/* Gives heap and pools what the configuration asks for; the memory map has the least. */
static void give_memory(const struct bf_boot_info *info, const struct config *config, struct totals *totals)
{
    static const struct {
        const char *key;
        uint32_t mapped, mapped_size;
    } regions[POOLS] = {
        [POOL_CODE] = {"jit_code_kib", BF_MEM_JIT_CODE_START, BF_MEM_JIT_CODE_SIZE},
        [POOL_DATA] = {"jit_data_kib", BF_MEM_JIT_DATA_START, BF_MEM_JIT_DATA_SIZE},
        [POOL_METADATA] = {"jit_metadata_kib", BF_MEM_JIT_METADATA_START, BF_MEM_JIT_METADATA_SIZE},
    };
    struct pool_memory pools[POOLS];
    uint32_t extra = config->heap_kib * KIB - BF_MEM_HEAP_SIZE;
    uint32_t start = extra ? extended_reserve(info, extra) : 0;
    if (start) {
        heap_extend(&kernel_heap, (void *)start, extra);
    } else if (extra) {
        report_memory_problem("heap_kib");
        totals->invalid++;
    }
    for (unsigned i = 0; i < POOLS; i++) {
        uint32_t size = config->pool_kib[i] * KIB;
        pools[i] = (struct pool_memory){regions[i].mapped, size};
        if (size <= regions[i].mapped_size)
            continue;
        pools[i].start = extended_reserve(info, size);
        if (!pools[i].start) {
            pools[i] = (struct pool_memory){regions[i].mapped, regions[i].mapped_size};
            report_memory_problem(regions[i].key);
            totals->invalid++;
        }
    }
    pools_init(pools);
    const char *problem = pools_self_test();
    report_memory(problem);
    if (problem)
        refuse("the JIT pools do not work");
}

/* Of the boot disk, if that is one of the drives. */
static void register_cached(const struct bf_boot_info *info)
{
    const struct ata_drive *drive = info->boot_drive >= BIOS_FIRST_DISK ? drive_at(info->boot_drive - BIOS_FIRST_DISK) : 0;
    if (drive)
        cached_register(drive, kernel_header.build_id);
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
    give_memory(info, &config, &totals);
    report_config(&config);
    loader_register(&totals);
    register_cached(info);
    loader_run_all(&config, &totals);
    report_done(&totals);
    bool passed = totals.volumes && !totals.failed && !totals.stopped && !totals.invalid;
    machine_end(passed ? BF_EXIT_VALUE_PASSED : BF_EXIT_VALUE_FAILED);
}
