#include "console/print.h"
#include "report/events.h"
#include "report/json.h"

struct status_words {
    const char *machine;
    const char *people;
    enum vga_colour colour;
};

static const struct status_words words[] = {
    [MODULE_VALID] = {"valid", "valid", VGA_GREY},
    [MODULE_PASSED] = {"passed", "OK", VGA_GREEN},
    [MODULE_FAILED] = {"failed", "FAILED", VGA_RED},
    [MODULE_UNCHECKED] = {"unchecked", "unchecked", VGA_YELLOW},
    [MODULE_INVALID] = {"invalid", "INVALID", VGA_RED},
    [MODULE_NOT_SELECTED] = {"not selected", "not selected", VGA_GREY},
    [MODULE_NOT_EXECUTABLE] = {"not yet executable", "not yet executable", VGA_YELLOW},
    [MODULE_LEGACY_HEADER] = {"legacy header", "legacy header", VGA_YELLOW},
};

static const char *kind_of(const struct module *module)
{
    return module->is_native ? "native" : "bitcode";
}

static bool has_run(const struct module *module)
{
    return module->calls > 0;
}

static void put_native(const struct module *module)
{
    json_number("code_bytes", module->code_bytes);
    if (!has_run(module))
        return;
    json_number("size", module->size);
    json_number("calls", module->calls);
    json_number("answer", module->answer);
    if (module->status != MODULE_UNCHECKED)
        json_number("expected", module->expected);
    json_number("cycles", module->cycles);
}

static void put_bitcode(const struct module *module)
{
    if (module->status != MODULE_LEGACY_HEADER)
        json_boolean("crc", true); /* both CRCs were found right; else the module were invalid */
    json_text("entry", module->entry);
    json_number("bytes", module->bitcode_bytes);
    json_number("pattern_bytes", module->pattern_bytes);
    json_number("level", module->level);
}

/* A module is shown by its name, a file that has none by its file name, which may hold any byte. */
static void print_name(const struct module *module)
{
    const char *name = module->name[0] ? module->name : module->file;
    char shown[MODULE_NAME_SIZE];
    size_t length = 0;
    for (; name[length]; length++)
        shown[length] = name[length] >= ' ' && name[length] <= '~' ? name[length] : '?';
    shown[length] = '\0';
    console_print(VGA_GREY, "  %-14s %-8s ", shown, kind_of(module));
}

static void print_for_people(const struct module *module)
{
    const struct status_words *status = &words[module->status];
    print_name(module);
    console_print(status->colour, "%s", status->people);
    if (has_run(module))
        console_print(VGA_GREY, "  answer %08x, %llu cycles", module->answer, (unsigned long long)module->cycles);
    if (module->status == MODULE_FAILED)
        console_print(VGA_RED, ", want %08x", module->expected);
    if (module->status == MODULE_INVALID)
        console_print(VGA_RED, "  %s", module->reason);
    if (module->status == MODULE_NOT_EXECUTABLE)
        console_print(VGA_GREY, ": %s found, CRC correct", module->file);
    console_print(VGA_GREY, "\n");
}

void report_module(const struct module *module)
{
    json_begin("module");
    json_text("name", module->name);
    json_text("file", module->file);
    json_text("kind", kind_of(module));
    json_text("status", words[module->status].machine);
    if (module->status == MODULE_INVALID)
        json_text("reason", module->reason);
    else if (module->is_native)
        put_native(module);
    else
        put_bitcode(module);
    json_end();
    print_for_people(module);
}
