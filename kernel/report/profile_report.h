/* The profile of a module for people. */
#pragma once
#include "loader/module.h"

/* A table of the functions that were called, those that took most cycles themselves first; of a module without a
 * profile a line for its own calls. */
void profile_print(const struct module *module);

/* Of all active modules that were called and are instrumented. */
void profile_print_all(void);
