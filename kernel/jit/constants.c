#include "jit/internal.h"

#define SIGN 0x8000000000000000u
#define SIGN_F32 0x80000000u

_Alignas(16) const struct jit_constants jit_constants = {
    .sign = {SIGN},
    .magnitude = {~SIGN},
    .sign_f32 = {SIGN_F32},
    .magnitude_f32 = {~SIGN_F32 & UINT32_MAX},
    .two_31 = 0x41e0000000000000u,
};
