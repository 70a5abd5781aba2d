/* CPU exceptions: each is reported and ends the run. Device interrupts stay off. */
#pragma once
#include <stdint.h>

/* The stack as vectors.S leaves it, lowest address first. */
struct exception_frame {
    uint32_t edi, esi, ebp, esp_at_pushad, ebx, edx, ecx, eax;
    uint32_t vector, error_code;
    uint32_t eip, cs, eflags; /* pushed by the CPU */
};

/* Loads an IDT with the 32 exception vectors. */
void exceptions_init(void);

/* The module a fault would be blamed on; 0 for none. The text must stay valid until the next call. */
void exceptions_set_module(const char *name);

/* Called by vectors.S. Prints a `fault` line and ends with BF_EXIT_VALUE_FAULT. */
void exception_report(const struct exception_frame *frame) __attribute__((noreturn));
