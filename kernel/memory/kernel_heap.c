#include "bf_formats.h"
#include "memory/heap.h"

struct heap kernel_heap;

void kernel_heap_init(void)
{
    heap_init(&kernel_heap, (void *)BF_MEM_HEAP_START, BF_MEM_HEAP_SIZE);
}

void *kernel_allocate(size_t size)
{
    return heap_allocate(&kernel_heap, size);
}

void kernel_free(void *memory)
{
    heap_free(&kernel_heap, memory);
}
