/* The flat segments that stage 2 enters the kernel with, and that the kernel keeps in a table of its own. */
#pragma once

#define SELECTOR_CODE 8
#define SELECTOR_DATA 16

#ifdef __ASSEMBLER__
/* Emits the table and, at gdt_descriptor, the operand of lgdt. Intel SDM volume 3, section 3.4.5. */
.macro emit_gdt
    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9a000000ffff            /* SELECTOR_CODE: base 0, limit 4 GiB, 32 bits */
    .quad 0x00cf92000000ffff            /* SELECTOR_DATA: the same */
gdt_end:
gdt_descriptor:
    .short gdt_end - gdt - 1
    .long gdt
.endm
#endif
