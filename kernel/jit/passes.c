/* The passes in their order, each with the level from which on it runs. */
#include "jit/passes.h"

typedef bool pass_function(const struct jit_program *program, struct jit_work *work, struct jit_body *body);

struct pass {
    const char *name;
    unsigned level;
    pass_function *run;
};

static bool keep(const struct jit_program *program, struct jit_work *work, struct jit_body *body)
{
    (void)program, (void)work, (void)body;
    return true;
}

static const struct pass passes[] = {
    {"nothing", 1, keep},
};

jit_observer *jit_observe;

bool jit_transform(const struct jit_program *program, unsigned level, struct jit_work *work, struct jit_body *body)
{
    for (unsigned i = 0; i < sizeof passes / sizeof *passes; i++) {
        if (level < passes[i].level)
            continue;
        if (!passes[i].run(program, work, body))
            return false;
        if (jit_observe)
            jit_observe(program, body, level, passes[i].name, 0);
    }
    return true;
}
