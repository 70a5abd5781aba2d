/* What stopped a module or the kernel, as a `fault` line and for people. */
#pragma once
#include "jit/module.h"
#include "run/guard.h"

/* `module` is "" for the kernel. The reason is the name of the exception, or what else stopped it. */
void report_fault(const char *module, const struct jit_stop *stop, const struct fault *fault);
