/*
 * Mixed 32-bit and 64-bit integer arithmetic: multiply, divide, remainder, shifts, signed and unsigned.
 *
 * n is the number of operations. Each is picked from a table of functions by generated data and works on a
 * running 64-bit value. The answer is a checksum of that value after every operation.
 *
 * On a 32-bit machine 64-bit division is a call (__udivdi3, __umoddi3, __divdi3, __moddi3). No operation needs
 * quotient and remainder of the same pair: gcc would then call __udivmoddi4, a fifth helper to supply.
 */
#include "module.h"

typedef uint64_t operation(uint64_t value, uint32_t operand);

static uint64_t multiply_add(uint64_t value, uint32_t operand)
{
    return value * 6364136223846793005u + operand;
}

static uint64_t multiply_high(uint64_t value, uint32_t operand)
{
    uint64_t low = (value & 0xFFFFFFFFu) * operand;
    uint64_t high = (value >> 32) * operand;

    return value ^ (high + (low >> 32));
}

static uint64_t divide_unsigned(uint64_t value, uint32_t operand)
{
    return ~value / (operand | 1);
}

static uint64_t remainder_unsigned(uint64_t value, uint32_t operand)
{
    uint64_t divisor = ((uint64_t)operand << 20) | 1;

    return (value << 13) + value % divisor;
}

/* The divisors below are positive: INT64_MIN / -1 and INT32_MIN / -1 have no defined result. */
static uint64_t divide_signed(uint64_t value, uint32_t operand)
{
    int64_t divisor = (int64_t)operand + 3;

    return value - (uint64_t)((int64_t)value / divisor);
}

static uint64_t remainder_signed(uint64_t value, uint32_t operand)
{
    int64_t divisor = (int64_t)operand * 77777 + 5;

    return value ^ (uint64_t)((int64_t)(value * 3) % divisor);
}

static uint64_t shift(uint64_t value, uint32_t operand)
{
    unsigned count = operand & 63;
    uint64_t logical = value >> count;
    uint64_t arithmetic = (uint64_t)((int64_t)~value >> (63 - count));

    return (value << count) ^ logical ^ arithmetic ^ operand;
}

static uint64_t narrow(uint64_t value, uint32_t operand)
{
    int32_t low = (int32_t)(uint32_t)value;
    int32_t divisor = (int32_t)(operand & 0xFFFF) + 2;
    uint32_t quotient = (uint32_t)value / (operand | 1);

    return value + (uint64_t)(int64_t)(low / divisor) + ((uint64_t)quotient << 32) + (uint32_t)(low % 1021);
}

static operation *const operations[8] = {
    multiply_add, multiply_high, divide_unsigned, remainder_unsigned, divide_signed, remainder_signed, shift, narrow,
};

uint32_t compute_main(uint32_t n)
{
    uint32_t random = n;
    uint64_t value = n;
    uint32_t checksum = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t operand = next_random(&random);

        value = operations[operand >> 21](value, operand);
        checksum = mix(checksum, (uint32_t)value);
        checksum = mix(checksum, (uint32_t)(value >> 32));
    }
    return checksum;
}
