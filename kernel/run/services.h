/* Kernel functions that modules may call, at BF_MEM_SERVICES. They run with kernel memory read-only. */
#pragma once
#include <stdint.h>

struct services {
    uint32_t size; /* bytes of this table: what stands behind is not there */
    void (*probe_enter)(void *function, void *caller);
    void (*probe_leave)(void *function, void *caller);
};

/* Fills the table. */
void services_init(void);
