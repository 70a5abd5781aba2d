/*
 * Entry points of all vectors, VECTOR_STUB_SIZE bytes apart. Each builds a struct interrupt_frame on the stack it finds
 * and calls interrupt_dispatch with kernel memory writable. Intel SDM volume 3, chapter 6.
 */
#include "bf_formats.inc"
#include "interrupts/vectors.h"
#include "machine/registers.h"
#include "machine/segments.h"

#define WITH_ERROR_CODE 0x60227d00      /* vectors 8, 10-14, 17, 21, 29 and 30 push an error code */

.intel_syntax noprefix
.section .text, "ax"
.global vector_stubs, double_fault_entry

    .balign VECTOR_STUB_SIZE
vector_stubs:
.irp vector, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .balign VECTOR_STUB_SIZE
    push \vector
    .if ((WITH_ERROR_CODE >> \vector) & 1)
    jmp common
    .else
    jmp without_error_code
    .endif
.endr
.irp vector, 32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47, VECTOR_PROMOTE
    .balign VECTOR_STUB_SIZE
    push \vector
    jmp without_error_code
.endr

without_error_code:
    push [esp]
    mov dword ptr [esp + 4], 0
common:
    cld
    pushad
    mov eax, SELECTOR_DATA
    mov ds, eax                         /* a module may have loaded others; it goes on with these */
    mov es, eax
    mov eax, cr0
    push eax
    and eax, ~CR0_WRITE_PROTECT
    mov cr0, eax
    mov ebx, esp                        /* struct interrupt_frame * */
    mov eax, ebx
    and esp, -16
    call interrupt_dispatch             /* returns only from the interrupts of devices */
    mov esp, ebx
    pop eax
    mov cr0, eax
    popad
    add esp, 8                          /* vector, error code */
    iretd

/*
 * The double-fault task: it has a stack of its own, since the usual cause is a stack that has overflowed. The CPU has
 * stored the registers of the task that failed; double_fault changes where that one goes on. iretd returns to it, and
 * leaves this task where the next double fault resumes it.
 */
double_fault_entry:
    clts                                /* a task switch sets CR0.TS */
    cld
    mov eax, cr0
    and eax, ~CR0_WRITE_PROTECT
    mov cr0, eax
    call double_fault
    mov esp, BF_MEM_TASKS_END           /* where it was; a module's `int 8` left no error code to remove */
    iretd
    jmp double_fault_entry
