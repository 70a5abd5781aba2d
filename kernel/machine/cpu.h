/* Which CPU this is. Intel SDM volume 2, CPUID. */
#pragma once
#include <stdint.h>

#define CPU_VENDOR_SIZE 13 /* 12 characters and NUL */
#define CPU_BRAND_SIZE 49  /* 48 characters and NUL */

struct cpu_identity {
    char vendor[CPU_VENDOR_SIZE];
    char brand[CPU_BRAND_SIZE]; /* "" when the CPU has none */
    uint32_t family, model, stepping; /* extended parts included */
};

void cpu_identify(struct cpu_identity *identity);
