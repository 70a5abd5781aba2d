/*
 * Runs module code so that the kernel survives it: on the module's own stack, kernel memory read-only, timer on. A CPU
 * exception or the end of the time limit unwinds to the caller of guard_call; nothing of the module runs any more.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum guard_ending {
    GUARD_RETURNED,
    GUARD_FAULT,      /* a CPU exception */
    GUARD_OVERFLOW,   /* a page fault or double fault at the end of the module's stack */
    GUARD_TIME_LIMIT, /* it ran too long */
};

/* The registers of a module that was stopped, where it was stopped. */
struct fault {
    uint32_t vector, error_code; /* of the exception; vector of the timer for a time limit */
    uint32_t eip, cs, eflags;
    uint32_t eax, ebx, ecx, edx, esi, edi, ebp, esp;
    uint32_t cr2; /* address of a page fault */
};

struct guarded {
    enum guard_ending ending;
    uint32_t value;     /* what the function returned */
    uint64_t cycles;    /* from call to return, those of interrupts subtracted */
    struct fault fault; /* unless it returned */
};

/*
 * Calls uint32_t function(uint32_t argument) at this address with the SSE and x87 state fresh. `limit_ms` 0 means no
 * limit. Not reentrant.
 */
void guard_call(uint32_t function, uint32_t argument, uint32_t limit_ms, struct guarded *outcome);

/* "divide error", "page fault", "stack overflow", "time limit". */
const char *guard_reason(const struct guarded *outcome);
