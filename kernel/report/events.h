/* What the kernel reports: each event is a line for machines on COM1 and words for people on COM1 and screen. */
#pragma once
#include "bf_formats.h"
#include "fat/fat16.h"
#include "loader/config.h"
#include "loader/module.h"

/* Outcomes of a run. */
struct totals {
    uint32_t passed;
    uint32_t failed;
    uint32_t stopped; /* modules that were ended by a fault, an overflow or their time limit */
    uint32_t invalid; /* modules, volumes and configurations that could not be used */
    uint32_t unchecked;
    uint32_t pending; /* valid, but not executable yet */
    uint32_t volumes;
};

struct boot_report {
    const struct bf_boot_info *info;
    const struct bf_kernel_header *header;
    const char *nonce;
    bool canary;
};

void report_boot(const struct boot_report *boot);

/* The kernel cannot run here; `reason` says why. The caller ends the run. */
void report_refusal(const char *reason);

void report_volume(const struct fat_volume *volume, uint32_t files);
void report_volume_problem(const char *drive, uint32_t lba, const char *problem);
void report_directory_problem(const struct fat_volume *volume, const char *path, const char *problem);
void report_file(const char *path, uint32_t size);
void report_config(const struct config *config);
void report_config_problem(const char *file, const char *problem, unsigned line); /* line 0: the file as a whole */
void report_config_missing(const char *name);
void report_memory_problem(const char *key); /* there is less memory than the configuration asks for with this key */
void report_module(const struct module *module);
void report_override(const struct module *by, const struct module *over);
void report_unload(const struct module *module);
void report_active(const struct module *module); /* instead of what was unloaded */
/* `entries` of them in all; `stored` are the `count` that are new. */
void report_cache(uint32_t sequence, uint32_t entries, const struct bf_jit_cache_entry *stored, uint32_t count);
void report_cache_problem(const char *module, const char *problem); /* "" for the cache as a whole */
void report_done(const struct totals *totals);
