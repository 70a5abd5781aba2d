#include "lib/string.h"
#include "loader/module.h"
#include "report/fault.h"
#include "run/guard.h"

#define ARENA ((uint8_t *)BF_MEM_MODULE_ARENA_START)
#define UNKNOWN_MODULE_SIZE 1 /* argument for a module nothing is known of */

#define TIME_LIMIT_MS 2000

void native_examine(struct module *module, const uint8_t *file, uint32_t size)
{
    struct bf_native_module_header header;
    if (size < sizeof header) {
        module_refuse(module, "shorter than its header");
        return;
    }
    memcpy(&header, file, sizeof header);
    if (header.magic != BF_NATIVE_MODULE_MAGIC)
        module_refuse(module, "no native module: wrong magic");
    else if (!module_copy_text(module->name, header.name, sizeof header.name))
        module_refuse(module, "name is not printable text ended by NUL");
    else if (header.code_size == 0 || header.code_size != size - sizeof header)
        module_refuse(module, "code size is zero or not what follows the header");
    else if (header.code_size > BF_MEM_MODULE_ARENA_SIZE)
        module_refuse(module, "code is larger than the module arena");
    else if (header.entry_offset >= header.code_size)
        module_refuse(module, "entry is outside the code");
    else
        module->code_bytes = header.code_size;
}

void native_run(struct module *module, const uint8_t *file, uint32_t iterations)
{
    struct bf_native_module_header header;
    memcpy(&header, file, sizeof header);
    memcpy(ARENA, file + sizeof header, header.code_size);
    const struct known_module *known = known_module_find(module->name);

    module->size = known ? known->size : UNKNOWN_MODULE_SIZE;
    module->status = known ? MODULE_PASSED : MODULE_UNCHECKED;
    module->expected = known ? known->answer : 0;
    struct guarded outcome;
    while (module->calls < iterations && module->status != MODULE_FAILED) {
        guard_call(BF_MEM_MODULE_ARENA_START + header.entry_offset, module->size, TIME_LIMIT_MS, &outcome);
        module->calls++;
        if (outcome.ending != GUARD_RETURNED) {
            report_fault(module->name, guard_reason(&outcome), &outcome.fault);
            module->status = MODULE_FAILED;
            break;
        }
        module->answer = outcome.value;
        module->cycles += outcome.cycles;
        if (known && module->answer != known->answer)
            module->status = MODULE_FAILED;
    }
}
