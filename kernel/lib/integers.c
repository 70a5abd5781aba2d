/*
 * 64-bit integers, which i686 has only halves of: what compilers may call by name (libgcc's names and meaning) besides
 * division. Everything here is written with 32-bit operations, so that no routine becomes a call of itself.
 */
#include <stdint.h>

int64_t __muldi3(int64_t a, int64_t b);
int64_t __ashldi3(int64_t value, int count);
int64_t __ashrdi3(int64_t value, int count);
int64_t __lshrdi3(int64_t value, int count);
int __clzdi2(uint64_t value);
int __ctzdi2(uint64_t value);
int __ffsdi2(uint64_t value);
int __clrsbsi2(int32_t value);
int __clrsbdi2(int64_t value);
int __paritydi2(uint64_t value);
int __popcountsi2(uint32_t value);
int __popcountdi2(uint64_t value);

static inline uint32_t low_half(uint64_t value)
{
    return (uint32_t)value;
}

static inline uint32_t high_half(uint64_t value)
{
    return (uint32_t)(value >> 32);
}

static inline int64_t joined(uint32_t high, uint32_t low)
{
    return (int64_t)((uint64_t)high << 32 | low);
}

int64_t __muldi3(int64_t a, int64_t b)
{
    uint32_t a_low = low_half((uint64_t)a), b_low = low_half((uint64_t)b);
    uint64_t low = (uint64_t)a_low * b_low;
    uint32_t crossed = high_half((uint64_t)a) * b_low + high_half((uint64_t)b) * a_low;
    return joined(high_half(low) + crossed, low_half(low));
}

/* The count of a shift is 0 to 63, as C wants it. */
int64_t __ashldi3(int64_t value, int count)
{
    uint32_t high = high_half((uint64_t)value), low = low_half((uint64_t)value);
    if (count >= 32)
        return joined(low << (count - 32), 0);
    if (count == 0)
        return value;
    return joined(high << count | low >> (32 - count), low << count);
}

int64_t __lshrdi3(int64_t value, int count)
{
    uint32_t high = high_half((uint64_t)value), low = low_half((uint64_t)value);
    if (count >= 32)
        return joined(0, high >> (count - 32));
    if (count == 0)
        return value;
    return joined(high >> count, low >> count | high << (32 - count));
}

int64_t __ashrdi3(int64_t value, int count)
{
    int32_t high = (int32_t)high_half((uint64_t)value);
    uint32_t low = low_half((uint64_t)value);
    if (count >= 32)
        return joined((uint32_t)(high >> 31), (uint32_t)(high >> (count - 32)));
    if (count == 0)
        return value;
    return joined((uint32_t)(high >> count), low >> count | (uint32_t)high << (32 - count));
}

/* Leading zeros; the value is not 0. */
int __clzdi2(uint64_t value)
{
    return high_half(value) ? __builtin_clz(high_half(value)) : 32 + __builtin_clz(low_half(value));
}

/* Trailing zeros; the value is not 0. */
int __ctzdi2(uint64_t value)
{
    return low_half(value) ? __builtin_ctz(low_half(value)) : 32 + __builtin_ctz(high_half(value));
}

/* 1 + the number of the lowest bit that is set, 0 when none is. */
int __ffsdi2(uint64_t value)
{
    return value ? __ctzdi2(value) + 1 : 0;
}

/* How many bits behind the sign bit are equal to it. */
int __clrsbsi2(int32_t value)
{
    uint32_t different = (uint32_t)(value ^ value >> 31);
    return different ? __builtin_clz(different) - 1 : 31;
}

int __clrsbdi2(int64_t value)
{
    int32_t high = (int32_t)high_half((uint64_t)value);
    int32_t sign = high >> 31;
    uint32_t different = (uint32_t)(high ^ sign);
    if (different)
        return __builtin_clz(different) - 1;
    different = low_half((uint64_t)value) ^ (uint32_t)sign;
    return different ? 31 + __builtin_clz(different) : 63;
}

/* Sums of 1, 2, 4 bits side by side, then of four bytes by one multiplication. */
int __popcountsi2(uint32_t value)
{
    value -= value >> 1 & 0x55555555;
    value = (value & 0x33333333) + (value >> 2 & 0x33333333);
    value = (value + (value >> 4)) & 0x0f0f0f0f;
    return (int)(value * 0x01010101 >> 24);
}

int __popcountdi2(uint64_t value)
{
    return __popcountsi2(high_half(value)) + __popcountsi2(low_half(value));
}

int __paritydi2(uint64_t value)
{
    return __popcountdi2(value) & 1;
}
