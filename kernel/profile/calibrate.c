/* What a pair of probes costs beside the time that the probes themselves see pass. */
#include "bf_formats.h"
#include "profile/probe.h"
#include "profile/profile.h"
#include "profile/records.h"

#define ROUNDS 32

/* A module's way to the probes: it calls a routine that jumps through a table. */
static const volatile probe probe_table[] = {bf_probe_enter, bf_probe_leave};

static __attribute__((noinline)) CALLED_BY_MODULES void enter_hook(void *function, void *caller)
{
    probe_table[0](function, caller);
}

static __attribute__((noinline)) CALLED_BY_MODULES void leave_hook(void *function, void *caller)
{
    probe_table[1](function, caller);
}

static void keep_smaller(uint64_t *least, uint64_t value)
{
    if (value < *least)
        *least = value;
}

/* A pair around nothing: `inner` passes between its probes, `outer` before and behind. */
void profile_init(void)
{
    static const struct bf_native_function function; /* at the start of the arena */
    void *address = (void *)(uintptr_t)BF_MEM_MODULE_ARENA_START;
    uint64_t inner = UINT64_MAX, outer = UINT64_MAX;
    profile_setup.inner = profile_setup.outer = 0;
    profile_start((const uint8_t *)"", &function, 1);
    if (!profile_setup.starts)
        return;
    for (unsigned round = 0; round < ROUNDS; round++) {
        RECORDS->functions[0].self_cycles = 0;
        profile_begin_call();
        uint64_t start = probe_clock();
        enter_hook(address, address);
        leave_hook(address, address);
        uint64_t end = probe_clock();
        uint64_t clock = probe_clock() - end;
        uint64_t between = RECORDS->functions[0].self_cycles;
        uint64_t around = end - start - RECORDS->overhead - between;
        keep_smaller(&inner, between);
        keep_smaller(&outer, around > clock ? around - clock : 0);
    }
    profile_release(profile_finish());
    profile_setup.inner = inner;
    profile_setup.outer = outer;
}

uint64_t profile_probe_inner(void)
{
    return profile_setup.inner;
}

uint64_t profile_probe_outer(void)
{
    return profile_setup.outer;
}
