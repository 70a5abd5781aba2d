/*
 * CPU check. In assembly, since the compiler may use any instruction that is being checked for.
 */
#include "bf_formats.inc"
#include "console/com1.h"
#include "console/vga_text.h"
#include "machine/registers.h"

#define WHITE_ON_RED 0x4f

.intel_syntax noprefix
.section .text, "ax"
.global require_cpu_features, cpu_feature_table, cpu_feature_table_end
.global cpu_features_present

/* uint32_t cpu_features_present(void), for C. */
cpu_features_present:
    push esi
    call cpu_features
    pop esi
    ret

/*
 * require_cpu_features
 * In:  edi = bits of CpuFeature (BF_CPU_FEATURE_*).
 * Out: returns when the CPU has them all; else names the missing ones on serial and screen and ends with FAULT.
 * Clobbers: everything but ebx and esp.
 */
require_cpu_features:
    call cpu_features
    not eax
    and edi, eax
    jnz .Lrefuse
    ret

/*
 * cpu_features
 * Out: eax = bits of CpuFeature, 0 without CPUID. Clobbers: ecx, edx, esi.
 */
cpu_features:
    pushfd
    pop eax
    mov ecx, eax
    xor eax, EFLAGS_ID
    push eax
    popfd
    pushfd
    pop eax
    xor eax, ecx
    test eax, EFLAGS_ID
    mov eax, 0
    jz .Lno_cpuid
    push ebx
    mov eax, 1
    cpuid
    pop ebx
    xor eax, eax
    mov esi, offset cpu_feature_table
.Lnext_feature:
    mov ecx, dword ptr [esi]
    bt edx, ecx
    jnc .Lfeature_absent
    or eax, dword ptr [esi + 4]
.Lfeature_absent:
    add esi, 12
    cmp esi, offset cpu_feature_table_end
    jb .Lnext_feature
.Lno_cpuid:
    ret

/* In: edi = missing features. */
.Lrefuse:
    mov ebp, edi
    mov dx, COM1_LINE_CONTROL           /* 115200 baud (divisor 1), 8N1 */
    mov al, LINE_DIVISOR_ACCESS
    out dx, al
    mov dx, COM1_DATA
    mov al, 1
    out dx, al
    inc dx
    mov al, 0
    out dx, al
    mov dx, COM1_LINE_CONTROL
    mov al, LINE_8N1
    out dx, al

    mov edi, VGA_TEXT
    mov ecx, VGA_COLUMNS * VGA_ROWS
    mov ax, WHITE_ON_RED << 8 | ' '
    rep stosw
    mov edi, VGA_TEXT
    mov esi, offset line_start
    call put_serial
    mov esi, offset reason
    call put_both
    mov ebx, offset cpu_feature_table
.Lnext_name:
    test dword ptr [ebx + 4], ebp
    jz .Lname_printed
    mov esi, dword ptr [ebx + 8]
    call put_both
.Lname_printed:
    add ebx, 12
    cmp ebx, offset cpu_feature_table_end
    jb .Lnext_name
    mov esi, offset line_rest
    call put_serial

    in al, BF_DEBUG_EXIT_PORT
    test al, al
    jnz .Lhalt
    mov al, BF_EXIT_VALUE_FAULT
    out BF_DEBUG_EXIT_PORT, al
.Lhalt:
    hlt
    jmp .Lhalt

/*
 * put_both: on screen and COM1. put_serial: on COM1 only.
 * In: esi = NUL-terminated text; edi = next cell of the screen, advanced by put_both.
 * Clobbers: eax, ecx, edx, esi.
 */
put_both:
    push esi
.Lnext_cell:
    lodsb
    test al, al
    jz .Lcells_done
    stosb
    inc edi                             /* leave the colour */
    jmp .Lnext_cell
.Lcells_done:
    pop esi
put_serial:
    lodsb
    test al, al
    jz .Lsent
    mov dx, COM1_DATA
    out dx, al
    mov dx, COM1_LINE_STATUS
    mov ecx, 0x100000
.Lsending:
    in al, dx
    test al, STATUS_TRANSMITTER_EMPTY
    loopz .Lsending
    jmp put_serial
.Lsent:
    ret

.section .rodata, "a"
cpu_feature_table:                      /* struct cpu_feature */
    .long 0, BF_CPU_FEATURE_FPU, .Lname_fpu
    .long 4, BF_CPU_FEATURE_TSC, .Lname_tsc
    .long 15, BF_CPU_FEATURE_CMOV, .Lname_cmov
    .long 25, BF_CPU_FEATURE_SSE, .Lname_sse
    .long 26, BF_CPU_FEATURE_SSE2, .Lname_sse2
cpu_feature_table_end:
.Lname_fpu:  .asciz " FPU"
.Lname_tsc:  .asciz " TSC"
.Lname_cmov: .asciz " CMOV"
.Lname_sse:  .asciz " SSE"
.Lname_sse2: .asciz " SSE2"
line_start:
    .ascii BF_LINE_PREFIX
    .asciz "{\"event\":\"fault\",\"reason\":\""
reason:
    .asciz "BareFlow cannot run: the CPU lacks"
line_rest:
    .asciz "\"}\r\n"
