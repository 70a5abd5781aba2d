/*
 * What pattern programs import, and what COPY and FILL do. Compiled as module code is, with SSE; a trap is an invalid
 * instruction, which the operation that called gets its name from.
 */
#include "jit/helpers.h"

#include <stdbool.h>

#include "jit/compile.h"
#include <math.h>

/* Of kernel/lib, which is compiled for arguments in registers. */
__attribute__((regparm(3))) uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
__attribute__((regparm(3))) uint64_t __umoddi3(uint64_t dividend, uint64_t divisor);
__attribute__((regparm(3))) int64_t __divdi3(int64_t dividend, int64_t divisor);
__attribute__((regparm(3))) int64_t __moddi3(int64_t dividend, int64_t divisor);

#define TWO_52 0x1p52
#define TWO_63 0x1p63
#define HEAP_ALIGNMENT 16

static bool overflows(int64_t a, int64_t b)
{
    return b == 0 || (a == INT64_MIN && b == -1);
}

static uint64_t div_u64(uint64_t a, uint64_t b)
{
    if (b == 0)
        __builtin_trap();
    return __udivdi3(a, b);
}

static uint64_t rem_u64(uint64_t a, uint64_t b)
{
    if (b == 0)
        __builtin_trap();
    return __umoddi3(a, b);
}

static int64_t div_s64(int64_t a, int64_t b)
{
    if (overflows(a, b))
        __builtin_trap();
    return __divdi3(a, b);
}

static int64_t rem_s64(int64_t a, int64_t b)
{
    if (overflows(a, b))
        __builtin_trap();
    return __moddi3(a, b);
}

static float f32_from_s64(int64_t a)
{
    return (float)a;
}

static float f32_from_u64(uint64_t a)
{
    return (float)a;
}

static double f64_from_s64(int64_t a)
{
    return (double)a;
}

static double f64_from_u64(uint64_t a)
{
    return (double)a;
}

static int64_t s64_from_f64(double a)
{
    return a >= -TWO_63 && a < TWO_63 ? (int64_t)a : INT64_MIN;
}

static int64_t u64_from_f64(double a)
{
    return a < TWO_63 ? s64_from_f64(a) : s64_from_f64(a - TWO_63) ^ INT64_MIN;
}

static double trunc_f64(double a)
{
    return signbit(a) ? ceil(a) : floor(a);
}

/* `a` has the sign of `of`. */
static double with_sign(double a, double of)
{
    return signbit(of) ? -fabs(a) : fabs(a);
}

/* From 2^52 on there is no fraction; the sum is rounded to even. */
static double round_even(double a)
{
    volatile double sum = fabs(a) + TWO_52;
    return fabs(a) < TWO_52 ? with_sign(sum - TWO_52, a) : a;
}

static double round_away(double a)
{
    double whole = trunc_f64(a);
    return fabs(a) < TWO_52 ? with_sign(whole + trunc_f64(2 * (a - whole)), a) : a;
}

static uint32_t allocate(struct jit_state *state, uint32_t size)
{
    uint32_t units = size / HEAP_ALIGNMENT + (size % HEAP_ALIGNMENT != 0);
    uint32_t address = state->heap, free = state->heap_end > address ? state->heap_end - address : 0;
    units += !units;
    if (units > free / HEAP_ALIGNMENT)
        return 0;
    state->heap += units * HEAP_ALIGNMENT;
    return address;
}

static uint8_t *checked(const struct jit_state *state, uint32_t address, uint32_t length)
{
    if (address < BF_ARENA_START || length > state->arena_size || address > state->arena_size - length)
        __builtin_trap();
    return (uint8_t *)(uintptr_t)(state->arena + address);
}

static void copy(const struct jit_state *state, uint32_t to, uint32_t from, uint32_t length)
{
    if (length == 0)
        return;
    uint8_t *target = checked(state, to, length);
    const uint8_t *source = checked(state, from, length);
    if (to - from >= length) {
        uint32_t words = length / 4, bytes = length % 4;
        __asm__ volatile("rep movsl" : "+D"(target), "+S"(source), "+c"(words) : : "memory");
        __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(bytes) : : "memory");
        return;
    }
    /* The target begins within the source: from the end on. */
    target += length - 1;
    source += length - 1;
    __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(target), "+S"(source), "+c"(length) : : "memory");
}

static void fill(const struct jit_state *state, uint32_t to, uint32_t value, uint32_t length)
{
    if (length == 0)
        return;
    uint8_t *target = checked(state, to, length);
    uint32_t words = length / 4, bytes = length % 4, pattern = (uint8_t)value * 0x01010101u;
    __asm__ volatile("rep stosl" : "+D"(target), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(target), "+c"(bytes) : "a"(pattern) : "memory");
}

#define HELPER(number, function) [number] = (void (*)(void))function

void (*const jit_helpers[HELPERS])(void) = {
    HELPER(BF_HELPER_DIV_U64, div_u64),
    HELPER(BF_HELPER_DIV_S64, div_s64),
    HELPER(BF_HELPER_REM_U64, rem_u64),
    HELPER(BF_HELPER_REM_S64, rem_s64),
    HELPER(BF_HELPER_F32_FROM_S64, f32_from_s64),
    HELPER(BF_HELPER_F32_FROM_U64, f32_from_u64),
    HELPER(BF_HELPER_F64_FROM_S64, f64_from_s64),
    HELPER(BF_HELPER_F64_FROM_U64, f64_from_u64),
    HELPER(BF_HELPER_S64_FROM_F64, s64_from_f64),
    HELPER(BF_HELPER_U64_FROM_F64, u64_from_f64),
    HELPER(BF_HELPER_FLOOR, floor),
    HELPER(BF_HELPER_CEIL, ceil),
    HELPER(BF_HELPER_TRUNC, trunc_f64),
    HELPER(BF_HELPER_ROUND_EVEN, round_even),
    HELPER(BF_HELPER_ROUND, round_away),
    HELPER(BF_HELPER_SIN, sin),
    HELPER(BF_HELPER_COS, cos),
    HELPER(BF_HELPER_EXP, exp),
    HELPER(BF_HELPER_LOG, log),
    HELPER(BF_HELPER_FMOD, fmod),
    HELPER(BF_HELPER_ALLOCATE, allocate),
    HELPER(HELPER_COPY, copy),
    HELPER(HELPER_FILL, fill),
};
