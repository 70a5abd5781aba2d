/* Kernel functions that modules may call, at BF_MEM_SERVICES. They run with kernel memory read-only. */
#pragma once
#include <stdint.h>

/* Modules pass arguments on the stack; the kernel, compiled with -mregparm=3, in eax, edx and ecx. */
#ifdef __i386__
#define CALLED_BY_MODULES __attribute__((regparm(0)))
#else
#define CALLED_BY_MODULES /* a host has one convention */
#endif

typedef CALLED_BY_MODULES void (*probe)(void *function, void *caller);

struct services {
    uint32_t size; /* bytes of this table: what stands behind is not there */
    probe probe_enter;
    probe probe_leave;
};

/* Fills the table. */
void services_init(void);
