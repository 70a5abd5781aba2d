/*
 * JIT allocator: three pools, for code, data and metadata. Bookkeeping stands outside the pools, on the kernel heap, so
 * that nothing written into a pool can damage it, and the allocator never writes into a pool.
 */
#pragma once
#include "memory/heap.h"

#define POOL_ALIGNMENT_MAX 4096

enum pool_id { POOL_CODE, POOL_DATA, POOL_METADATA, POOLS };

struct pool_memory {
    uint32_t start;
    uint32_t size; /* bytes */
};

/* Sets up empty pools over this memory. What an earlier call set up is forgotten, peaks included. */
void pools_init(const struct pool_memory memory[POOLS]);

/* Returns memory aligned to `alignment`, a power of two from 1 to POOL_ALIGNMENT_MAX, of `size` bytes, 0 counting as 1.
 * 0 when there is no room in the pool or, for the bookkeeping, on the kernel heap. */
void *pool_allocate(enum pool_id pool, size_t size, size_t alignment);

/* False, and nothing done, when `memory` was not handed out by this pool. */
bool pool_free(enum pool_id pool, void *memory);

struct memory_statistics pool_statistics(enum pool_id pool);
struct pool_memory pool_memory(enum pool_id pool);
const char *pool_name(enum pool_id pool); /* "code", "data", "metadata" */

/* Exercises each pool, the memory included: alignment, exhaustion, coalescing, double free. All must be unused and are
 * left as pools_init leaves them. Returns 0, or what failed. */
const char *pools_self_test(void);
