/*
 * Hooks that -finstrument-functions calls: they pass control to the kernel's probes. One instruction each, whatever the
 * compiler: their cost is part of what the profiler measures and subtracts (kernel/profile/probe_pair.S).
 */
#include "bf_formats.inc"

.intel_syntax noprefix
.global __cyg_profile_func_enter, __cyg_profile_func_exit

.section .text.probe_enter, "ax"
__cyg_profile_func_enter:
    jmp dword ptr ds:[BF_MEM_SERVICES_START + 4] /* probe_enter in struct services */

.section .text.probe_leave, "ax"
__cyg_profile_func_exit:
    jmp dword ptr ds:[BF_MEM_SERVICES_START + 8] /* probe_leave */
