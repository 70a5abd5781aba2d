/*
 * Linker script of a native module: flat code for the module arena; goes through the C preprocessor first.
 *
 * --defsym=bf_entry=NAME_main names the function. The jump to it comes first, so the entry offset is always 0. bss is
 * part of the file, as zeros: the loader copies and clears nothing else.
 */
#include "bf_constants.h"

ENTRY(module_start)

SECTIONS
{
    . = BF_MEM_MODULE_ARENA_START;
    .image : {
        KEEP(*(.module_start))
        *(.text .text.*)
        . = ALIGN(16);
        *(.rodata .rodata.*)
        . = ALIGN(16);
        *(.data .data.*)
        . = ALIGN(16);
        *(.bss .bss.* COMMON)
        . = ALIGN(4);
        module_end = .;
    }
    /DISCARD/ : { *(.note*) *(.comment) *(.eh_frame*) }
}

ASSERT(module_end <= BF_MEM_MODULE_ARENA_END, "the module does not fit into the module arena")
