#include "report/profile_report.h"

#include "console/print.h"
#include "loader/registry.h"
#include "lib/string.h"

#define NAME_WIDTH 27 /* so that a line has 79 columns: one more would be followed by an empty line */

/* Whether `left` comes before `right`: by self cycles, else by place. */
static bool is_before(const struct function_profile *left, const struct function_profile *right)
{
    return left->self_cycles > right->self_cycles || (left->self_cycles == right->self_cycles && left < right);
}

/* The function that comes behind `last`, the first for 0; 0 behind the end. */
static const struct function_profile *next_function(const struct module_profile *profile,
                                                    const struct function_profile *last)
{
    const struct function_profile *best = 0;
    for (uint32_t i = 0; i < profile->function_count; i++) {
        const struct function_profile *function = &profile->functions[i];
        if (function->calls && (!last || is_before(last, function)) && (!best || is_before(function, best)))
            best = function;
    }
    return best;
}

static void print_function(const struct function_profile *function)
{
    char name[NAME_WIDTH + 1] = {0};
    size_t length = strlen(function->name);
    memcpy(name, function->name, length < NAME_WIDTH ? length : NAME_WIDTH);
    console_print(VGA_GREY, "  %-27s %9u %13llu %13llu %11llu\n", name, function->calls,
                  (unsigned long long)function->inclusive.total, (unsigned long long)function->self_cycles,
                  (unsigned long long)statistics_average(&function->inclusive));
}

void profile_print(const struct module *module)
{
    const struct module_profile *profile = module->profile;
    const struct function_profile *function = 0;
    console_print(VGA_WHITE, "%-29s %9s %13s %13s %11s\n", module->name, "calls", "cycles", "self", "average");
    if (!profile) {
        const char *reason = module->functions ? "(no memory for its profile)" : "(not instrumented)";
        const struct function_profile whole = {reason, module->calls, module->cycles.total, module->cycles};
        print_function(&whole);
        return;
    }
    while ((function = next_function(profile, function)))
        print_function(function);
    if (profile->dropped)
        console_print(VGA_YELLOW, "  %u calls are not in the tree of calls\n", profile->dropped);
}

void profile_print_all(void)
{
    const struct module *module;
    for (uint32_t i = 0; (module = registry_active(i)); i++)
        if (module->functions && module->calls)
            profile_print(module);
}
