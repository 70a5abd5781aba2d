#include "jit/forms.h"

static bool is_term(struct term a, struct term b)
{
    return a.symbol == b.symbol && a.factor == b.factor;
}

bool form_is_same(const struct term *a, const struct term *b)
{
    return (is_term(a[0], b[0]) && is_term(a[1], b[1])) || (is_term(a[0], b[1]) && is_term(a[1], b[0]));
}

/* Adds a term that is not 0. False when there are too many. */
static bool add_term(struct form *form, struct term term)
{
    struct term *place = 0;
    for (struct term *other = form->terms; other < form->terms + TERMS; other++) {
        if (other->factor == 0 ? !place : other->symbol == term.symbol)
            place = other;
    }
    if (!place)
        return false;
    term.factor += place->factor;
    *place = term.factor ? term : (struct term){0};
    return true;
}

bool form_add(struct form *form, const struct form *other, uint32_t factor)
{
    form->number += other->number * factor;
    for (unsigned i = 0; i < TERMS; i++) {
        struct term term = {other->terms[i].symbol, other->terms[i].factor * factor};
        if (term.factor && !add_term(form, term))
            return false;
    }
    return true;
}
