#include "jit/report.h"

#include "console/print.h"
#include "report/json.h"

static void put_unless_nowhere(const char *key, uint32_t number)
{
    if (number != JIT_NOWHERE)
        json_number(key, number);
}

void jit_put_problem(const struct jit_problem *problem)
{
    put_unless_nowhere("offset", problem->offset);
    put_unless_nowhere("function", problem->function);
    put_unless_nowhere("block", problem->block);
    put_unless_nowhere("word", problem->word);
}

void jit_print_problem(const struct jit_problem *problem)
{
    if (problem->word != JIT_NOWHERE)
        console_print(VGA_RED, ": function %u, block %u, word %u", problem->function, problem->block, problem->word);
}

void jit_put_summary(const struct jit_summary *summary)
{
    if (summary->cycles.total == 0)
        return;
    json_number("first_cycles", summary->cycles.first);
    json_number("last_cycles", summary->cycles.last);
}

static void put_measured(const char *key, uint64_t cycles, bool wants_null)
{
    if (cycles)
        json_number(key, cycles);
    else if (wants_null)
        json_null(key);
}

/* What was not measured is absent from events, and null in the export. */
static void put_function(const struct jit_function_summary *function, bool is_export)
{
    json_number("level", function->level);
    json_number("calls", function->calls);
    json_number("code_bytes", function->code_bytes);
    json_number("compile_cycles", function->compile_cycles);
    put_measured("cycles_before", function->cycles_before, is_export);
    put_measured("cycles_after", function->cycles_after, is_export);
}

void jit_report_functions(const char *module, const struct jit_summary *summary)
{
    for (uint32_t i = 0; i < summary->count; i++) {
        json_begin("function");
        json_text("module", module);
        json_number("function", summary->functions[i].number);
        json_text("function_name", summary->functions[i].name);
        put_function(&summary->functions[i], false);
        json_end();
    }
}

void jit_export_functions(const struct jit_summary *summary)
{
    for (uint32_t i = 0; i < summary->count; i++) {
        json_object(0);
        json_text("name", summary->functions[i].name);
        put_function(&summary->functions[i], true);
        json_close();
    }
}
