/* Modules: where they come from, what they claim, whether that is true, and what came of running them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "bf_formats.h"
#include "fat/fat16.h"
#include "jit/program.h"
#include "jit/summary.h"
#include "profile/profile.h"
#include "profile/statistics.h"
#include "run/guard.h"

#define FILE_BUFFER ((uint8_t *)BF_MEM_FILE_BUFFER_START)
#define MODULE_ARENA ((uint8_t *)BF_MEM_MODULE_ARENA_START)
#define MODULE_NAME_SIZE sizeof(((struct bf_native_module_header *)0)->name)
#define MODULE_ENTRY_SIZE sizeof(((struct bf_bitcode_header *)0)->entry)

/* In the order of their rank: of the modules of one name and kind, that of the highest one is active. */
enum module_source {
    MODULE_EMBEDDED, /* linked into the kernel */
    MODULE_DISK,     /* a file on a volume */
    MODULE_CACHED,   /* code in the JIT cache, made from one of the others */
};

enum module_kind {
    MODULE_NATIVE,
    MODULE_BITCODE,
};

enum module_status {
    MODULE_VALID,          /* examined, not run */
    MODULE_PASSED,         /* ran; the answer is the known one */
    MODULE_FAILED,         /* ran; another answer */
    MODULE_UNCHECKED,      /* ran; no answer is known */
    MODULE_STOPPED,        /* ended by a fault, an overflow or its time limit: `reason` */
    MODULE_INVALID,        /* not run: `reason` */
    MODULE_NOT_SELECTED,   /* valid, but the configuration does not ask for it */
    MODULE_NOT_EXECUTABLE, /* valid bitcode without a program, or in a kernel that cannot compile it */
    MODULE_LEGACY_HEADER,  /* bitcode behind a version-1 header, which no kernel runs any more */
};

struct module {
    struct module *next; /* in the registry */
    bool active;         /* in the registry: not overridden */
    enum module_source source;
    enum module_kind kind;
    enum module_status status;
    const char *reason; /* what makes it invalid, or stopped it */
    char name[MODULE_NAME_SIZE];
    char *path; /* "/LIB/sum.mod"; "" unless the source is MODULE_DISK */

    /* Where its bytes are: the file of an embedded module or of one on disk, the code of a cached one. */
    union {
        struct {
            const uint8_t *data;
            uint32_t size;
        } embedded;
        struct fat_file file;
        struct {
            const struct ata_drive *drive;
            uint32_t lba;
            uint32_t crc; /* of code_bytes bytes */
        } cached;
    } place;

    uint32_t crc;        /* by which a cached module knows what it was made from */
    uint32_t code_bytes; /* machine code; 0 when it has none */
    uint32_t cpu_features; /* bits of BF_CPU_FEATURE_* it needs; when it does not say, all that are there */

    /* Offsets in the code, and how it is called. */
    uint32_t entry_offset;
    uint32_t init, fini;  /* functions to call before and behind, 0 for none */
    uint32_t image_bytes; /* of the code, to be copied to the arena */
    uint32_t functions;   /* bf_native_function entries of an instrumented module, 0 for none */
    uint32_t function_count;
    bool answer_known;
    uint32_t size;        /* argument of each call */
    uint32_t expected;    /* answer, when it is known */

    /* The last run. */
    uint32_t calls;
    uint32_t answer;          /* of the last call that returned */
    struct statistics cycles; /* one value a call that returned */
    struct guarded stopped;   /* how the call that did not return ended */
    struct module_profile *profile; /* of an instrumented module; 0 when there is none */

    /* bitcode */
    char entry[MODULE_ENTRY_SIZE];
    uint32_t bitcode_bytes;
    uint32_t pattern_offset; /* in the file */
    uint32_t pattern_bytes;
    uint32_t level;
    bool verified;              /* its pattern section; a program in it may be compiled */
    uint64_t compile_cycles;    /* before the last run, the verifier's included; 0 when it did not get so far */
    struct jit_summary *summary; /* of the last run; 0 when there is none */
    struct jit_problem problem; /* of the program, when it has a text: what makes the module invalid */
};

/* Whether it is compiled when it runs; else its bytes are machine code. */
static inline bool module_is_program(const struct module *module)
{
    return module->kind == MODULE_BITCODE && module->source != MODULE_CACHED;
}

/* Both examine a file of `size` bytes and set status (MODULE_VALID when nothing is wrong), name and extents. They
 * trust nothing in it. */
void native_examine(struct module *module, const uint8_t *file, uint32_t size);
void bitcode_examine(struct module *module, const uint8_t *file, uint32_t size);

/* Sets argument and answer to what the build knew of a module of this name. */
void known_module_apply(struct module *module);

/* Marks a module as invalid. */
void module_refuse(struct module *module, const char *reason);

/* Copies a NUL-padded text field. False, and "", unless it is printable ASCII, not empty and ended by NUL. */
bool module_copy_text(char *to, const uint8_t *field, uint32_t size);

/* In words, for reports: "disk", "native", "not selected". */
const char *module_source_text(enum module_source source);
const char *module_kind_text(enum module_kind kind);
const char *module_status_text(enum module_status status);
