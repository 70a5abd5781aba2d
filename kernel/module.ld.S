/*
 * Linker script of a native module: code and data for the module arena; goes through the C preprocessor first.
 *
 * --defsym=bf_entry=NAME_main names the function. The jump to it comes first, so the entry offset is always 0. All of
 * it is one section, which the build takes out of the ELF file; bss is part of it, as zeros: the loader copies the
 * image and clears nothing. The runtime's heap begins at module_end.
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
        . = ALIGN(4);
        __init_array_start = .;
        KEEP(*(SORT_BY_INIT_PRIORITY(.init_array.*)))
        KEEP(*(.init_array))
        __init_array_end = .;
        __fini_array_start = .;
        KEEP(*(SORT_BY_INIT_PRIORITY(.fini_array.*)))
        KEEP(*(.fini_array))
        __fini_array_end = .;
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
