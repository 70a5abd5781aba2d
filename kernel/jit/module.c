#include "jit/module.h"

#include "jit/load.h"
#include "interrupts/vectors.h"
#include "jit/section.h"
#include "loader/loader.h"
#include "machine/io.h"
#include "report/json.h"

static struct jit_loaded loaded;
static struct jit_place stopped_at;
static bool is_located;

void jit_module_run(struct module *module, const uint8_t *section, const struct config *config)
{
    struct jit_section found;
    uint64_t start = rdtsc();
    const char *reason = "its program is not what it was";
    if (jit_read_section(section, module->pattern_bytes, &found, &module->problem))
        reason = jit_load(&loaded, &found.program);
    if (reason) {
        module_refuse(module, reason);
        return;
    }
    module->code_bytes = loaded.code_bytes;
    module->compile_cycles = rdtsc() - start;
    loader_call_entry(module, config);
    jit_unload(&loaded);
}

uint32_t jit_module_prepare(uint32_t argument)
{
    jit_prepare(&loaded, &argument, 1);
    return (uint32_t)(uintptr_t)loaded.entry.code;
}

const char *jit_module_explain(const struct guarded *outcome)
{
    static const char *const names[] = {
        [BF_TRAP_DIVIDE] = "divide trap",
        [BF_TRAP_MEMORY] = "memory trap",
        [BF_TRAP_INDIRECT_CALL] = "indirect call trap",
        [BF_TRAP_CALL_DEPTH] = "call depth trap",
        [BF_TRAP_CODE] = "code trap",
    };
    /* A breakpoint tells the address behind it. */
    bool is_behind = outcome->ending == GUARD_FAULT && outcome->fault.vector == VECTOR_BREAKPOINT;
    is_located = jit_find(&loaded, outcome->fault.eip - is_behind, &stopped_at);
    return is_located && outcome->ending == GUARD_FAULT ? names[stopped_at.trap] : guard_reason(outcome);
}

void jit_put_place(void)
{
    if (!is_located)
        return;
    is_located = false;
    uint16_t name = loaded.program.functions[stopped_at.function].name;
    json_number("function", stopped_at.function);
    json_text("function_name", name == BF_NO_NAME ? "" : loaded.program.names + name);
    json_number("block", stopped_at.block);
    json_number("operation", stopped_at.operation);
}
