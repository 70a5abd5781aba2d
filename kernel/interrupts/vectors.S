/*
 * Entry points of the 32 CPU exceptions, EXCEPTION_STUB_SIZE bytes apart. Each builds a struct exception_frame on the
 * stack and calls exception_report, which does not return. Intel SDM volume 3, chapter 6.
 */
#include "interrupts/vectors.h"

#define WITH_ERROR_CODE 0x60227d00      /* vectors 8, 10-14, 17, 21, 29 and 30 push an error code */

.intel_syntax noprefix
.section .text, "ax"
.global exception_stubs

    .balign EXCEPTION_STUB_SIZE
exception_stubs:
.irp vector, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .balign EXCEPTION_STUB_SIZE
    .if ((WITH_ERROR_CODE >> \vector) & 1) == 0
    push 0
    .endif
    push \vector
    jmp exception_common
.endr

exception_common:
    cld
    pushad
    mov eax, esp                        /* struct exception_frame * */
    and esp, -16
    sub esp, 12                         /* with one argument, a multiple of 16 at the call */
    push eax
    call exception_report
