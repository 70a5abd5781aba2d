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
void report_file(const struct fat_entry *entry);
void report_config(const struct config *config);
void report_config_problem(const char *problem, unsigned line); /* line 0: the file as a whole */
void report_config_missing(const char *name);
void report_module(const struct module *module);
void report_done(const struct totals *totals);
