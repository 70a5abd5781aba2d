#include "report/fault.h"

#include "console/print.h"
#include "jit/module.h"
#include "report/json.h"

void report_fault(const char *module, const char *reason, const struct fault *fault)
{
    json_begin("fault");
    json_text("module", module);
    json_text("name", reason);
    _Static_assert(offsetof(struct fault, cr2) == 13 * sizeof(uint32_t), "keys are those of the members in their order");
    json_numbers("vector\0error_code\0eip\0cs\0eflags\0eax\0ebx\0ecx\0edx\0esi\0edi\0ebp\0esp\0cr2\0", &fault->vector);
    if (jit_put_place)
        jit_put_place();
    json_end();
    console_print(VGA_RED, "%s in %s", reason, module[0] ? module : "the kernel");
    if (jit_print_place)
        jit_print_place();
    console_print(VGA_RED, ", vector %u, error code 0x%x, at 0x%08x\n", fault->vector, fault->error_code, fault->eip);
    console_print(VGA_RED, "eax %08x ebx %08x ecx %08x edx %08x cr2 %08x\n", fault->eax, fault->ebx, fault->ecx,
                  fault->edx, fault->cr2);
    console_print(VGA_RED, "esi %08x edi %08x ebp %08x esp %08x\n", fault->esi, fault->edi, fault->ebp, fault->esp);
}
