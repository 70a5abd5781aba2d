/* Module files: what they claim, whether that is true, and what came of running them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "bf_formats.h"

#define FILE_BUFFER ((uint8_t *)BF_MEM_FILE_BUFFER_START)
#define MODULE_NAME_SIZE sizeof(((struct bf_native_module_header *)0)->name)
#define MODULE_ENTRY_SIZE sizeof(((struct bf_bitcode_header *)0)->entry)

enum module_status {
    MODULE_VALID,          /* examined, not run */
    MODULE_PASSED,         /* ran; the answer is the known one */
    MODULE_FAILED,         /* ran; another answer */
    MODULE_UNCHECKED,      /* ran; no answer is known */
    MODULE_INVALID,        /* not run: `reason` */
    MODULE_NOT_SELECTED,   /* valid, but BAREFLOW.CFG does not ask for it */
    MODULE_NOT_EXECUTABLE, /* valid bitcode, which this kernel cannot run yet */
    MODULE_LEGACY_HEADER,  /* bitcode behind a version-1 header, which no kernel runs any more */
};

struct module {
    const char *file; /* 8.3 name */
    bool is_native;   /* else bitcode */
    enum module_status status;
    const char *reason; /* what makes it invalid */
    char name[MODULE_NAME_SIZE];

    /* native */
    uint32_t code_bytes;
    uint32_t size;     /* argument of each call */
    uint32_t calls;
    uint32_t answer;   /* of the last call */
    uint32_t expected; /* known answer, unless the status is MODULE_UNCHECKED */
    uint64_t cycles;   /* of all calls */

    /* bitcode */
    char entry[MODULE_ENTRY_SIZE];
    uint32_t bitcode_bytes;
    uint32_t pattern_bytes;
    uint32_t level;
};

/* A module whose answer is known at build time. */
struct known_module {
    const char *name;
    uint32_t size;
    uint32_t answer;
};

/* Both examine a file of `size` bytes and set status (MODULE_VALID when nothing is wrong), name and extents. They
 * trust nothing in it. */
void native_examine(struct module *module, const uint8_t *file, uint32_t size);
void bitcode_examine(struct module *module, const uint8_t *file, uint32_t size);

/* Copies the code of a valid native module to the module arena and calls it `iterations` times. */
void native_run(struct module *module, const uint8_t *file, uint32_t iterations);

/* The known module of this name, or 0. */
const struct known_module *known_module_find(const char *name);

/* Marks a module as invalid. */
void module_refuse(struct module *module, const char *reason);

/* Copies a NUL-padded text field. False, and "", unless it is printable ASCII, not empty and ended by NUL. */
bool module_copy_text(char *to, const uint8_t *field, uint32_t size);
