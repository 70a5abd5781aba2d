#include "jit/module.h"

#include "console/print.h"
#include "interrupts/interrupts.h"
#include "interrupts/pic.h"
#include "interrupts/vectors.h"
#include "jit/dump.h"
#include "jit/measure.h"
#include "jit/promote.h"
#include "jit/report.h"
#include "jit/section.h"
#include "jit/summary.h"
#include "loader/loader.h"
#include "machine/io.h"
#include "profile/probe.h"
#include "report/json.h"

#define WARM_UP_CALLS 10
#define BACK_EDGES_PER_CALL 10 /* so many jumps back count as much as a call */

static struct jit_section section; /* of the module that was examined last */
static uint64_t verify_cycles;     /* that this took */
static struct jit_loaded loaded;
static const struct module *running;
static struct jit_call_cycles cycles;
static unsigned level_at_call; /* best level when the call of the entry began */
static uint32_t second_argument;
static struct jit_place stopped_at;
static bool is_located;

/* A module says where its functions begin, the configuration may say where they stay. */
static struct jit_policy policy_of(const struct config *config)
{
    struct jit_policy policy = {.level = section.descriptor.level, .promotes = config->jit_level == CONFIG_WORD};
    if (!policy.promotes)
        policy.level = config->jit_level;
    for (unsigned level = 1; level < JIT_LEVELS; level++) {
        policy.calls[level] = config->jit_calls[level - 1];
        policy.back_edges[level] = (uint64_t)policy.calls[level] * BACK_EDGES_PER_CALL;
    }
    return policy;
}

/* Behind a call: what it took, if it returned. */
static void see_cycles(void)
{
    uint64_t total = running->cycles.total;
    if (cycles.first == 0)
        cycles.first = total;
    if (total != cycles.total)
        cycles.last = total - cycles.total;
    cycles.total = total;
}

static void start_dump(const struct module *module, const struct jit_program *program, const struct config *config)
{
    jit_observe = config->jit_dump ? jit_dump : 0;
    if (config->jit_dump)
        jit_dump_program(module->name, program);
}

const struct bf_pattern_descriptor *jit_module_examine(struct module *module, const uint8_t *bytes, uint32_t size)
{
    uint64_t start = probe_clock();
    bool is_right = jit_read_section(bytes, size, &section, &module->problem);
    verify_cycles = probe_clock() - start;
    return is_right ? &section.descriptor : 0;
}

/* Whether anybody wants to know what better code is worth. */
static bool is_measured(const struct module *module, const struct config *config)
{
    return (module->status == MODULE_PASSED || module->status == MODULE_UNCHECKED) && loaded.policy.promotes &&
           config->iterations == CONFIG_WORD;
}

void jit_module_run(struct module *module, const struct config *config)
{
    struct jit_policy policy = policy_of(config);
    uint64_t start = probe_clock();
    start_dump(module, &section.program, config);
    const char *reason = jit_load(&loaded, &section.program, &policy);
    if (reason) {
        module_refuse(module, reason);
        return;
    }
    running = module;
    cycles = (struct jit_call_cycles){0};
    second_argument = section.descriptor.type == BF_PATTERN_TYPE_CUSTOM ? 0 : section.descriptor.param2;
    module->compile_cycles = verify_cycles + probe_clock() - start;
    loader_call_entry(module, config);
    module->code_bytes = jit_code_bytes(&loaded);
    see_cycles();
    module->summary = jit_summarise(&loaded, &cycles);
    if (module->summary && is_measured(module, config))
        jit_measure(&loaded, module, config);
    if (module->summary)
        jit_report_functions(module->name, module->summary);
    jit_unload(&loaded);
}

/* The level of the best code that a function has. */
static unsigned best_level(void)
{
    unsigned best = 0;
    for (uint32_t i = 0; i < loaded.program.header->function_count; i++) {
        unsigned level = loaded.functions[i].code.level;
        best = level > best ? level : best;
    }
    return best;
}

uint32_t jit_module_prepare(uint32_t argument)
{
    uint32_t arguments[] = {argument, second_argument};
    level_at_call = best_level();
    see_cycles();
    jit_prepare(&loaded, arguments, 2);
    return (uint32_t)(uintptr_t)loaded.entry.code;
}

uint32_t jit_module_calls_wanted(void)
{
    bool warms_up = loaded.policy.promotes && best_level() > loaded.policy.level && level_at_call < JIT_LEVELS - 1;
    return warms_up ? WARM_UP_CALLS : 1;
}

static void report_swap(const struct jit_swap *swap)
{
    json_begin("swap");
    json_text("module", running->name);
    json_number("function", swap->function);
    json_text("function_name", jit_function_name(&loaded.program, swap->function));
    if (swap->block != JIT_NO_BLOCK)
        json_number("block", swap->block);
    json_number("level", swap->level);
    json_number("calls", swap->calls);
    json_number("back_edges", swap->back_edges);
    json_number("code_bytes", swap->code_bytes);
    json_number("compile_cycles", swap->compile_cycles);
    if (swap->problem)
        json_text("problem", swap->problem);
    json_end();
}

bool jit_module_promote(struct interrupt_frame *frame)
{
    struct jit_swap swap;
    uint32_t function = frame->eax, block = frame->ecx;
    uint64_t start = rdtsc();
    if (!loaded.functions || function >= loaded.program.header->function_count)
        return false;
    uint32_t address = jit_promote(&loaded, function, block, &swap);
    if (address)
        frame->eip = address;
    if (swap.code_bytes || swap.problem)
        report_swap(&swap);
    interrupt_charge(start);
    return true;
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
    jit_observe = 0; /* compiling again finds the place, and makes nothing new */
    /* A breakpoint tells the address behind it. */
    bool is_behind = outcome->ending == GUARD_FAULT && outcome->fault.vector == VECTOR_BREAKPOINT;
    is_located = jit_find(&loaded, outcome->fault.eip - is_behind, &stopped_at);
    return is_located && outcome->ending == GUARD_FAULT ? names[stopped_at.trap] : guard_reason(outcome);
}

void jit_put_place(void)
{
    if (!is_located)
        return;
    const jit_word *words = jit_words(&loaded.program, &loaded.program.functions[stopped_at.function]);
    json_number("function", stopped_at.function);
    json_text("function_name", jit_function_name(&loaded.program, stopped_at.function));
    json_number("block", stopped_at.block);
    json_number("operation", stopped_at.operation);
    json_number("op", (uint8_t)words[stopped_at.word]);
}

void jit_print_place(void)
{
    if (!is_located)
        return;
    is_located = false;
    console_print(VGA_RED, ", function %u, block %u, operation %u", stopped_at.function, stopped_at.block,
                  stopped_at.operation);
}
