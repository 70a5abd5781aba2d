/* Exceptions: a module's unwind to its caller, the kernel's own end the run. */
#include <stdbool.h>

#include "bf_formats.h"
#include "interrupts/interrupts.h"
#include "interrupts/pic.h"
#include "interrupts/tasks.h"
#include "interrupts/vectors.h"
#include "jit/module.h"
#include "machine/end.h"
#include "machine/io.h"
#include "machine/registers.h"
#include "report/fault.h"
#include "run/unwind.h"

static const char *const names[] = {
    "divide error", "debug", "NMI", "breakpoint", "overflow", "bound range exceeded", "invalid opcode",
    "device not available", "double fault", "coprocessor segment overrun", "invalid TSS", "segment not present",
    "stack-segment fault", "general protection", "page fault", "reserved", "x87 floating-point error",
    "alignment check", "machine check", "SIMD floating-point exception", "virtualization exception",
    "control protection exception",
};

const char *exception_name(uint32_t vector)
{
    return vector < sizeof names / sizeof *names ? names[vector] : "reserved";
}

/* Ring 0 to ring 0: the CPU pushed no esp; the interrupted code's own stack begins behind the frame. */
static struct fault fault_of(const struct interrupt_frame *frame)
{
    return (struct fault){
        .vector = frame->vector, .error_code = frame->error_code, .eip = frame->eip, .cs = frame->cs,
        .eflags = frame->eflags, .eax = frame->eax, .ebx = frame->ebx, .ecx = frame->ecx, .edx = frame->edx,
        .esi = frame->esi, .edi = frame->edi, .ebp = frame->ebp, .esp = (uint32_t)(uintptr_t)(frame + 1),
        .cr2 = read_cr2(),
    };
}

void interrupt_dispatch(struct interrupt_frame *frame)
{
    if (frame->vector >= PIC_FIRST_VECTOR && frame->vector < PIC_FIRST_VECTOR + IRQS) {
        pic_dispatch((enum irq)(frame->vector - PIC_FIRST_VECTOR));
        if (guard_is_over() && frame->cr0 & CR0_WRITE_PROTECT) {
            struct fault fault = fault_of(frame);
            guard_stop(GUARD_TIME_LIMIT, &fault);
            guard_unwind();
        }
        return;
    }
    if (frame->vector == VECTOR_PROMOTE && guard_is_running() && jit_module_promote &&
        guard_on_kernel_stack(jit_module_promote, frame))
        return;
    struct fault fault = fault_of(frame);
    if (!(frame->cr0 & CR0_WRITE_PROTECT))
        fault_end_run(&fault);
    guard_stop(GUARD_FAULT, &fault);
    guard_unwind();
}

void double_fault(void)
{
    struct task_state *state = tasks_main();
    struct fault fault = {
        .vector = VECTOR_DOUBLE_FAULT, .eip = state->eip, .cs = state->cs, .eflags = state->eflags,
        .eax = state->eax, .ebx = state->ebx, .ecx = state->ecx, .edx = state->edx, .esi = state->esi,
        .edi = state->edi, .ebp = state->ebp, .esp = state->esp, .cr2 = read_cr2(),
    };
    if (!guard_is_running())
        fault_end_run(&fault);
    guard_stop(GUARD_FAULT, &fault);
    state->eip = (uint32_t)(uintptr_t)guard_unwind;
    state->eflags = EFLAGS_ALWAYS_SET; /* interrupts off */
}

void fault_end_run(const struct fault *fault)
{
    static bool reporting;
    if (reporting) /* a fault in the report itself: no second try */
        machine_end(BF_EXIT_VALUE_FAULT);
    reporting = true;
    report_fault("", exception_name(fault->vector), fault);
    machine_end(BF_EXIT_VALUE_FAULT);
}
