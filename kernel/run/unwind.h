/* Between guard_call and the interrupt handlers. */
#pragma once
#include "run/guard.h"

/* Whether module code is running. */
bool guard_is_running(void);

/* Once a millisecond, from the timer. */
void guard_tick(void);

/* Whether the module has used up its time. */
bool guard_is_over(void);

/* Records why and where the module is stopped. guard_unwind comes next. */
void guard_stop(enum guard_ending ending, const struct fault *fault);

struct interrupt_frame;

/* function(frame) on the kernel's stack: the module's own, where the frame is, may be full. */
bool guard_on_kernel_stack(bool (*function)(struct interrupt_frame *frame), struct interrupt_frame *frame);

/* Leaves the module for good: guard_call returns. Interrupts are off when it is reached. */
void guard_unwind(void) __attribute__((noreturn));
