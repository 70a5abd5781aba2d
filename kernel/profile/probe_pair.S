/*
 * What -finstrument-functions makes of an empty function, and how the hooks of kernel/runtime/probes.S go on from
 * there: the same instructions, so that what they cost can be measured. Arguments on the stack.
 */
#include "bf_formats.inc"

#define PROBE_ENTER BF_MEM_SERVICES_START + 4 /* members of struct services */
#define PROBE_LEAVE BF_MEM_SERVICES_START + 8

.intel_syntax noprefix
.section .text.probe_pair, "ax"
.global probe_pair, probe_no_pair

/* void probe_pair(void *function) */
probe_pair:
    push [esp]                          /* the caller */
    push [esp + 8]
    call enter_hook
    add esp, 8
    push [esp]
    push [esp + 8]
    call leave_hook
    add esp, 8
/* void probe_no_pair(void *function): the rest of it */
probe_no_pair:
    ret

enter_hook:
    jmp dword ptr ds:[PROBE_ENTER]
leave_hook:
    jmp dword ptr ds:[PROBE_LEAVE]
