/* What better code is worth, in calls of the entry made for that. Part of jit/module.h. */
#pragma once
#include "jit/load.h"

struct module;
struct config;

/*
 * Sets the cycles of the functions in module->summary that have better code, of at most 8 of them, those with most calls.
 * The calls are in no count, and promote nothing. One that traps or gives another answer makes the module stopped or
 * failed, and is the last. All together take no longer than the time limit of one call; what is not measured by then, or
 * because memory is short, stays 0.
 */
void jit_measure(struct jit_loaded *loaded, struct module *module, const struct config *config);
