/*
 * Where modules enter the probes: arguments on the stack, interrupts off while they work. An interrupt in between would
 * make them read their clock once more, which costs what no measurement could foresee.
 */
.intel_syntax noprefix

.macro entry name, probe
.section .text.\name, "ax"
.global \name
\name:
    pushfd
    cli
    mov eax, [esp + 8]                  /* function */
    call \probe
    popfd
    ret
.endm

    entry bf_probe_enter, probe_enter
    entry bf_probe_leave, probe_leave
