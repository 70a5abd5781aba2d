/* Every operation on 64-bit integers and floating point that C has, and the builtins for bits: compilers make calls of
 * some of them on a 32-bit machine. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define UNARY(name, result, type, expression) \
    result name(type a)                       \
    {                                         \
        return expression;                    \
    }
#define BINARY(name, result, type, expression) \
    result name(type a, type b)                \
    {                                          \
        return expression;                     \
    }
#define INTEGER(prefix, type)                                \
    BINARY(prefix##_sum, type, type, a + b)                  \
    BINARY(prefix##_product, type, type, a *b)               \
    BINARY(prefix##_quotient, type, type, a / b)             \
    BINARY(prefix##_remainder, type, type, a % b)            \
    BINARY(prefix##_both, type, type, a / b ^ a % b)         \
    BINARY(prefix##_order, bool, type, a < b)                \
    BINARY(prefix##_shifted_left, type, type, a << (b & 31)) \
    BINARY(prefix##_shifted_right, type, type, a >> (b & 31)) \
    UNARY(prefix##_negative, type, type, -a)                 \
    UNARY(prefix##_by_constant, type, type, a / 10 + a % 1000) \
    UNARY(prefix##_to_double, double, type, (double)a)       \
    UNARY(prefix##_to_float, float, type, (float)a)          \
    UNARY(prefix##_of_double, type, double, (type)a)         \
    UNARY(prefix##_of_float, type, float, (type)a)

INTEGER(i32, int32_t)
INTEGER(u32, uint32_t)
INTEGER(i64, int64_t)
INTEGER(u64, uint64_t)

#define OVERFLOWING(name, type)                                                   \
    bool name(type a, type b, type *results)                                      \
    {                                                                             \
        bool sum = __builtin_add_overflow(a, b, results);                         \
        bool difference = __builtin_sub_overflow(a, b, results + 1);              \
        bool product = __builtin_mul_overflow(a, b, results + 2);                 \
        return sum || difference || product;                                      \
    }

OVERFLOWING(i32_overflow, int32_t)
OVERFLOWING(u32_overflow, uint32_t)
OVERFLOWING(i64_overflow, int64_t)
OVERFLOWING(u64_overflow, uint64_t)

UNARY(ones_32, int, uint32_t, __builtin_popcount(a))
UNARY(ones_64, int, uint64_t, __builtin_popcountll(a))
UNARY(leading_32, int, uint32_t, __builtin_clz(a))
UNARY(leading_64, int, uint64_t, __builtin_clzll(a))
UNARY(trailing_32, int, uint32_t, __builtin_ctz(a))
UNARY(trailing_64, int, uint64_t, __builtin_ctzll(a))
UNARY(first_32, int, int32_t, __builtin_ffs(a))
UNARY(first_64, int, int64_t, __builtin_ffsll(a))
UNARY(parity_32, int, uint32_t, __builtin_parity(a))
UNARY(parity_64, int, uint64_t, __builtin_parityll(a))
UNARY(signs_32, int, int32_t, __builtin_clrsb(a))
UNARY(signs_64, int, int64_t, __builtin_clrsbll(a))
UNARY(swapped_64, uint64_t, uint64_t, __builtin_bswap64(a))

#define REAL(prefix, type)                           \
    BINARY(prefix##_sum, type, type, a + b)          \
    BINARY(prefix##_product, type, type, a *b)       \
    BINARY(prefix##_quotient, type, type, a / b)     \
    BINARY(prefix##_order, bool, type, a < b)        \
    BINARY(prefix##_greater, type, type, a > b ? a : b) \
    UNARY(prefix##_negative, type, type, -a)         \
    UNARY(prefix##_to_bool, bool, type, (bool)a)

REAL(float, float)
REAL(double, double)
REAL(long_double, long double)
UNARY(narrowed, float, double, (float)a)
UNARY(widened, double, float, a)
UNARY(long_of_i64, long double, int64_t, a)
UNARY(long_of_u64, long double, uint64_t, a)
UNARY(i64_of_long, int64_t, long double, (int64_t)a)
UNARY(u64_of_long, uint64_t, long double, (uint64_t)a)

uint64_t atomics(_Atomic uint64_t *shared, uint64_t value)
{
    uint64_t expected = atomic_exchange(shared, value);
    atomic_compare_exchange_strong(shared, &expected, value + 1);
    return atomic_fetch_add(shared, value) ^ atomic_load(shared);
}

struct large {
    int words[100];
};

void copied(struct large *to, const struct large *from)
{
    *to = *from;
}

void cleared(struct large *each)
{
    *each = (struct large){0};
}

int selected(int number)
{
    switch (number) {
    case 1: return 7;
    case 2: return 11;
    case 3: return 3;
    case 4: return 10;
    case 5: return 99;
    }
    return 0;
}
