/* Sums of multiples of registers, and a number: what addresses are made of. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define TERMS 2

/* The value that a register has at the block's start, or that the n-th operation writes to it, n from 1 on. */
#define SYMBOL(n, number) ((n) << 8 | (number))
#define SYMBOL_REGISTER(symbol) ((uint8_t)(symbol))

struct term {
    uint32_t symbol, factor; /* both 0 for none */
};

/* Terms stand in any order. */
struct form {
    struct term terms[TERMS];
    uint32_t number;
};

bool form_is_same(const struct term *a, const struct term *b);

/* Adds a multiple of another form. False when there are too many terms. */
bool form_add(struct form *form, const struct form *other, uint32_t factor);
