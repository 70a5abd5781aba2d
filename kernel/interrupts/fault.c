#include <stdbool.h>

#include "bf_formats.h"
#include "console/print.h"
#include "interrupts/exceptions.h"
#include "machine/end.h"
#include "machine/io.h"
#include "report/json.h"

/* Names as in the Intel SDM, volume 3, table 6-1. */
static const char *const names[] = {
    "divide error", "debug", "NMI", "breakpoint", "overflow", "bound range exceeded", "invalid opcode",
    "device not available", "double fault", "coprocessor segment overrun", "invalid TSS", "segment not present",
    "stack-segment fault", "general protection", "page fault", "reserved", "x87 floating-point error",
    "alignment check", "machine check", "SIMD floating-point exception", "virtualization exception",
    "control protection exception",
};

static const char *module;

void exceptions_set_module(const char *name)
{
    module = name;
}

static const char *exception_name(uint32_t vector)
{
    return vector < sizeof names / sizeof *names ? names[vector] : "reserved";
}

void exception_report(const struct exception_frame *frame)
{
    static bool reporting;
    if (reporting) /* a fault in the report itself: no second try */
        machine_end(BF_EXIT_VALUE_FAULT);
    reporting = true;

    /* Ring 0 to ring 0: the CPU pushed no esp; the interrupted code's own stack begins behind the frame. */
    uint32_t esp = (uint32_t)(uintptr_t)(frame + 1);
    json_begin("fault");
    json_number("vector", frame->vector);
    json_text("name", exception_name(frame->vector));
    json_number("error_code", frame->error_code);
    json_text("module", module ? module : "");
    json_number("eip", frame->eip);
    json_number("cs", frame->cs);
    json_number("eflags", frame->eflags);
    json_number("eax", frame->eax);
    json_number("ebx", frame->ebx);
    json_number("ecx", frame->ecx);
    json_number("edx", frame->edx);
    json_number("esi", frame->esi);
    json_number("edi", frame->edi);
    json_number("ebp", frame->ebp);
    json_number("esp", esp);
    json_number("cr2", read_cr2());
    json_end();
    console_print(VGA_RED, "\nCPU exception %u, %s, error code 0x%x, at 0x%08x%s%s\n", frame->vector,
                  exception_name(frame->vector), frame->error_code, frame->eip, module ? " in module " : "",
                  module ? module : "");
    console_print(VGA_RED, "eax %08x ebx %08x ecx %08x edx %08x\n", frame->eax, frame->ebx, frame->ecx, frame->edx);
    console_print(VGA_RED, "esi %08x edi %08x ebp %08x esp %08x\n", frame->esi, frame->edi, frame->ebp, esp);
    machine_end(BF_EXIT_VALUE_FAULT);
}
