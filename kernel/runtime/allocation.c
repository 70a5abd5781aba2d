/*
 * malloc and free: a heap over what the module leaves free of the module arena. A pointer that free cannot know, or one
 * that is freed twice, stops the module; so does abort.
 */
#include "bf_constants.h"
#include "include/stdlib.h"
#include "lib/string.h"
#include "memory/heap.h"

extern char module_end[]; /* of the linker script: the module's last byte and one */

static struct heap *module_heap(void)
{
    static struct heap heap;
    static bool is_ready;
    if (!is_ready) {
        heap_init(&heap, module_end, BF_MEM_MODULE_ARENA_END - (uintptr_t)module_end);
        is_ready = true;
    }
    return &heap;
}

void *malloc(size_t size)
{
    return heap_allocate(module_heap(), size);
}

void free(void *memory)
{
    if (!heap_free(module_heap(), memory))
        abort();
}

void *calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return 0;
    void *memory = malloc(total);
    return memory ? memset(memory, 0, total) : 0;
}

void *realloc(void *memory, size_t size)
{
    if (!memory)
        return malloc(size);
    size_t usable = heap_usable_size(module_heap(), memory);
    if (usable == 0)
        abort();
    if (usable >= size)
        return memory;
    void *larger = malloc(size);
    if (larger) {
        memcpy(larger, memory, usable);
        free(memory);
    }
    return larger;
}

void abort(void)
{
    __builtin_trap(); /* the kernel reports an invalid opcode */
}
