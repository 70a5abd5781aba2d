/*
 * Each block has a header in front of its bytes; the headers form a list in the order of the addresses. Only the list
 * is trusted, never a pointer that a caller hands in: what is not found in it is not freed.
 */
#include "memory/heap.h"

struct heap_block {
    _Alignas(HEAP_ALIGNMENT) struct heap_block *next;
    size_t size; /* bytes, this header included */
    bool is_free;
};

#define BLOCK_MIN (sizeof(struct heap_block) + HEAP_ALIGNMENT)

static uintptr_t end_of(const struct heap_block *block)
{
    return (uintptr_t)block + block->size;
}

/* The next block when it follows without a gap, as it does unless it begins another range. */
static struct heap_block *neighbour(const struct heap_block *block)
{
    return (uintptr_t)block->next == end_of(block) ? block->next : 0;
}

static void join_free_neighbour(struct heap_block *block)
{
    struct heap_block *right = neighbour(block);
    if (block->is_free && right && right->is_free) {
        block->size += right->size;
        block->next = right->next;
    }
}

/* Cuts `block` to `size` bytes; what is left becomes a free block. */
static void split(struct heap_block *block, size_t size)
{
    struct heap_block *rest = (struct heap_block *)((uintptr_t)block + size);
    rest->next = block->next;
    rest->size = block->size - size;
    rest->is_free = true;
    block->next = rest;
    block->size = size;
}

void heap_init(struct heap *heap, void *memory, size_t size)
{
    *heap = (struct heap){0};
    heap_extend(heap, memory, size);
}

void heap_extend(struct heap *heap, void *memory, size_t size)
{
    size_t skipped = -(uintptr_t)memory % HEAP_ALIGNMENT;
    size_t given = size < skipped ? 0 : (size - skipped) / HEAP_ALIGNMENT * HEAP_ALIGNMENT;
    if (given < BLOCK_MIN)
        return;
    struct heap_block *block = (struct heap_block *)((uintptr_t)memory + skipped), *last = 0;
    *block = (struct heap_block){.size = given, .is_free = true};
    for (struct heap_block *other = heap->first; other; other = other->next)
        last = other;
    heap->size += given;
    if (!last) {
        heap->first = block;
        return;
    }
    last->next = block;
    join_free_neighbour(last);
}

void *heap_allocate(struct heap *heap, size_t size)
{
    if (size > heap->size) /* so that the sum below cannot wrap */
        return 0;
    size_t payload = (size + !size + HEAP_ALIGNMENT - 1) / HEAP_ALIGNMENT * HEAP_ALIGNMENT;
    size_t needed = sizeof(struct heap_block) + payload;
    for (struct heap_block *block = heap->first; block; block = block->next) {
        if (!block->is_free || block->size < needed)
            continue;
        if (block->size - needed >= BLOCK_MIN)
            split(block, needed);
        block->is_free = false;
        heap->used += block->size;
        if (heap->used > heap->peak)
            heap->peak = heap->used;
        return block + 1;
    }
    return 0;
}

/* The block that was handed out as `memory`, or 0; `left` becomes the one before it. */
static struct heap_block *find_used(const struct heap *heap, const void *memory, struct heap_block **left)
{
    *left = 0;
    for (struct heap_block *block = heap->first; block; *left = block, block = block->next)
        if (block + 1 == memory)
            return block->is_free ? 0 : block;
    return 0;
}

bool heap_free(struct heap *heap, void *memory)
{
    struct heap_block *left, *block = find_used(heap, memory, &left);
    if (!block)
        return !memory;
    heap->used -= block->size;
    block->is_free = true;
    join_free_neighbour(block);
    if (left)
        join_free_neighbour(left);
    return true;
}

size_t heap_usable_size(const struct heap *heap, const void *memory)
{
    struct heap_block *left, *block = find_used(heap, memory, &left);
    return block ? block->size - sizeof *block : 0;
}

uint32_t memory_fragmentation(size_t free, size_t largest_block)
{
    return free ? (uint32_t)((uint64_t)(free - largest_block) * 100 / free) : 0;
}

struct memory_statistics heap_statistics(const struct heap *heap)
{
    struct memory_statistics statistics = {
        .size = heap->size, .used = heap->used, .free = heap->size - heap->used, .peak = heap->peak};
    size_t largest = 0;
    for (const struct heap_block *block = heap->first; block; block = block->next) {
        if (!block->is_free)
            statistics.allocations++;
        else if (block->size > largest)
            largest = block->size;
    }
    if (largest)
        statistics.largest_free = largest - sizeof(struct heap_block);
    statistics.fragmentation_percent = memory_fragmentation(statistics.free, largest);
    return statistics;
}
