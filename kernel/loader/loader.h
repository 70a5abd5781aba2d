/* Finds modules, runs them, and takes them out again. */
#pragma once
#include "loader/config.h"
#include "loader/module.h"
#include "report/events.h"

/* Registers the embedded modules and every .mod and .bc file of the volumes, each examined whole. */
void loader_register(struct totals *totals);

/* Runs every active module that the configuration asks for, reports each, names and counts what is missing. */
void loader_run_all(struct config *config, struct totals *totals);

/* Counts the active modules by what came of them. */
void loader_count(struct totals *totals);

/*
 * Loads a module into the arena, runs its constructors, its entry as often as the configuration says, its destructors,
 * and fills the arena with breakpoints. Results of an earlier run are forgotten. A module that cannot be run keeps its
 * status. Reports the outcome.
 */
void loader_run(struct module *module, const struct config *config);

/* Calls the entry of a module in memory as often as the configuration says, or until it fails or is stopped. When it
 * says `auto`: once, a program as often as jit_module_calls_wanted says. */
void loader_call_entry(struct module *module, const struct config *config);

/* Calls the entry once more, to measure it: in no count, its answer only checked when it is known. False, and the status
 * says why, when it traps or gives another answer; false, too, and nothing else, when it takes longer than the limit. */
bool loader_call_again(struct module *module, uint32_t limit_ms, uint64_t *cycles);

/* Keeps the code of native modules that ran well in the JIT cache, but for those that are more than code: with
 * constructors, destructors or probes. Uses the module arena. */
void loader_store(const struct ata_drive *boot_drive);

/* Takes a module out of the registry and reports what is active instead. The pointer is void afterwards. */
void loader_unload(struct module *module);
