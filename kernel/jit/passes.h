/* What is done to a function's code before machine code is made of it, by level. */
#pragma once
#include "jit/body.h"

#define JIT_LEVELS 4

struct jit_environment;
struct jit_unit;

/* Is told of each pass that has run over a body of this level, by the name of the pass, and of the machine code, `unit`,
 * which is 0 until then. */
typedef void jit_observer(const struct jit_program *program, const struct jit_body *body, unsigned level,
                          const char *pass, const struct jit_unit *unit);
extern jit_observer *jit_observe; /* 0 for nobody */

/* Runs the passes of a level over a body. False when memory is short; then *body is of no use. */
bool jit_transform(const struct jit_program *program, const struct jit_environment *environment, unsigned level,
                   struct jit_work *work, struct jit_body *body);

/* A pass. It leaves the body as it is where it does not pay. False when memory is short. */
typedef bool jit_pass(const struct jit_program *program, const struct jit_environment *environment,
                      struct jit_work *work, struct jit_body *body);

jit_pass jit_peel;    /* separates the first round of loops */
jit_pass jit_unroll;  /* makes several rounds of loops that count one */
jit_pass jit_anchors; /* marks accesses that need no check */
