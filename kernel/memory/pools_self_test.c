#include "memory/pools.h"

#define BLOCKS 8 /* that fill a pool */

/* The first and the last bytes of a block hold its number, so that blocks which overlap are noticed. */
static void mark(void *block, size_t size, uint32_t number)
{
    volatile uint8_t *bytes = block;
    bytes[0] = bytes[size - 1] = (uint8_t)(number + 1);
}

static bool is_marked(const void *block, size_t size, uint32_t number)
{
    const volatile uint8_t *bytes = block;
    return bytes[0] == (uint8_t)(number + 1) && bytes[size - 1] == (uint8_t)(number + 1);
}

static bool is_empty(enum pool_id pool)
{
    struct memory_statistics now = pool_statistics(pool);
    return now.used == 0 && now.allocations == 0 && now.free == now.size && now.largest_free == now.size &&
           now.fragmentation_percent == 0;
}

static const char *test_alignment(enum pool_id pool)
{
    size_t size = pool_memory(pool).size; /* a small pool has no room for the largest alignments */
    for (size_t alignment = 1; alignment <= POOL_ALIGNMENT_MAX && 3 * alignment <= size; alignment *= 2) {
        void *odd = pool_allocate(pool, 1, 1); /* so that what follows does not begin aligned by chance */
        void *block = pool_allocate(pool, alignment, alignment);
        if (!odd || !block)
            return "an empty pool has no room for a block";
        if ((uintptr_t)block % alignment)
            return "a block is not aligned";
        if (!pool_free(pool, odd) || !pool_free(pool, block))
            return "a block cannot be freed";
    }
    return 0;
}

static const char *test_exhaustion(enum pool_id pool, void *blocks[BLOCKS], size_t size)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = pool_allocate(pool, size, 1);
        if (!blocks[i])
            return "a pool cannot be filled";
        mark(blocks[i], size, i);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        if (!is_marked(blocks[i], size, i))
            return "a block overlaps another, or its memory does not work";
    if (pool_allocate(pool, size, 1))
        return "a full pool hands out a block";
    return 0;
}

/* Frees every second block, then the rest: free blocks that touch must serve as one. */
static const char *test_coalescing(enum pool_id pool, void *blocks[BLOCKS], size_t size)
{
    for (unsigned i = 0; i < BLOCKS; i += 2)
        if (!pool_free(pool, blocks[i]))
            return "a block cannot be freed";
    if (pool_allocate(pool, 2 * size, 1) || !pool_statistics(pool).fragmentation_percent)
        return "scattered free blocks are taken for one";
    if (pool_free(pool, blocks[0]))
        return "a block can be freed twice";
    if (pool_free(pool, (uint8_t *)blocks[1] + 1))
        return "an address inside a block can be freed";
    for (unsigned i = 1; i < BLOCKS; i += 2)
        if (!is_marked(blocks[i], size, i) || !pool_free(pool, blocks[i]))
            return "a block is damaged by the freeing of others";
    return is_empty(pool) ? 0 : "free blocks that touch are not joined";
}

static const char *test_pool(enum pool_id pool)
{
    void *blocks[BLOCKS];
    size_t size = pool_memory(pool).size / BLOCKS;
    const char *problem = is_empty(pool) ? 0 : "a pool is in use";
    if (!problem)
        problem = test_alignment(pool);
    if (!problem)
        problem = test_exhaustion(pool, blocks, size);
    if (!problem)
        problem = test_coalescing(pool, blocks, size);
    return problem;
}

const char *pools_self_test(void)
{
    struct pool_memory memory[POOLS];
    const char *problem = 0;
    for (unsigned id = 0; id < POOLS; id++)
        memory[id] = pool_memory(id);
    for (unsigned id = 0; id < POOLS && !problem; id++)
        problem = test_pool(id);
    if (!problem)
        pools_init(memory); /* forgets the peaks */
    return problem;
}
