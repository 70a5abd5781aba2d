#include "report/fault.h"

#include "console/print.h"
#include "jit/module.h"
#include "report/json.h"

void report_fault(const char *module, const char *reason, const struct fault *fault)
{
    json_begin("fault");
    json_text("module", module);
    json_text("name", reason);
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
    if (jit_put_place)
        jit_put_place();
    json_end();
    console_print(VGA_RED, "%s in %s, vector %u, error code 0x%x, at 0x%08x\n", reason,
                  module[0] ? module : "the kernel", fault->vector, fault->error_code, fault->eip);
    console_print(VGA_RED, "eax %08x ebx %08x ecx %08x edx %08x cr2 %08x\n", fault->eax, fault->ebx, fault->ecx,
                  fault->edx, fault->cr2);
    console_print(VGA_RED, "esi %08x edi %08x ebp %08x esp %08x\n", fault->esi, fault->edi, fault->ebp, fault->esp);
}
