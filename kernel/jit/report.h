/* What reports say of programs, refused by the verifier or run. Absent as those of jit/module.h are. */
#pragma once
#include "jit/program.h"
#include "jit/summary.h"

/* Members of an event: offset, function, block and word, as far as there are some. */
void jit_put_problem(const struct jit_problem *problem) __attribute__((weak));

/* Members of a `module` event, a `function` event for each function, and an element of an array for each. */
void jit_put_summary(const struct jit_summary *summary) __attribute__((weak));
void jit_report_functions(const char *module, const struct jit_summary *summary);
void jit_export_functions(const struct jit_summary *summary) __attribute__((weak));

/* ": function 1, block 2, word 3" for people, behind the text. */
void jit_print_problem(const struct jit_problem *problem) __attribute__((weak));
