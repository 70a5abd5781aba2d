/* The interrupt descriptor table and what stands behind it. Intel SDM volume 3, chapters 6 and 7. */
#pragma once
#include <stdint.h>

#include "run/guard.h"

/* The stack as vectors.S leaves it, lowest address first. */
struct interrupt_frame {
    uint32_t cr0;
    uint32_t edi, esi, ebp, esp_at_pushad, ebx, edx, ecx, eax;
    uint32_t vector, error_code;
    uint32_t eip, cs, eflags; /* pushed by the CPU */
};

/* Loads GDT, task register and IDT. Device interrupts stay off until pic_unmask and sti. */
void interrupts_init(void);

/* Called by vectors.S. An exception of a module unwinds to guard_call; one of the kernel ends the run. What the frame
 * then has is what the interrupted code goes on with. */
void interrupt_dispatch(struct interrupt_frame *frame);

/* Called by vectors.S in the double-fault task. */
void double_fault(void);

/* Prints the kernel's own fault and ends with BF_EXIT_VALUE_FAULT. */
void fault_end_run(const struct fault *fault) __attribute__((noreturn));

/* Name of an exception as in the Intel SDM, volume 3, table 6-1. */
const char *exception_name(uint32_t vector);
