/* Hooks that -finstrument-functions calls: they pass control to the kernel's probes. The runtime itself is never
 * instrumented. */
#include "bf_constants.h"
#include "run/services.h"

#define SERVICES ((const struct services *)BF_MEM_SERVICES_START)

void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

void __cyg_profile_func_enter(void *function, void *caller)
{
    SERVICES->probe_enter(function, caller);
}

void __cyg_profile_func_exit(void *function, void *caller)
{
    SERVICES->probe_leave(function, caller);
}
