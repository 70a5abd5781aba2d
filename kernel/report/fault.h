/* What stopped a module or the kernel, as a `fault` line and for people. */
#pragma once
#include "run/guard.h"

/* `module` is "" for the kernel. `reason` is the name of the exception, or what else stopped it. */
void report_fault(const char *module, const char *reason, const struct fault *fault);
