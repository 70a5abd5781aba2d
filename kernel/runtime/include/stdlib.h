/* Part of the C standard's <stdlib.h>. Memory comes from what the module leaves free of the module arena. */
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Aligned for every type; a null pointer when there is no room. Size 0 gives a block of its own. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *memory, size_t size);
/* Stops the module when `memory` is not allocated. */
void free(void *memory);

/* Stops the module; the kernel reports an invalid opcode and goes on. */
__attribute__((noreturn)) void abort(void);

/* `function` is called when the module is unloaded, the last registered first. Not 0 when there is no memory. */
int atexit(void (*function)(void));

#ifdef __cplusplus
}
#endif
