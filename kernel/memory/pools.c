/*
 * A pool is the list of the blocks handed out, in the order of their addresses. Free is what lies between them, so
 * neighbours need no joining.
 */
#include "memory/pools.h"

#include "lib/string.h"

#define FIRST_CAPACITY 16 /* blocks a table has room for when it is made; doubled when full */

struct block {
    uint32_t start;
    uint32_t size;
};

struct pool {
    struct pool_memory memory;
    struct block *blocks; /* on the kernel heap */
    uint32_t count;
    uint32_t capacity;
    uint32_t used;
    uint32_t peak;
};

static struct pool pools[POOLS];

void pools_init(const struct pool_memory memory[POOLS])
{
    for (unsigned id = 0; id < POOLS; id++) {
        kernel_free(pools[id].blocks);
        pools[id] = (struct pool){.memory = memory[id]};
    }
}

/* The free bytes in front of block `index`, or behind the last one. */
static struct block gap_before(const struct pool *pool, uint32_t index)
{
    uint32_t start = pool->memory.start, end = pool->memory.start + pool->memory.size;
    if (index)
        start = pool->blocks[index - 1].start + pool->blocks[index - 1].size;
    if (index < pool->count)
        end = pool->blocks[index].start;
    return (struct block){start, end - start};
}

static bool make_room_for_block(struct pool *pool)
{
    if (pool->count < pool->capacity)
        return true;
    uint32_t capacity = pool->capacity ? 2 * pool->capacity : FIRST_CAPACITY;
    struct block *blocks = kernel_allocate(capacity * sizeof *blocks);
    if (!blocks)
        return false;
    memcpy(blocks, pool->blocks, pool->count * sizeof *blocks);
    kernel_free(pool->blocks);
    pool->blocks = blocks;
    pool->capacity = capacity;
    return true;
}

void *pool_allocate(enum pool_id id, size_t size, size_t alignment)
{
    struct pool *pool = &pools[id];
    size += !size;
    if (alignment == 0 || alignment > POOL_ALIGNMENT_MAX || alignment & (alignment - 1))
        return 0;
    for (uint32_t i = 0; i <= pool->count; i++) {
        struct block gap = gap_before(pool, i);
        uint32_t skipped = -gap.start & (uint32_t)(alignment - 1);
        if (gap.size < skipped || gap.size - skipped < size)
            continue;
        if (!make_room_for_block(pool))
            return 0;
        memmove(&pool->blocks[i + 1], &pool->blocks[i], (pool->count - i) * sizeof *pool->blocks);
        pool->blocks[i] = (struct block){gap.start + skipped, (uint32_t)size};
        pool->count++;
        pool->used += (uint32_t)size;
        if (pool->used > pool->peak)
            pool->peak = pool->used;
        return (void *)(uintptr_t)pool->blocks[i].start;
    }
    return 0;
}

bool pool_free(enum pool_id id, void *memory)
{
    struct pool *pool = &pools[id];
    for (uint32_t i = 0; i < pool->count; i++) {
        if (pool->blocks[i].start != (uintptr_t)memory)
            continue;
        pool->used -= pool->blocks[i].size;
        pool->count--;
        memmove(&pool->blocks[i], &pool->blocks[i + 1], (pool->count - i) * sizeof *pool->blocks);
        return true;
    }
    return false;
}

struct memory_statistics pool_statistics(enum pool_id id)
{
    const struct pool *pool = &pools[id];
    struct memory_statistics statistics = {.size = pool->memory.size,
                                           .used = pool->used,
                                           .free = pool->memory.size - pool->used,
                                           .peak = pool->peak,
                                           .allocations = pool->count};
    for (uint32_t i = 0; i <= pool->count; i++) {
        uint32_t size = gap_before(pool, i).size;
        if (size > statistics.largest_free)
            statistics.largest_free = size;
    }
    statistics.fragmentation_percent = memory_fragmentation(statistics.free, statistics.largest_free);
    return statistics;
}

struct pool_memory pool_memory(enum pool_id id)
{
    return pools[id].memory;
}

const char *pool_name(enum pool_id id)
{
    static const char *const names[POOLS] = {"code", "data", "metadata"};
    return names[id];
}
