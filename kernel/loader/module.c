#include "loader/module.h"

void module_refuse(struct module *module, const char *reason)
{
    module->status = MODULE_INVALID;
    module->reason = reason;
}

bool module_copy_text(char *to, const uint8_t *field, uint32_t size)
{
    uint32_t length = 0;
    while (length < size && field[length] >= ' ' && field[length] <= '~') {
        to[length] = (char)field[length];
        length++;
    }
    bool good = length > 0 && length < size && field[length] == '\0';
    to[good ? length : 0] = '\0';
    return good;
}

const char *module_source_text(enum module_source source)
{
    static const char *const texts[] = {
        [MODULE_EMBEDDED] = "embedded",
        [MODULE_DISK] = "disk",
        [MODULE_CACHED] = "cache",
    };
    return texts[source];
}

const char *module_kind_text(enum module_kind kind)
{
    return kind == MODULE_NATIVE ? "native" : "bitcode";
}

const char *module_status_text(enum module_status status)
{
    static const char *const texts[] = {
        [MODULE_VALID] = "valid",
        [MODULE_PASSED] = "passed",
        [MODULE_FAILED] = "failed",
        [MODULE_UNCHECKED] = "unchecked",
        [MODULE_STOPPED] = "stopped",
        [MODULE_INVALID] = "invalid",
        [MODULE_NOT_SELECTED] = "not selected",
        [MODULE_NOT_EXECUTABLE] = "not yet executable",
        [MODULE_LEGACY_HEADER] = "legacy header",
    };
    return texts[status];
}
