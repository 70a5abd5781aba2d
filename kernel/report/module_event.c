#include "console/print.h"
#include "jit/report.h"
#include "report/events.h"
#include "report/json.h"

static enum vga_colour colour_of(enum module_status status)
{
    switch (status) {
    case MODULE_PASSED:
        return VGA_GREEN;
    case MODULE_FAILED:
    case MODULE_STOPPED:
    case MODULE_INVALID:
        return VGA_RED;
    case MODULE_UNCHECKED:
    case MODULE_NOT_EXECUTABLE:
    case MODULE_LEGACY_HEADER:
        return VGA_YELLOW;
    case MODULE_VALID:
    case MODULE_NOT_SELECTED:
        break;
    }
    return VGA_GREY;
}

static void put_identity(const struct module *module)
{
    json_text("name", module->name);
    json_text("file", module->path);
    json_text("source", module_source_text(module->source));
    json_text("kind", module_kind_text(module->kind));
}

static void put_code(const struct module *module)
{
    json_number("code_bytes", module->code_bytes);
    if (module->calls == 0)
        return;
    json_number("size", module->size);
    json_number("calls", module->calls);
    if (module->cycles.count)
        json_number("answer", module->answer);
    if (module->answer_known)
        json_number("expected", module->expected);
    json_number("cycles", module->cycles.total);
}

static void put_bitcode(const struct module *module)
{
    if (module->status != MODULE_LEGACY_HEADER)
        json_boolean("crc", true); /* both CRCs were found right; else the module were invalid */
    json_text("entry", module->entry);
    json_number("bytes", module->bitcode_bytes);
    json_number("pattern_bytes", module->pattern_bytes);
    if (module->pattern_bytes) {
        json_boolean("verified", module->verified);
        json_number("compile_cycles", module->compile_cycles);
    }
    json_number("level", module->level);
    if (module->summary)
        jit_put_summary(module->summary);
}

/* A module is shown by its name, a file that has none by its path. */
static void print_name(const struct module *module)
{
    console_print(VGA_GREY, "  %-14s", module->name[0] ? module->name : module->path);
    console_print(VGA_GREY, " %-8s ", module_kind_text(module->kind));
}

/* Where it comes from: its path, or which source. */
static const char *place_of(const struct module *module)
{
    return module->path[0] ? module->path : module_source_text(module->source);
}

static void print_for_people(const struct module *module)
{
    if (module->status == MODULE_NOT_SELECTED)
        return;
    print_name(module);
    console_print(colour_of(module->status), "%s",
                  module->status == MODULE_PASSED ? "OK" : module_status_text(module->status));
    if (module->cycles.count)
        console_print(VGA_GREY, "  answer %08x, %llu cycles", module->answer, (unsigned long long)module->cycles.total);
    if (module->status == MODULE_FAILED)
        console_print(VGA_RED, ", want %08x", module->expected);
    if (module->status == MODULE_INVALID || module->status == MODULE_STOPPED)
        console_print(VGA_RED, "  %s", module->reason);
    if (module->problem.text)
        jit_print_problem(&module->problem);
    if (module->status == MODULE_NOT_EXECUTABLE)
        console_print(VGA_GREY, ": %s found, CRC correct", module->path);
    console_print(VGA_GREY, "\n");
}

void report_module(const struct module *module)
{
    json_begin("module");
    put_identity(module);
    json_text("status", module_status_text(module->status));
    if (module->status == MODULE_INVALID || module->status == MODULE_STOPPED)
        json_text("reason", module->reason);
    if (module->problem.text)
        jit_put_problem(&module->problem);
    if (module->code_bytes && module->status != MODULE_INVALID)
        put_code(module);
    if (module->kind == MODULE_BITCODE && module->status != MODULE_INVALID)
        put_bitcode(module);
    json_end();
    print_for_people(module);
}

void report_override(const struct module *by, const struct module *over)
{
    json_begin("override");
    json_text("name", by->name);
    json_text("kind", module_kind_text(by->kind));
    json_text("by", module_source_text(by->source));
    json_text("by_file", by->path);
    json_text("over", module_source_text(over->source));
    json_text("over_file", over->path);
    json_end();
    print_name(by);
    console_print(VGA_GREY, "from %s, not %s\n", place_of(by), place_of(over));
}

void report_unload(const struct module *module)
{
    json_begin("unload");
    put_identity(module);
    json_end();
    print_name(module);
    console_print(VGA_GREY, "unloaded: %s\n", place_of(module));
}

void report_active(const struct module *module)
{
    json_begin("active");
    put_identity(module);
    json_end();
    print_name(module);
    console_print(VGA_GREY, "active again: %s\n", place_of(module));
}
