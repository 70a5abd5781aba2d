/* What a pair of probes costs beside the time that the probes themselves see pass. */
#include "bf_formats.h"
#include "profile/probe.h"
#include "profile/profile.h"
#include "profile/records.h"

#define ROUNDS 32

static uint64_t smaller(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

/* Cycles of a call of `routine`, those that its probes saw pass left out. */
static uint64_t measure(empty_function *routine)
{
    profile_begin_call();
    uint64_t start = probe_clock();
    routine((void *)(uintptr_t)BF_MEM_MODULE_ARENA_START);
    return probe_clock() - start - RECORDS->overhead;
}

/* Of a pair around nothing, `inner` passes between its probes, `outer` before and behind. */
void profile_init(void)
{
    static const struct bf_native_function function; /* at the start of the arena */
    uint64_t inner = UINT64_MAX, with = UINT64_MAX, without = UINT64_MAX;
    profile_setup.inner = profile_setup.outer = 0;
    profile_start((const uint8_t *)"", &function, 1);
    if (!profile_setup.starts)
        return;
    for (unsigned round = 0; round < ROUNDS; round++) {
        RECORDS->functions[0].self_cycles = 0;
        with = smaller(with, measure(probe_pair));
        inner = smaller(inner, RECORDS->functions[0].self_cycles);
        without = smaller(without, measure(probe_no_pair));
    }
    profile_release(profile_finish());
    profile_setup.inner = inner;
    profile_setup.outer = with > without + inner ? with - without - inner : 0;
}

uint64_t profile_probe_inner(void)
{
    return profile_setup.inner;
}

uint64_t profile_probe_outer(void)
{
    return profile_setup.outer;
}
