/*
 * 64-bit division, which i686 has no instruction for. Compilers call these by name (libgcc's names and meaning).
 * Division by zero traps, as the 32-bit instruction does.
 */
#include <stdint.h>

uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *remainder);
int64_t __divmoddi4(int64_t dividend, int64_t divisor, int64_t *remainder);
uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t __umoddi3(uint64_t dividend, uint64_t divisor);
int64_t __divdi3(int64_t dividend, int64_t divisor);
int64_t __moddi3(int64_t dividend, int64_t divisor);

/* high:low / divisor. The caller makes sure that high < divisor, so that the quotient has 32 bits. */
static uint32_t divide_64_by_32(uint32_t high, uint32_t low, uint32_t divisor, uint32_t *remainder)
{
    uint32_t quotient;
    __asm__("divl %4" : "=a"(quotient), "=d"(*remainder) : "0"(low), "1"(high), "rm"(divisor));
    return quotient;
}

/* A divisor of 32 bits: long division with two digits of 32 bits. */
static uint64_t divide_by_word(uint64_t dividend, uint32_t divisor, uint64_t *remainder)
{
    uint32_t high = (uint32_t)(dividend >> 32), rest;
    uint32_t quotient_high = high / divisor;
    uint32_t quotient_low = divide_64_by_32(high % divisor, (uint32_t)dividend, divisor, &rest);
    *remainder = rest;
    return (uint64_t)quotient_high << 32 | quotient_low;
}

/*
 * A divisor of more than 32 bits: the quotient has one digit. Dividing by the divisor's top 32 bits alone estimates
 * it, at most one too high once 1 is taken off (Knuth, TAOCP volume 2, 4.3.1, for normalised divisors).
 */
static uint64_t divide_by_double_word(uint64_t dividend, uint64_t divisor, uint64_t *remainder)
{
    int shift = __builtin_clz((uint32_t)(divisor >> 32));
    uint32_t top = (uint32_t)(divisor << shift >> 32), rest;
    uint64_t halved = dividend >> 1; /* so that its high word is below `top`, whose top bit is set */
    uint32_t estimate = divide_64_by_32((uint32_t)(halved >> 32), (uint32_t)halved, top, &rest);
    uint64_t quotient = (uint64_t)estimate << shift >> 31;
    if (quotient)
        quotient--;
    uint64_t left = dividend - quotient * divisor;
    if (left >= divisor) {
        quotient++;
        left -= divisor;
    }
    *remainder = left;
    return quotient;
}

uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *remainder)
{
    uint64_t left;
    uint64_t quotient = divisor >> 32 ? divide_by_double_word(dividend, divisor, &left)
                                      : divide_by_word(dividend, (uint32_t)divisor, &left);
    if (remainder)
        *remainder = left;
    return quotient;
}

/* Rounds towards zero; the remainder has the dividend's sign. */
int64_t __divmoddi4(int64_t dividend, int64_t divisor, int64_t *remainder)
{
    uint64_t left;
    uint64_t quotient = __udivmoddi4(dividend < 0 ? -(uint64_t)dividend : (uint64_t)dividend,
                                     divisor < 0 ? -(uint64_t)divisor : (uint64_t)divisor, &left);
    if (remainder)
        *remainder = (int64_t)(dividend < 0 ? -left : left);
    return (int64_t)((dividend < 0) != (divisor < 0) ? -quotient : quotient);
}

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor)
{
    return __udivmoddi4(dividend, divisor, 0);
}

uint64_t __umoddi3(uint64_t dividend, uint64_t divisor)
{
    uint64_t remainder;
    __udivmoddi4(dividend, divisor, &remainder);
    return remainder;
}

int64_t __divdi3(int64_t dividend, int64_t divisor)
{
    return __divmoddi4(dividend, divisor, 0);
}

int64_t __moddi3(int64_t dividend, int64_t divisor)
{
    int64_t remainder;
    __divmoddi4(dividend, divisor, &remainder);
    return remainder;
}
