/*
 * A heap over memory that the caller gives: first fit, blocks that touch are joined when they are freed. The kernel has
 * one (kernel_heap); the runtime of native modules makes its own over the rest of the module arena from this source.
 * Not for interrupt handlers: a call must not be interrupted by another on the same heap.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_ALIGNMENT 16

struct heap_block;

struct heap {
    struct heap_block *first; /* all blocks in the order of their addresses */
    size_t used;              /* bytes handed out, headers and padding included */
    size_t peak;              /* most bytes ever used */
    size_t size;              /* bytes given to the heap */
};

/* What a heap or a pool has to say of itself, in bytes. */
struct memory_statistics {
    size_t size;
    size_t used;
    size_t free;
    size_t peak;
    size_t largest_free;  /* the largest block that could be handed out */
    uint32_t allocations; /* blocks handed out now */
    uint32_t fragmentation_percent; /* of the free bytes, those outside the largest free block; 0 when none is free */
};

/* Ends that are not HEAP_ALIGNMENT-aligned are left out; a size too small for one block makes an empty heap. */
void heap_init(struct heap *heap, void *memory, size_t size);

/* Adds a second range, at a higher address, that need not touch the first. */
void heap_extend(struct heap *heap, void *memory, size_t size);

/* Returns HEAP_ALIGNMENT-aligned memory, 0 when no block is large enough. Size 0 gives a block of its own. */
void *heap_allocate(struct heap *heap, size_t size);

/* `memory` is 0 or what heap_allocate returned. False, and nothing done, when it is neither, or was freed before. */
bool heap_free(struct heap *heap, void *memory);

/* The bytes that may be used at `memory`, which heap_allocate returned: what was asked for, or a little more.
 * 0 when it was not handed out. */
size_t heap_usable_size(const struct heap *heap, const void *memory);

struct memory_statistics heap_statistics(const struct heap *heap);

/* 100 * rest / free, rounded down, where rest is what `free` bytes have outside their largest block. */
uint32_t memory_fragmentation(size_t free, size_t largest_block);

/* The kernel's own heap, BF_MEM_HEAP. */
extern struct heap kernel_heap;
void kernel_heap_init(void);
void *kernel_allocate(size_t size);
void kernel_free(void *memory);
