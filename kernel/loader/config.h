/*
 * What to run and how: BAREFLOW.CFG, and before it the lines that the host hands over (BF_HOST_CONFIG_FILE). Lines
 * `key = value`; `#` starts a comment.
 */
#pragma once
#include "fat/fat16.h"
#include "memory/pools.h"

#define CONFIG_VALUE_SIZE 256 /* of `modules`, NUL included */
#define CONFIG_MAX_NAMES 32

struct config {
    struct fat_volume *volume;       /* that has the file, 0 when none has */
    bool from_host;                  /* the host handed lines over */
    char modules[CONFIG_VALUE_SIZE]; /* `all`, or names separated by commas */
    uint32_t iterations;             /* calls of each module; CONFIG_WORD for as many as bring out its best code */
    uint32_t time_limit_ms;          /* of each call */
    bool interactive;                /* menu instead of running all */
    bool export;                     /* send the export before the end */
    bool cache;                      /* keep code in the JIT cache */
    bool jit_dump;                   /* tell what each pass of the compiler makes */
    uint32_t heap_kib;
    uint32_t pool_kib[POOLS];
    uint32_t jit_level;              /* of all code of pattern programs; CONFIG_WORD for what counting calls makes of it */
    uint32_t jit_calls[3];           /* of a function, that bring it to level 1, 2 and 3 */
    bool found[CONFIG_MAX_NAMES];    /* which of the names have been asked for */
};

#define CONFIG_WORD UINT32_MAX /* a number for which its key's word stands */

enum config_type {
    CONFIG_NAMES, /* config->modules */
    CONFIG_NUMBER,
    CONFIG_SWITCH,
};

struct config_key {
    const char *name;
    const char *word; /* that may stand for a number, 0 for none */
    uint16_t field;   /* offset in struct config */
    uint8_t type;     /* enum config_type */
    uint32_t low, high, initial; /* of a number */
};

#define CONFIG_NUMBER_KEY(name, field, low, high, initial) CONFIG_WORD_KEY(name, field, 0, low, high, initial)
#define CONFIG_WORD_KEY(name, field, word, low, high, initial) \
    {name, word, offsetof(struct config, field), CONFIG_NUMBER, low, high, initial}
#define CONFIG_SWITCH_KEY(name, field) {name, 0, offsetof(struct config, field), CONFIG_SWITCH, 0, 0, 0}

/* The linker puts them together, those of config.c first; a compiler may align arrays so that there were gaps. */
#define CONFIG_KEYS_IN(name) static const struct config_key keys[] __attribute__((used, section(name), aligned(4)))
#define CONFIG_KEYS CONFIG_KEYS_IN(".config_keys")
#define CONFIG_MORE_KEYS CONFIG_KEYS_IN(".config_keys_more")
extern const struct config_key config_keys[], config_keys_end[];

/*
 * Fills `config`: defaults, overridden by the file of the first volume that has one, overridden by the host's lines.
 * Unknown keys and bad values are reported and ignored. False when a file could not be read, which is reported, too.
 */
bool config_read(struct config *config);

/* Whether the module of this name is to run; remembers the question for config_next_missing. */
bool config_selects(struct config *config, const char *name);

/* The names that config_selects was never asked about, one a call: stores the next in `name` and returns true, false
 * behind the last. `*index` starts at 0. */
bool config_next_missing(const struct config *config, unsigned *index, char name[CONFIG_VALUE_SIZE]);
