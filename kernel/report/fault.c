#include "report/fault.h"

#include "console/print.h"
#include "report/json.h"

static void put_place(const struct jit_stop *stop)
{
    json_number("function", stop->place.function);
    json_text("function_name", stop->function);
    json_number("block", stop->place.block);
    json_number("operation", stop->place.operation);
}

void report_fault(const char *module, const struct jit_stop *stop, const struct fault *fault)
{
    json_begin("fault");
    json_text("module", module);
    json_text("name", stop->reason);
    json_number("vector", fault->vector);
    json_number("error_code", fault->error_code);
    json_number("eip", fault->eip);
    json_number("cs", fault->cs);
    json_number("eflags", fault->eflags);
    json_number("eax", fault->eax);
    json_number("ebx", fault->ebx);
    json_number("ecx", fault->ecx);
    json_number("edx", fault->edx);
    json_number("esi", fault->esi);
    json_number("edi", fault->edi);
    json_number("ebp", fault->ebp);
    json_number("esp", fault->esp);
    json_number("cr2", fault->cr2);
    if (stop->is_located)
        put_place(stop);
    json_end();
    console_print(VGA_RED, "%s in %s, vector %u, error code 0x%x, at 0x%08x\n", stop->reason,
                  module[0] ? module : "the kernel", fault->vector, fault->error_code, fault->eip);
    if (stop->is_located)
        console_print(VGA_RED, "function %u %s, block %u, operation %u\n", stop->place.function, stop->function,
                      stop->place.block, stop->place.operation);
    console_print(VGA_RED, "eax %08x ebx %08x ecx %08x edx %08x cr2 %08x\n", fault->eax, fault->ebx, fault->ecx,
                  fault->edx, fault->cr2);
    console_print(VGA_RED, "esi %08x edi %08x ebp %08x esp %08x\n", fault->esi, fault->edi, fault->ebp, fault->esp);
}
