/* What the passes make of each function, as `dump` events, when the configuration asks for it (jit_dump). */
#pragma once
#include "jit/compile.h"

/* From now on, what is compiled is a function of this program, of the module of this name. */
void jit_dump_program(const char *module, const struct jit_program *program);

/* A jit_observer. */
void jit_dump(const struct jit_program *program, const struct jit_body *body, unsigned level, const char *pass,
              const struct jit_unit *unit);
