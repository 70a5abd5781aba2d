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
