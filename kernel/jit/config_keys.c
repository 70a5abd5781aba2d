/* What a configuration says of the compiler. */
#include <stddef.h>

#include "jit/passes.h"
#include "loader/config.h"

_Static_assert(JIT_LEVELS == 4, "the last level is 3");

CONFIG_MORE_KEYS = {
    CONFIG_WORD_KEY("jit_level", jit_level, "adaptive", 0, 3, CONFIG_WORD),
    CONFIG_NUMBER_KEY("jit_o1_calls", jit_calls[0], 1, 100000000, 100),
    CONFIG_NUMBER_KEY("jit_o2_calls", jit_calls[1], 1, 100000000, 1000),
    CONFIG_NUMBER_KEY("jit_o3_calls", jit_calls[2], 1, 100000000, 10000),
    CONFIG_SWITCH_KEY("jit_dump", jit_dump),
};
