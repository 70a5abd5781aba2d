/* Modules in the JIT cache of the boot disk: code that an earlier run made and kept. Format: formats/jit_cache.py. */
#pragma once
#include "loader/cache_region.h"
#include "loader/module.h"

/* Registers each entry whose module is registered with the very same content. What is stale or damaged is reported and
 * passed over. Uses the file buffer. */
void cached_register(const struct ata_drive *boot_drive);

/* Reads the code to the file buffer and returns it; it may have changed since it was registered. Sets the status to
 * MODULE_VALID or MODULE_INVALID. */
const uint8_t *cached_load(struct module *module);

/* Returns why this kernel cannot use the entry, whatever its code may be, or 0. */
const char *cached_find_flaw(const struct bf_jit_cache_entry *entry, uint32_t region_sectors);
