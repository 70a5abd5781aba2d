#include "jit/report.h"
#include "lib/string.h"
#include "loader/registry.h"
#include "report/export.h"
#include "report/json.h"

static void put_cycles(const struct statistics *cycles)
{
    json_object("cycles");
    json_number("count", cycles->count);
    json_number("total", cycles->total);
    json_number("minimum", cycles->minimum);
    json_number("maximum", cycles->maximum);
    json_number("average", statistics_average(cycles));
    json_number("variance", statistics_variance(cycles));
    json_close();
}

static void put_functions(const struct module_profile *profile)
{
    json_array("functions");
    for (uint32_t i = 0; i < profile->function_count; i++) {
        const struct function_profile *function = &profile->functions[i];
        json_object(0);
        json_text("name", function->name);
        json_number("calls", function->calls);
        json_number("self_cycles", function->self_cycles);
        put_cycles(&function->inclusive);
        json_close();
    }
    json_close();
}

static void put_nodes(const struct module_profile *profile)
{
    json_array("nodes");
    for (uint32_t i = 0; i < profile->node_count; i++) {
        const struct call_node *node = &profile->nodes[i];
        json_object(0);
        if (node->parent == i)
            json_null("parent");
        else
            json_number("parent", node->parent);
        json_number("function", node->function);
        json_number("calls", node->calls);
        json_number("self_cycles", node->self_cycles);
        json_close();
    }
    json_close();
}

/* How often `caller` called each function. */
static void count_callees(const struct module_profile *profile, uint32_t caller, uint32_t calls[PROFILE_MAX_FUNCTIONS])
{
    memset(calls, 0, PROFILE_MAX_FUNCTIONS * sizeof *calls);
    for (uint32_t i = 0; i < profile->node_count; i++) {
        const struct call_node *node = &profile->nodes[i];
        if (node->parent != i && profile->nodes[node->parent].function == caller)
            calls[node->function] += node->calls;
    }
}

static void put_edges(const struct module_profile *profile)
{
    uint32_t calls[PROFILE_MAX_FUNCTIONS];
    json_array("edges");
    for (uint32_t caller = 0; caller < profile->function_count; caller++) {
        count_callees(profile, caller, calls);
        for (uint32_t callee = 0; callee < profile->function_count; callee++) {
            if (!calls[callee])
                continue;
            json_object(0);
            json_number("caller", caller);
            json_number("callee", callee);
            json_number("calls", calls[callee]);
            json_close();
        }
    }
    json_close();
}

/* A module that is not instrumented, or did not run, has a profile without functions. */
static void put_profile(const struct module_profile *profile)
{
    static const struct module_profile nothing;
    if (!profile)
        profile = &nothing;
    json_number("dropped_calls", profile->dropped);
    put_functions(profile);
    put_nodes(profile);
    put_edges(profile);
}

static void put_overridden(const struct module *active)
{
    const struct module *module;
    json_array("overridden");
    for (uint32_t i = 0; (module = registry_overridden(active, i)); i++) {
        json_object(0);
        json_text("source", module_source_text(module->source));
        json_text("file", module->path);
        json_close();
    }
    json_close();
}

static void put_known(const char *key, bool is_known, uint32_t value)
{
    if (is_known)
        json_number(key, value);
    else
        json_null(key);
}

static void put_module(const struct module *module)
{
    bool has_reason = module->status == MODULE_INVALID || module->status == MODULE_STOPPED;
    json_object(0);
    json_text("name", module->name);
    json_text("file", module->path);
    json_text("source", module_source_text(module->source));
    json_text("kind", module_kind_text(module->kind));
    json_text("status", module_status_text(module->status));
    json_text("reason", has_reason ? module->reason : "");
    json_number("code_bytes", module->code_bytes);
    json_number("calls", module->calls);
    put_known("size", module->calls, module->size);
    put_known("answer", module->cycles.count, module->answer);
    put_known("expected", module->calls && module->answer_known, module->expected);
    put_cycles(&module->cycles);
    put_overridden(module);
    put_profile(module->profile);
    json_array("compiled");
    if (module->summary)
        jit_export_functions(module->summary);
    json_close();
    json_close();
}

void export_modules(void)
{
    const struct module *module;
    json_array("modules");
    for (uint32_t i = 0; (module = registry_active(i)); i++)
        put_module(module);
    json_close();
}
