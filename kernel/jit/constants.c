#include "jit/internal.h"

const struct jit_constants jit_constants = {
    .sign = 0x8000000000000000u,
    .two_31 = 0x41e0000000000000u,
};
