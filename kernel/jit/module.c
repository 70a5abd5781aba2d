#include "jit/module.h"

#include "jit/section.h"
#include "machine/io.h"

static struct jit_loaded loaded;

const char *jit_module_load(const uint8_t *section, uint32_t size, struct jit_cost *cost)
{
    struct jit_section found;
    struct jit_problem problem;
    uint64_t start = rdtsc();
    if (!jit_read_section(section, size, &found, &problem))
        return problem.text;
    const char *reason = jit_load(&loaded, &found.program);
    *cost = (struct jit_cost){loaded.code_bytes, rdtsc() - start};
    return reason;
}

uint32_t jit_module_prepare(uint32_t argument)
{
    jit_prepare(&loaded, &argument, 1);
    return (uint32_t)(uintptr_t)loaded.entry.code;
}

static const char *trap_name(uint32_t trap)
{
    static const char *const names[] = {
        [BF_TRAP_DIVIDE] = "divide trap",
        [BF_TRAP_MEMORY] = "memory trap",
        [BF_TRAP_INDIRECT_CALL] = "indirect call trap",
        [BF_TRAP_CALL_DEPTH] = "call depth trap",
        [BF_TRAP_CODE] = "code trap",
    };
    return names[trap];
}

void jit_module_explain(const struct guarded *outcome, struct jit_stop *stop)
{
    *stop = (struct jit_stop){.reason = guard_reason(outcome), .function = ""};
    stop->is_located = jit_find(&loaded, outcome->fault.eip, &stop->place);
    if (!stop->is_located)
        return;
    uint16_t name = loaded.program.functions[stop->place.function].name;
    if (name != BF_NO_NAME)
        stop->function = loaded.program.names + name;
    if (outcome->ending == GUARD_FAULT)
        stop->reason = trap_name(stop->place.trap);
}

void jit_module_unload(void)
{
    jit_unload(&loaded);
}
