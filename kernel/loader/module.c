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
