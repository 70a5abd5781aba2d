/*
 * Writes the JIT cache of the boot disk: code to sectors that no entry uses, then the index that is not current, then
 * the superblock that is not current, each on the medium before the next. Where ever the power fails, one of the two
 * states is whole. Uses the module arena: no module may run from cache_store_begin on.
 */
#pragma once
#include "loader/cache_region.h"

struct cache_store {
    struct cache_region region; /* entries as they shall be */
    uint32_t kept;              /* of them taken over from the disk; the others are new */
    bool changed;
};

/* Reads the cache of the disk this kernel was loaded from. Entries that are stale, or whose code went wrong when it
 * ran, are left out. False, said why, when there is no place that is the cache's. */
bool cache_store_begin(struct cache_store *store, const struct ata_drive *boot_drive);

/*
 * Writes code of entry->code_size bytes. Of the entry the caller sets what the code was made from and how: module,
 * function, level, CPU features, calls and cycles. All else is 0. An entry there is no room for is reported.
 */
void cache_store_add(struct cache_store *store, const struct bf_jit_cache_entry *entry, const void *code);

/* Makes the entries last and reports them. Nothing is written when nothing changed. */
void cache_store_commit(struct cache_store *store);
