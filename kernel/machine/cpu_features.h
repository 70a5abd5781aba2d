/* What the CPU can do. */
#pragma once
#include <stdint.h>

/* Bits of BF_CPU_FEATURE_*. */
uint32_t cpu_features_present(void);
