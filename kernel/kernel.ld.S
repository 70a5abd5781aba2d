/*
 * Linker script of the kernel; goes through the C preprocessor first.
 *
 * --defsym=bf_pad_to=N makes an image of N bytes in all, 0 one of its natural size. An image is: header, code,
 * constants, data, padding, canary. Nothing stands behind the canary, so a kernel that finds it was loaded whole.
 */
#include "bf_constants.h"

#define PADDING_BYTE_4 0xa5a5a5a5

ENTRY(kernel_entry)

SECTIONS
{
    . = BF_MEM_KERNEL_START;
    .image : {
        image_start = .;
        KEEP(*(.kernel_header))
        *(.text .text.*)
        . = ALIGN(16);
        *(.rodata .rodata.*)
        . = ALIGN(4);
        config_keys = .;
        KEEP(*(.config_keys))
        KEEP(*(.config_keys_more))
        config_keys_end = .;
        . = ALIGN(16);
        *(.data .data.*)
        . = ALIGN(4);
        unpadded_end = .;
        . += MAX(bf_pad_to, unpadded_end - image_start + 4) - (unpadded_end - image_start + 4);
        LONG(BF_KERNEL_CANARY)
        image_end = .;
    } =PADDING_BYTE_4
    .bss (NOLOAD) : {
        . = ALIGN(16);
        bss_start = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(4);
        bss_end = .;
    }
    /DISCARD/ : { *(.note*) *(.comment) *(.eh_frame*) }

    /* Values of header fields. */
    header_entry_offset = kernel_entry - image_start;
    header_image_bytes = image_end - image_start;
}

ASSERT(bss_end <= BF_MEM_KERNEL_END, "the kernel does not fit: image and bss end above BF_MEM_KERNEL_END")
ASSERT(bf_pad_to == 0 || header_image_bytes == bf_pad_to, "the kernel does not fit into bf_pad_to bytes")
