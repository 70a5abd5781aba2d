#include "bf_modules.h"
#include "lib/string.h"
#include "loader/module.h"

#define KNOWN_MODULE(name, size, answer) {name, size, answer},

static const struct known_module known_modules[] = {
    BF_MODULES(KNOWN_MODULE)
    {0, 0, 0}, /* end */
};

const struct known_module *known_module_find(const char *name)
{
    for (const struct known_module *known = known_modules; known->name; known++)
        if (strcmp(known->name, name) == 0)
            return known;
    return 0;
}
