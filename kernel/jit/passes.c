/* The passes in their order, each with the level from which on it runs. */
#include "jit/passes.h"

struct pass {
    const char *name;
    unsigned level;
    jit_pass *run;
};

static const struct pass passes[] = {
    {"peel", 2, jit_peel},
    {"unroll", 3, jit_unroll},
    {"anchors", 2, jit_anchors},
};

jit_observer *jit_observe;

bool jit_transform(const struct jit_program *program, const struct jit_environment *environment, unsigned level,
                   struct jit_work *work, struct jit_body *body)
{
    for (unsigned i = 0; i < sizeof passes / sizeof *passes; i++) {
        if (level < passes[i].level)
            continue;
        if (!passes[i].run(program, environment, work, body))
            return false;
        if (jit_observe)
            jit_observe(program, body, level, passes[i].name, 0);
    }
    return true;
}
