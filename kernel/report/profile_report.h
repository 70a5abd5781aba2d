/* The profile of a module for people. */
#pragma once
#include "loader/module.h"

/* A table of the functions that were called, those that took most cycles themselves first. Nothing for a module without
 * a profile. */
void profile_print(const struct module *module);

/* Of all active modules. */
void profile_print_all(void);
