/* First bytes of every native module: uint32_t module_start(uint32_t n), an alias of the module's own function. */
.intel_syntax noprefix
.section .module_start, "ax"
.global module_start
module_start:
    jmp bf_entry
