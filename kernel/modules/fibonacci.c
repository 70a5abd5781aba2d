/*
 * Fibonacci numbers by plain double recursion: almost nothing but calls and returns.
 *
 * n is the index of the number; the work grows by 1.6 with each step, the stack by one frame.
 * The answer is the n-th Fibonacci number modulo 2^32 (0, 1, 1, 2, 3, 5, ...).
 */
#include "module.h"

static uint32_t fibonacci(uint32_t n)
{
    if (n < 2)
        return n;
    return fibonacci(n - 1) + fibonacci(n - 2);
}

uint32_t fibonacci_main(uint32_t n)
{
    return fibonacci(n);
}
