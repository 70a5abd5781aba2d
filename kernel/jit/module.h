/*
 * The bitcode module that runs: its program from the file to code, to calls, to what stopped it. All absent (0) in a kernel
 * that is built without the files of this folder.
 */
#pragma once
#include <stdint.h>

#include "run/guard.h"

struct module;
struct config;

struct bf_pattern_descriptor;

/* Reads and verifies the pattern section of a module, which stays where it is until another one is examined or the module
 * has run. Its descriptor; 0, and module->problem set, when it is wrong. */
const struct bf_pattern_descriptor *jit_module_examine(struct module *module, const uint8_t *section, uint32_t size)
    __attribute__((weak));

/* Compiles the program of the module that was examined last, and calls its entry; or refuses the module. */
void jit_module_run(struct module *module, const struct config *config) __attribute__((weak));

/* Sets up a call of the entry with this argument; the second one of a fixed pattern is in its descriptor. Returns the
 * address to call. */
uint32_t jit_module_prepare(uint32_t argument) __attribute__((weak));

struct interrupt_frame;

/* Handles VECTOR_PROMOTE; what that takes is no part of the call. False when no program runs. */
bool jit_module_promote(struct interrupt_frame *frame) __attribute__((weak));

/* Behind a call of the entry, how many are wanted when nobody says so: 10 at most, until one began with a function at the
 * last level; but 1 of a program none of whose functions has better code than at first. */
uint32_t jit_module_calls_wanted(void) __attribute__((weak));

/* Why a call did not return: "memory trap", or what the guard says. */
const char *jit_module_explain(const struct guarded *outcome) __attribute__((weak));

/* Where that was, when it is known: as members of a `fault` event; then, once, for people. */
void jit_put_place(void) __attribute__((weak));
void jit_print_place(void) __attribute__((weak));
