/* BAREFLOW.CFG: what to run. Lines `key = value`; `#` starts a comment. */
#pragma once
#include "fat/fat16.h"

#define CONFIG_VALUE_SIZE 256 /* of `modules`, NUL included */
#define CONFIG_MAX_NAMES 32
#define CONFIG_MAX_ITERATIONS 1000000u

struct config {
    bool present;                    /* the file is on the volume */
    char modules[CONFIG_VALUE_SIZE]; /* `all`, or names separated by commas */
    uint32_t iterations;             /* calls of each module */
    bool found[CONFIG_MAX_NAMES];    /* which of the names have been asked for */
};

/*
 * Reads the file, through the file buffer, into `config`; what it does not say keeps its default: all modules, one
 * call. Unknown keys and bad values are reported and ignored. FAT_OK also when there is no such file; else the
 * failure, and the defaults.
 */
enum fat_result config_read(struct fat_volume *volume, struct config *config);

/* Whether the module of this name is to run; remembers the question for config_next_missing. */
bool config_selects(struct config *config, const char *name);

/* The names that config_selects was never asked about, one a call: stores the next in `name` and returns true, false
 * behind the last. `*index` starts at 0. */
bool config_next_missing(const struct config *config, unsigned *index, char name[CONFIG_VALUE_SIZE]);
