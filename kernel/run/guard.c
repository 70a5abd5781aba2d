#include "run/guard.h"

#include "bf_formats.h"
#include "interrupts/interrupts.h"
#include "interrupts/pic.h"
#include "interrupts/vectors.h"
#include "machine/io.h"
#include "run/unwind.h"

/* From this far below the module's stack on, a fault is no overflow but a stray pointer. */
#define OVERFLOW_REACH 0x10000u

/* guard.S: calls the function and returns the cycles it took, or 0 after guard_unwind. Interrupts off. */
uint64_t guard_enter(uint32_t function, uint32_t argument, uint32_t *value);

static struct guarded *running;
static uint32_t ticks_left; /* 0 for no limit */
static bool over;

bool guard_is_running(void)
{
    return running;
}

bool guard_is_over(void)
{
    return over;
}

void guard_tick(void)
{
    if (running && ticks_left && --ticks_left == 0)
        over = true;
}

static bool is_below_stack(uint32_t address)
{
    return address < BF_MEM_MODULE_STACK_START && address >= BF_MEM_MODULE_STACK_START - OVERFLOW_REACH;
}

/* A push below the stack is a page fault that cannot be pushed either: a double fault. */
static bool is_overflow(const struct fault *fault)
{
    if (fault->vector == VECTOR_DOUBLE_FAULT)
        return is_below_stack(fault->cr2);
    return fault->vector == VECTOR_PAGE_FAULT && is_below_stack(fault->cr2) && is_below_stack(fault->esp - 1);
}

void guard_stop(enum guard_ending ending, const struct fault *fault)
{
    running->ending = ending == GUARD_FAULT && is_overflow(fault) ? GUARD_OVERFLOW : ending;
    running->fault = *fault;
    over = false;
}

void guard_call(uint32_t function, uint32_t argument, uint32_t limit_ms, struct guarded *outcome)
{
    *outcome = (struct guarded){.ending = GUARD_RETURNED};
    /* Off, so that the interrupts subtracted are those between the two readings of the clock, no more and no less. */
    interrupts_off();
    uint64_t interrupted = interrupt_cycles();
    ticks_left = limit_ms ? limit_ms + 1 : 0; /* the first tick may come at once */
    over = false;
    running = outcome;
    forget_cr2();
    uint64_t start = rdtsc();
    uint64_t cycles = guard_enter(function, argument, &outcome->value);
    uint64_t elapsed = rdtsc() - start;
    if (cycles > elapsed) /* the module has overwritten when it was called */
        cycles = elapsed;
    running = 0;
    over = false;
    interrupted = interrupt_cycles() - interrupted;
    pic_restore(); /* before an interrupt could come by a vector that the module has chosen */
    interrupts_on();
    if (outcome->ending == GUARD_RETURNED && cycles > interrupted)
        outcome->cycles = cycles - interrupted;
}

const char *guard_reason(const struct guarded *outcome)
{
    switch (outcome->ending) {
    case GUARD_OVERFLOW:
        return "stack overflow";
    case GUARD_TIME_LIMIT:
        return "time limit";
    case GUARD_FAULT:
        return exception_name(outcome->fault.vector);
    case GUARD_RETURNED:
        break;
    }
    return "";
}
