/*
 * The module's clock stands still while a probe works: each probe adds the time from its first to its last instruction
 * to the overhead, which is subtracted wherever time is read. What is left of its cost, the way into it and out of it,
 * is the same for each and was measured by profile_init.
 */
#include "profile/probe.h"

#include "interrupts/pic.h"
#include "machine/io.h"
#include "profile/records.h"

#define NO_FUNCTION PROFILE_MAX_FUNCTIONS
#define HASH_FACTOR 0x9e3779b1u /* 2^32 divided by the golden ratio; prime */

struct profile_setup profile_setup;

uint64_t probe_clock(void)
{
    uint64_t interrupts, now;
    do {
        interrupts = interrupt_cycles();
        now = rdtsc();
    } while (interrupt_cycles() != interrupts); /* once more, if there was one in between */
    return now - interrupts;
}

/* The index of the function that starts here, NO_FUNCTION when none does. */
static unsigned find_function(const void *address)
{
    uint32_t offset = (uint32_t)(uintptr_t)address - BF_MEM_MODULE_ARENA_START;
    unsigned index = 0;
    for (unsigned step = PROFILE_MAX_FUNCTIONS / 2; step; step /= 2)
        if (profile_setup.starts[index + step] <= offset)
            index += step;
    return index < profile_setup.count && profile_setup.starts[index] == offset ? index : NO_FUNCTION;
}

/* The node of `function` called from node `parent`, made if need be; NO_NODE when there is no room. */
static unsigned find_node(unsigned parent, unsigned function)
{
    struct records *records = RECORDS;
    unsigned slot = (parent * PROFILE_MAX_FUNCTIONS + function) * HASH_FACTOR / (UINT32_MAX / NODE_SLOTS + 1);
    for (unsigned tries = 0; tries < NODE_SLOTS; tries++, slot = (slot + 1) % NODE_SLOTS) {
        unsigned node = records->slots[slot] - 1u;
        if (records->slots[slot] == 0) {
            if (records->node_count >= PROFILE_MAX_NODES)
                return NO_NODE;
            node = records->node_count++;
            records->slots[slot] = (uint16_t)(node + 1);
            records->nodes[node] = (struct call_node){.parent = (uint16_t)parent, .function = (uint16_t)function};
            return node;
        }
        if (node < PROFILE_MAX_NODES && records->nodes[node].parent == parent &&
            records->nodes[node].function == function)
            return node;
    }
    return NO_NODE;
}

static void enter(unsigned function, uint64_t now)
{
    struct records *records = RECORDS;
    records->functions[function].calls++;
    uint32_t depth = records->depth++;
    if (depth >= PROFILE_MAX_DEPTH)
        return;
    records->functions[function].active++;
    struct frame *frame = &records->frames[depth];
    *frame = (struct frame){.function = (uint16_t)function, .node = NO_NODE, .start = now};
    if (depth) {
        frame->node = frame[-1].node;
        frame->dropped = frame[-1].dropped;
    }
    if (frame->dropped)
        return;
    unsigned node = find_node(frame->node, function);
    if (node < PROFILE_MAX_NODES) {
        records->nodes[node].calls++;
        frame->node = (uint16_t)node;
    } else {
        frame->dropped = 1;
    }
}

static uint64_t since(uint64_t start, uint64_t end)
{
    return (int64_t)(end - start) > 0 ? end - start : 0;
}

/* Does nothing when the call on top of the stack is one of another function. */
static void leave(unsigned function, uint64_t now)
{
    struct records *records = RECORDS;
    uint32_t depth = records->depth;
    if (depth > PROFILE_MAX_DEPTH)
        records->depth--;
    if (depth == 0 || depth > PROFILE_MAX_DEPTH)
        return;
    struct function_record *record = &records->functions[function];
    struct frame *frame = &records->frames[depth - 1];
    if (frame->function != function)
        return;
    records->depth--;
    uint64_t inclusive = since(frame->start, now);
    uint64_t self = since(frame->callees, inclusive);
    record->self_cycles += self;
    if (frame->node < PROFILE_MAX_NODES)
        records->nodes[frame->node].self_cycles += self;
    if (depth > 1)
        frame[-1].callees += inclusive;
    if (--record->active == 0)
        statistics_add(&record->inclusive, inclusive);
}

void probe_enter(void *address)
{
    uint64_t arrival = probe_clock();
    if (!profile_setup.starts)
        return;
    unsigned function = find_function(address);
    if (function != NO_FUNCTION)
        enter(function, arrival - RECORDS->overhead - profile_setup.outer);
    RECORDS->overhead += profile_setup.outer + probe_clock() - arrival;
}

void probe_leave(void *address)
{
    uint64_t arrival = probe_clock();
    if (!profile_setup.starts)
        return;
    unsigned function = find_function(address);
    if (function != NO_FUNCTION)
        leave(function, arrival - RECORDS->overhead - profile_setup.inner);
    RECORDS->overhead += profile_setup.inner + probe_clock() - arrival;
}
