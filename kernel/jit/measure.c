#include "jit/measure.h"

#include "interrupts/timer.h"
#include "jit/dump.h"
#include "loader/loader.h"

#define MOST_FUNCTIONS 8
#define LEVEL 0 /* to compare with */

struct measuring {
    struct jit_loaded *loaded;
    struct module *module;
    uint32_t start, limit_ms;
};

/* A call in the arena that the first call had, so that all have the same to do. It is made twice, and the second counts:
 * code that runs for the first time waits for caches, and in QEMU to be translated. False when nothing more is to be
 * measured. */
static bool call(const struct measuring *measuring, uint64_t *cycles)
{
    bool goes_on = true;
    for (unsigned i = 0; i < 2 && goes_on; i++) {
        uint32_t spent = timer_ticks() - measuring->start;
        jit_set_up_arena(measuring->loaded);
        goes_on = spent < measuring->limit_ms &&
                  loader_call_again(measuring->module, measuring->limit_ms - spent, cycles);
    }
    return goes_on;
}

static void put_code(struct jit_loaded *loaded, uint32_t number, const struct jit_code *code)
{
    loaded->functions[number].code = *code;
    loaded->addresses[number] = (uint32_t)(uintptr_t)code->code;
}

/* The same with a function at the level that it began with. */
static bool call_without(const struct measuring *measuring, uint32_t number, uint64_t *cycles)
{
    struct jit_loaded *loaded = measuring->loaded;
    struct jit_code better = loaded->functions[number].code, made;
    if (jit_code_make(&loaded->program, &loaded->environment, number, LEVEL, JIT_NO_BLOCK, &made))
        return false;
    put_code(loaded, number, &made);
    bool goes_on = call(measuring, cycles);
    put_code(loaded, number, &better);
    jit_code_free(&made);
    return goes_on;
}

/* Of the functions with better code that were not measured, the one with most calls; 0 when there is none. */
static struct jit_function_summary *next_function(struct jit_summary *summary)
{
    struct jit_function_summary *found = 0;
    for (uint32_t i = 0; i < summary->count; i++) {
        struct jit_function_summary *function = &summary->functions[i];
        if (function->level > LEVEL && !function->cycles_before && (!found || function->calls > found->calls))
            found = function;
    }
    return found;
}

void jit_measure(struct jit_loaded *loaded, struct module *module, const struct config *config)
{
    struct measuring measuring = {loaded, module, timer_ticks(), config->time_limit_ms};
    struct jit_function_summary *function = next_function(module->summary);
    uint64_t before, after;
    loaded->policy.promotes = false;
    jit_observe = 0; /* level 0 was seen already */
    bool goes_on = function && call(&measuring, &after);
    for (unsigned i = 0; i < MOST_FUNCTIONS && function && goes_on; i++) {
        goes_on = call_without(&measuring, function->number, &before);
        if (goes_on) {
            function->cycles_before = before;
            function->cycles_after = after;
        }
        function = next_function(module->summary);
    }
}
