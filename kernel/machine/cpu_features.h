/* What the CPU can do. */
#pragma once
#include <stdint.h>

/* Bits of BF_CPU_FEATURE_*. */
uint32_t cpu_features_present(void);

/* All features, in the order of their bits. */
struct cpu_feature {
    uint32_t cpuid_bit; /* of edx after CPUID leaf 1 */
    uint32_t feature;   /* BF_CPU_FEATURE_* */
    const char *name;   /* " SSE2", the blank included */
};
extern const struct cpu_feature cpu_feature_table[], cpu_feature_table_end[];
