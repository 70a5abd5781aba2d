/* Heap and JIT pools as the configuration asks for them. */
#pragma once
#include "loader/config.h"
#include "report/events.h"

/* Gives the heap more memory, sets up the pools and tests them; what there is no memory for keeps the size of the
 * memory map, is reported and counted as invalid. False when the pools do not work. */
bool memory_setup(const struct bf_boot_info *info, const struct config *config, struct totals *totals);
