/*
 * The probes, as the services table offers them. They run on the module's stack with kernel memory read-only, and write
 * nothing but the records, whatever those hold. `function` is the address of the function that is entered or left.
 */
#pragma once
#include <stdint.h>

#include "run/services.h"

CALLED_BY_MODULES void bf_probe_enter(void *function, void *caller); /* probe_entry.S */
CALLED_BY_MODULES void bf_probe_leave(void *function, void *caller);

/* What they do, with interrupts off. */
void probe_enter(void *function);
void probe_leave(void *function);

/* Cycles that were not spent in handlers of interrupts. */
uint64_t probe_clock(void);

/* A function of no work at this address, with probes and without, as modules call them: through the services table. */
typedef CALLED_BY_MODULES void empty_function(void *function);
empty_function probe_pair, probe_no_pair;
