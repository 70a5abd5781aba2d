/*
 * Kernel header and entry.
 *
 * In:  ebx = address of the boot information block, flat 32-bit segments, interrupts off (stage 2 sees to it).
 * Out: kernel_main(boot information) called with FPU and SSE on, bss cleared, own GDT and stack.
 */
#include "bf_formats.inc"
#include "machine/registers.h"
#include "machine/segments.h"

#define FEATURES_NEEDED \
    BF_CPU_FEATURE_FPU|BF_CPU_FEATURE_TSC|BF_CPU_FEATURE_CMOV|BF_CPU_FEATURE_SSE|BF_CPU_FEATURE_SSE2

.intel_syntax noprefix

.section .kernel_header, "a"
.global kernel_header
kernel_header:
    bf_emit_kernel_header entry_offset=header_entry_offset, image_bytes=header_image_bytes, \
        bss_end=bss_end, cpu_features=FEATURES_NEEDED

.section .text, "ax"
.global kernel_entry
kernel_entry:
    cli
    cld
    mov esp, BF_MEM_STACK_END
    lgdt [gdt_descriptor]
    .byte 0xea                          /* far jump, loads cs */
    .long .Lreload_segments
    .short SELECTOR_CODE
.Lreload_segments:
    mov eax, SELECTOR_DATA
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax

    mov edi, offset bss_start
    mov ecx, offset bss_end
    sub ecx, edi
    shr ecx, 2
    xor eax, eax
    rep stosd

    mov edi, FEATURES_NEEDED
    call require_cpu_features           /* before any compiled code, which may use CMOV */

    mov eax, cr0
    and eax, ~(CR0_EMULATION | CR0_TASK_SWITCHED)
    or eax, CR0_MONITOR_COPROCESSOR | CR0_NUMERIC_ERROR
    mov cr0, eax
    mov eax, cr4
    or eax, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, eax
    fninit
    push MXCSR_DEFAULT
    ldmxcsr [esp]

    mov esp, BF_MEM_STACK_END           /* a multiple of 16 at the call: the ABI wants it */
    mov eax, ebx
    call kernel_main                    /* does not return */

.section .rodata, "a"
    emit_gdt
