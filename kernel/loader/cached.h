/* Modules in the JIT cache of the boot disk: code that an earlier run made from a module and kept. Format: jit_cache.py. */
#pragma once
#include "disk/ata.h"
#include "loader/module.h"

/*
 * Registers each entry whose module is registered with the very same content. What is stale or damaged is reported and
 * passed over. `build_id` is that of this kernel. Uses the file buffer.
 */
void cached_register(const struct ata_drive *boot_drive, const uint8_t build_id[16]);
