#include "jit/summary.h"

#include "jit/promote.h"
#include "lib/string.h"
#include "memory/heap.h"

struct jit_summary *jit_summarise(struct jit_loaded *loaded, const struct jit_call_cycles *cycles)
{
    const struct jit_program *program = &loaded->program;
    struct jit_summary *summary;
    uint32_t count = 0, names = 0;
    for (uint32_t i = 0; i < program->header->function_count; i++) {
        jit_count_on(loaded, i);
        if (loaded->functions[i].calls) {
            names += strlen(jit_function_name(program, i)) + 1;
            count++;
        }
    }
    summary = kernel_allocate(sizeof *summary + count * sizeof *summary->functions + names);
    if (!summary)
        return 0;
    *summary = (struct jit_summary){.cycles = *cycles};
    char *name = (char *)&summary->functions[count];
    for (uint32_t i = 0; i < program->header->function_count; i++) {
        const struct jit_function *function = &loaded->functions[i];
        if (!function->calls)
            continue;
        const char *from = jit_function_name(program, i);
        uint32_t size = strlen(from) + 1;
        summary->functions[summary->count++] = (struct jit_function_summary){
            memcpy(name, from, size), i, function->code.level, function->calls, function->code.size,
            function->compile_cycles, 0, 0,
        };
        name += size;
    }
    return summary;
}
