/*
 * The bitcode module that runs: its program from the file to code, to calls, to what stopped it. All absent (0) in a kernel
 * that is built without the files of this folder.
 */
#pragma once
#include "jit/load.h"
#include "run/guard.h"

struct jit_cost {
    uint32_t code_bytes;
    uint64_t cycles; /* of verifying and compiling */
};

/* Where and why a call was stopped. */
struct jit_stop {
    const char *reason; /* "memory trap", or that of the guard */
    bool is_located;    /* else there is only the reason */
    struct jit_place place;
    const char *function; /* its name, "" if it has none; as long as the module's file is in memory */
};

/* Compiles the program of a pattern section that jit_read_section lets pass, and which stays where it is; its type is
 * BF_PATTERN_TYPE_CUSTOM. Returns 0, or why not. */
const char *jit_module_load(const uint8_t *section, uint32_t size, struct jit_cost *cost) __attribute__((weak));

/* Sets up a call of the entry with this argument. Returns the address to call. */
uint32_t jit_module_prepare(uint32_t argument) __attribute__((weak));

/* Tells of a call that did not return. */
void jit_module_explain(const struct guarded *outcome, struct jit_stop *stop) __attribute__((weak));

/* Gives back all that jit_module_load took, if it did. */
void jit_module_unload(void) __attribute__((weak));
