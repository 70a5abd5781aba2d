#include "jit/promote.h"

#include "memory/pools.h"
#include "profile/probe.h"

#define RETIRED_ALIGNMENT 4

static struct jit_counter *counter_of(const struct jit_loaded *loaded, uint32_t function)
{
    return (struct jit_counter *)(uintptr_t)loaded->environment.counters + function;
}

/* From a count to a later one: at least 1, at most what a counter holds. */
static uint32_t distance(uint64_t from, uint64_t to)
{
    if (to <= from)
        return 1;
    return to - from > UINT32_MAX ? UINT32_MAX : (uint32_t)(to - from);
}

void jit_count_on(struct jit_loaded *loaded, uint32_t number)
{
    struct jit_function *function = &loaded->functions[number];
    struct jit_counter *counter = counter_of(loaded, number), next = {UINT32_MAX, UINT32_MAX};
    const struct jit_policy *policy = &loaded->policy;
    function->calls += function->set.calls - counter->calls;
    function->back_edges += function->set.back_edges - counter->back_edges;
    bool is_promoted = policy->promotes && !function->is_stuck;
    for (unsigned level = function->code.level + 1; level < JIT_LEVELS && is_promoted; level++) {
        uint32_t calls = distance(function->calls, policy->calls[level]);
        uint32_t back_edges = distance(function->back_edges, policy->back_edges[level]);
        if (calls < next.calls)
            next.calls = calls;
        if (back_edges < next.back_edges)
            next.back_edges = back_edges;
    }
    function->set = *counter = next;
}

/* The best level that the function has deserved. */
static unsigned level_for(const struct jit_policy *policy, const struct jit_function *function)
{
    unsigned level = JIT_LEVELS - 1;
    while (level > function->code.level && function->calls < policy->calls[level] &&
           function->back_edges < policy->back_edges[level])
        level--;
    return level;
}

/* Keeps the old code for later and gives the function the new one. */
static const char *publish(struct jit_loaded *loaded, uint32_t number, const struct jit_code *made)
{
    struct jit_retired *retired = pool_allocate(POOL_METADATA, sizeof *retired, RETIRED_ALIGNMENT);
    if (!retired)
        return "no room in the JIT metadata pool: raise jit_metadata_kib";
    *retired = (struct jit_retired){loaded->retired, number, loaded->functions[number].code};
    loaded->retired = retired;
    loaded->functions[number].code = *made;
    *(volatile uint32_t *)&loaded->addresses[number] = (uint32_t)(uintptr_t)made->code;
    return 0;
}

/* Returns why there is no better code, or 0. */
static const char *compile(struct jit_loaded *loaded, uint32_t number, unsigned level, uint32_t block)
{
    struct jit_code made;
    const char *reason =
        jit_code_make(&loaded->program, &loaded->environment, number, level, block, &made);
    if (reason)
        return reason;
    reason = publish(loaded, number, &made);
    if (reason)
        jit_code_free(&made);
    return reason;
}

uint32_t jit_promote(struct jit_loaded *loaded, uint32_t number, uint32_t block, struct jit_swap *swap)
{
    struct jit_function *function = &loaded->functions[number];
    uint64_t start = probe_clock();
    jit_count_on(loaded, number);
    unsigned level = level_for(&loaded->policy, function);
    *swap = (struct jit_swap){
        .function = number, .block = block, .level = level, .calls = function->calls, .back_edges = function->back_edges};
    bool is_better = loaded->policy.promotes && level > function->code.level && !function->is_stuck;
    if (is_better) {
        swap->problem = compile(loaded, number, level, block);
        function->is_stuck = swap->problem;
        swap->code_bytes = swap->problem ? 0 : function->code.size;
        swap->compile_cycles = probe_clock() - start;
        if (!swap->problem)
            function->compile_cycles = swap->compile_cycles;
        jit_count_on(loaded, number);
    } else {
        swap->level = function->code.level;
    }
    if (block == JIT_NO_BLOCK) {
        counter_of(loaded, number)->calls++; /* the function starts again */
        return 0;
    }
    return is_better && !swap->problem ? (uint32_t)(uintptr_t)function->code.code + function->code.entry_at : 0;
}

void jit_free_retired(struct jit_loaded *loaded)
{
    for (uint32_t i = 0; loaded->retired && i < loaded->program.header->function_count; i++)
        loaded->functions[i].is_stuck = false;
    while (loaded->retired) {
        struct jit_retired *retired = loaded->retired;
        loaded->retired = retired->next;
        jit_code_free(&retired->code);
        pool_free(POOL_METADATA, retired);
    }
}
