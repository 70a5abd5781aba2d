/* The machine below the profiler, for test_profile.py: its memory, its clock and a module that calls the probes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "interrupts/pic.h"
#include "memory/heap.h"
#include "profile/probe.h"
#include "profile/records.h"

#define MARGIN 4096                                      /* bytes before the records that nobody may write */
#define REACH (UINT16_MAX * sizeof(struct call_node)) /* and behind them: as far as a wrong index goes */

_Alignas(4096) uint8_t host_memory[MARGIN + BF_MEM_PROFILE_SIZE + REACH];
uint64_t host_now;         /* the clock */
uint64_t host_step;        /* what each reading of it takes */
uint64_t host_interrupted; /* cycles spent in interrupts */
uint32_t host_interrupt;   /* one of so many cycles comes before each reading, for the next `host_bursts` readings */
uint32_t host_bursts;
uint32_t host_heap_full;   /* 1: no memory is left */

uint64_t host_rdtsc(void)
{
    if (host_bursts) {
        host_bursts--;
        host_now += host_interrupt;
        host_interrupted += host_interrupt;
    }
    uint64_t now = host_now;
    host_now += host_step;
    return now;
}

uint64_t interrupt_cycles(void)
{
    return host_interrupted;
}

void *kernel_allocate(size_t size)
{
    return host_heap_full ? 0 : malloc(size);
}

void kernel_free(void *memory)
{
    free(memory);
}

void probe_pair(void *function)
{
    probe_enter(function);
    probe_leave(function);
}

void probe_no_pair(void *function)
{
    (void)function;
}

enum host_kind { HOST_BEGIN, HOST_ENTER, HOST_LEAVE };

struct host_event {
    uint32_t kind;
    uint32_t offset; /* of the function */
    uint64_t work;   /* cycles that pass behind it */
};

/* Returns the cycles since the last HOST_BEGIN, as guard_call would measure them. */
uint64_t host_play(const struct host_event *events, uint32_t count)
{
    uint64_t start = 0;
    for (const struct host_event *event = events; event < events + count; event++) {
        void *function = (void *)(uintptr_t)(BF_MEM_MODULE_ARENA_START + event->offset);
        if (event->kind == HOST_BEGIN) {
            profile_begin_call();
            start = host_rdtsc();
        } else if (event->kind == HOST_ENTER) {
            probe_enter(function);
        } else {
            probe_leave(function);
        }
        host_now += event->work;
    }
    return host_rdtsc() - start;
}

/* Fills the records and what surrounds them. */
void host_fill(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof host_memory; i++)
        host_memory[i] = bytes[i % size];
}

void host_set_counts(uint32_t depth, uint32_t nodes)
{
    RECORDS->depth = depth;
    RECORDS->node_count = nodes;
}

/* Whether nothing but the records changed since host_fill. */
uint32_t host_margins_are_whole(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof host_memory; i++)
        if ((i < MARGIN || i >= MARGIN + sizeof(struct records)) && host_memory[i] != bytes[i % size])
            return 0;
    return 1;
}
