/* What the kernel calls in a native module besides its entry, through the offsets in the module's table. */
#pragma once
#include <stdint.h>

/* Before the first call. The argument is not used: guard_call gives every function one. Returns 0. */
uint32_t bf_module_init(uint32_t unused);

/* After the last call. Returns 0. The module cannot be called again without being loaded again. */
uint32_t bf_module_fini(uint32_t unused);
