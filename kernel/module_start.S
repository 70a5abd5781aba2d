/*
 * First bytes of every native module: uint32_t module_start(uint32_t n), an alias of the module's own function, and the
 * module's table. The linker is told with --defsym what bf_entry, bf_init and bf_fini are; bf_init and bf_fini are
 * module_start itself, offset 0, in a module that has nothing to do there. The build fills in the rest of the table.
 */
#include "bf_formats.inc"

.intel_syntax noprefix
.section .module_start, "ax"
.global module_start
module_start:
    jmp bf_entry
    .org BF_NATIVE_TABLE_OFFSET
    bf_emit_native_module_table init=bf_init-module_start, fini=bf_fini-module_start, image_size=module_end-module_start
