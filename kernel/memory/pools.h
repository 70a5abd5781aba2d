/*
 * JIT allocator: three pools, for code, data and metadata. Bookkeeping stands outside the pools, so that nothing written
 * into a pool can damage it.
 */
#pragma once
#include "memory/heap.h"

enum pool_id { POOL_CODE, POOL_DATA, POOL_METADATA, POOLS };

struct pool_memory {
    uint32_t start;
    uint32_t size; /* bytes */
};

/* Sets up the pools over this memory, or over the regions of the memory map for a size of 0. */
void pools_init(const struct pool_memory memory[POOLS]);

/* Returns memory aligned to `alignment`, a power of two from 1 to 4096; 0 when there is no room. */
void *pool_allocate(enum pool_id pool, size_t size, size_t alignment);

/* False, and nothing done, when `memory` was not handed out by this pool. */
bool pool_free(enum pool_id pool, void *memory);

struct memory_statistics pool_statistics(enum pool_id pool);
const char *pool_name(enum pool_id pool); /* "code", "data", "metadata" */

/* Exercises each pool: alignment, exhaustion, coalescing, double free. It must be unused and is left unused.
 * Returns 0, or what failed. */
const char *pools_self_test(void);
