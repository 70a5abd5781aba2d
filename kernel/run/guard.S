/*
 * The way into module code and the two ways out. While it runs: its own stack, CR0.WP set, so that kernel memory is
 * read-only. The time is taken behind the switch and before the return, and kept at the top of the module's stack:
 * kernel memory cannot be written in between. No register is taken to be what it was: on the way out the kernel gets
 * its own flags, segments and control registers back, and breakpoints of the CPU are off.
 */
#include "bf_formats.inc"
#include "machine/registers.h"
#include "machine/segments.h"

#define TOP BF_MEM_MODULE_STACK_END
#define START_LOW TOP - 8
#define START_HIGH TOP - 4

.intel_syntax noprefix

.section .rodata, "a"
    .balign 4
mxcsr_default:
    .long MXCSR_DEFAULT

.section .bss, "aw", @nobits
    .balign 4
kernel_esp:
    .long 0

.section .text, "ax"
.global guard_enter, guard_unwind, guard_on_kernel_stack

/* uint64_t guard_enter(uint32_t function, uint32_t argument, uint32_t *value), in eax, edx and ecx. Interrupts are off
 * before and behind it. */
guard_enter:
    push ebp
    push ebx
    push esi
    push edi
    push ecx                            /* value */
    mov esi, eax                        /* function */
    mov edi, edx                        /* argument */
    mov ebx, cr4
    push ebx
    mov ebx, cr0
    push ebx
    mov [kernel_esp], esp
    fninit
    ldmxcsr [mxcsr_default]
    mov esp, TOP - 16                   /* with one argument, a multiple of 16 at the call */
    mov eax, cr0
    or eax, CR0_WRITE_PROTECT
    mov cr0, eax
    mov [TOP - 16], edi
    rdtsc
    mov [START_LOW], eax
    mov [START_HIGH], edx
    sti                                 /* on for what is measured, and only for that: see guard_call */
    call esi
    cli
    mov ecx, eax
    rdtsc
    sub eax, ss:[START_LOW]
    sbb edx, ss:[START_HIGH]
    jmp .Lleave

/* void guard_unwind(void): from an interrupt or the double-fault task */
guard_unwind:
    xor eax, eax
    xor edx, edx
    xor ecx, ecx
.Lleave:
    mov ebx, SELECTOR_DATA
    mov ds, ebx
    mov es, ebx
    mov fs, ebx
    mov gs, ebx
    mov esp, [kernel_esp]
    pop ebx
    mov cr0, ebx                        /* kernel memory is writable from here on */
    pop ebx
    mov cr4, ebx
    xor ebx, ebx
    mov dr7, ebx
    push EFLAGS_ALWAYS_SET              /* interrupts off, direction up */
    popfd
    pop ebx                             /* value */
    mov [ebx], ecx
    pop edi
    pop esi
    pop ebx
    pop ebp
    ret

/* bool guard_on_kernel_stack(function, frame), in eax and edx: below what guard_enter left there */
guard_on_kernel_stack:
    push ebx
    mov ebx, esp
    mov esp, [kernel_esp]
    mov ecx, eax
    mov eax, edx
    call ecx
    mov esp, ebx
    pop ebx
    ret
