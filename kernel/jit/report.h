/* What reports say of a program that the verifier refused. Absent as jit_read_section is, without which none is. */
#pragma once
#include "jit/program.h"

/* Members of an event: offset, function, block and word, as far as there are some. */
void jit_put_problem(const struct jit_problem *problem) __attribute__((weak));

/* ": function 1, block 2, word 3" for people, behind the text. */
void jit_print_problem(const struct jit_problem *problem) __attribute__((weak));
