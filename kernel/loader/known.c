#include "bf_modules.h"
#include "lib/string.h"
#include "loader/module.h"

#define UNKNOWN_MODULE_SIZE 1 /* argument for a module nothing is known of */

/* A module whose answer is known at build time. */
struct known_module {
    const char *name;
    uint32_t size;
    uint32_t answer;
};

#define KNOWN_MODULE(name, size, answer) {name, size, answer},

static const struct known_module known_modules[] = {
    BF_MODULES(KNOWN_MODULE)
    {0, 0, 0}, /* end */
};

void known_module_apply(struct module *module)
{
    module->size = UNKNOWN_MODULE_SIZE;
    for (const struct known_module *known = known_modules; known->name; known++) {
        if (strcmp(known->name, module->name) == 0) {
            module->size = known->size;
            module->expected = known->answer;
            module->answer_known = true;
        }
    }
}
