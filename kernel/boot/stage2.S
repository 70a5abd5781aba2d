/*
 * Stage 2: loads the kernel that its descriptor names, checks it, and enters it in protected mode.
 *
 * In:  at BF_MEM_STAGE2_START, dl = BIOS drive number, real mode.
 * Out: the kernel's entry with ebx = address of the boot information block, flat 32-bit segments, interrupts off,
 *      A20 on, VGA in text mode 3; or one line `BF-Enn: reason`.
 *
 * The builder fills in the descriptor. Nothing about the kernel is compiled in.
 */
#include "bf_formats.inc"
#include "machine/registers.h"
#include "machine/segments.h"

#define BOOT_INFO(field) (BF_MEM_BOOT_INFO_START + BF_OFF_BOOT_INFO_##field)
#define DESCRIPTOR(field) [descriptor + BF_OFF_STAGE2_DESCRIPTOR_##field]
#define SMAP 0x534d4150                 /* 'SMAP', the signature of INT 15h E820 */

.intel_syntax noprefix
.code16
.section .text, "ax"
.global start

start:
    jmp .Lbehind_descriptor
    .org BF_STAGE2_DESCRIPTOR_OFFSET, 0
descriptor:
    bf_emit_stage2_descriptor
    .org BF_STAGE2_DESCRIPTOR_OFFSET + BF_SIZEOF_STAGE2_DESCRIPTOR, 0
.Lbehind_descriptor:
    xor eax, eax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, BF_MEM_BOOT_STACK_END
    sti
    cld
    mov byte ptr [boot_drive], dl

    call check_descriptor
    jc boot_error
    call clear_boot_info
    call enable_a20
    mov dl, BF_BOOT_ERROR_A20
    jc boot_error
    mov byte ptr [BOOT_INFO(A20_METHOD)], al
    call map_memory
    call load_kernel
    jc boot_error
    call check_kernel
    jc boot_error
    call fill_boot_info
    mov ax, 0x0003                      /* INT 10h: text mode 80x25, in case the BIOS left a picture */
    int 0x10
    jmp enter_kernel

/*
 * check_descriptor: CRC first, so that a wrong version is really another version and not damage.
 * Out: CF set and dl = error number, or CF clear. Clobbers: eax, bx, cx, dx, si.
 */
check_descriptor:
    mov si, offset descriptor
    mov cx, BF_OFF_STAGE2_DESCRIPTOR_CRC
    mov bx, BF_CRC16_INITIAL
.Lcrc16_byte:
    lodsb
    xor bh, al
    mov dl, 8
.Lcrc16_bit:
    shl bx, 1
    jnc .Lcrc16_shifted
    xor bx, BF_CRC16_POLYNOMIAL
.Lcrc16_shifted:
    dec dl
    jnz .Lcrc16_bit
    loop .Lcrc16_byte
    xor bx, BF_CRC16_XOR_OUT
    mov dl, BF_BOOT_ERROR_DESCRIPTOR_CRC
    cmp bx, word ptr DESCRIPTOR(CRC)
    jne .Lbad_descriptor

    mov dl, BF_BOOT_ERROR_DESCRIPTOR_VERSION
    cmp word ptr DESCRIPTOR(VERSION), BF_STAGE2_VERSION
    jne .Lbad_descriptor
    cmp word ptr DESCRIPTOR(SIZE), BF_SIZEOF_STAGE2_DESCRIPTOR
    jne .Lbad_descriptor

    mov dl, BF_BOOT_ERROR_KERNEL_EXTENT
    mov eax, dword ptr DESCRIPTOR(KERNEL_SECTORS)
    dec eax                             /* no sectors: wraps round to the highest number */
    cmp eax, BF_KERNEL_MAX_SECTORS
    jae .Lbad_descriptor
    cmp dword ptr DESCRIPTOR(LOAD_ADDRESS), BF_MEM_KERNEL_START
    jne .Lbad_descriptor                /* kernels are linked for this address only */
    ret                                 /* CF clear: the numbers were equal */
.Lbad_descriptor:
    stc
    ret

/* clear_boot_info. Clobbers: ax, cx, di. */
clear_boot_info:
    mov di, BF_MEM_BOOT_INFO_START
    mov cx, BF_SIZEOF_BOOT_INFO
    xor ax, ax
    rep stosb
    ret

/*
 * map_memory: the firmware's list of memory ranges into the boot information block.
 * An answer of 20 bytes has no attributes: such an entry counts, so attributes = 1.
 * Out: e820 and e820_count filled in. Clobbers: everything but the segment registers.
 */
map_memory:
    mov di, BOOT_INFO(E820)
    xor ebx, ebx                        /* first range */
.Lnext_range:
    mov dword ptr [di + BF_OFF_E820_ENTRY_ATTRIBUTES], 1
    mov eax, 0xe820
    mov edx, SMAP
    mov ecx, BF_SIZEOF_E820_ENTRY
    int 0x15
    jc .Lmapped
    cmp eax, SMAP
    jne .Lmapped
    cmp ecx, BF_SIZEOF_E820_ENTRY
    jae .Lrange_complete
    mov dword ptr [di + BF_OFF_E820_ENTRY_ATTRIBUTES], 1
.Lrange_complete:
    add di, BF_SIZEOF_E820_ENTRY
    inc dword ptr [BOOT_INFO(E820_COUNT)]
    cmp dword ptr [BOOT_INFO(E820_COUNT)], BF_E820_MAX_ENTRIES
    jae .Lmapped
    test ebx, ebx
    jnz .Lnext_range
.Lmapped:
    ret

/*
 * load_kernel: the sectors the descriptor names, to the address it names.
 * Out: CF set and dl = error number, or CF clear. Clobbers: everything but ds and ss.
 */
load_kernel:
    mov dl, byte ptr [boot_drive]
    call detect_disk
    jc .Lnot_loaded
    mov eax, dword ptr DESCRIPTOR(LOAD_ADDRESS)
    shr eax, 4
    mov es, ax
    mov eax, dword ptr DESCRIPTOR(KERNEL_LBA)
    mov bx, word ptr DESCRIPTOR(KERNEL_SECTORS)
    call read_sectors
.Lnot_loaded:
    mov dl, BF_BOOT_ERROR_KERNEL_READ   /* CF stays */
    ret

/*
 * check_kernel: signature, CRC-32 over all sectors loaded, whether they hold the whole image, and its entry inside it.
 * Out: CF set and dl = error number, or CF clear. Clobbers: everything but ds and ss.
 */
check_kernel:
    mov eax, dword ptr DESCRIPTOR(LOAD_ADDRESS)
    shr eax, 4
    mov es, ax
    mov dl, BF_BOOT_ERROR_KERNEL_SIGNATURE
    cmp dword ptr es:[BF_OFF_KERNEL_HEADER_SIGNATURE], BF_KERNEL_SIGNATURE
    jne .Lbad_kernel
    call make_crc_table
    mov ebp, BF_CRC32_INITIAL
    mov cx, word ptr DESCRIPTOR(KERNEL_SECTORS)
.Lcrc32_next_sector:
    call crc32_sector
    mov ax, es
    add ax, BF_SECTOR_SIZE / 16
    mov es, ax
    loop .Lcrc32_next_sector
    xor ebp, BF_CRC32_XOR_OUT
    mov dl, BF_BOOT_ERROR_KERNEL_CRC
    cmp ebp, dword ptr DESCRIPTOR(KERNEL_CRC)
    jne .Lbad_kernel

    mov eax, dword ptr DESCRIPTOR(LOAD_ADDRESS)
    shr eax, 4
    mov es, ax
    mov dl, BF_BOOT_ERROR_KERNEL_TRUNCATED
    mov eax, dword ptr DESCRIPTOR(KERNEL_SECTORS)
    imul eax, eax, BF_SECTOR_SIZE
    cmp eax, dword ptr es:[BF_OFF_KERNEL_HEADER_IMAGE_BYTES]
    jb .Lbad_kernel
    mov dl, BF_BOOT_ERROR_KERNEL_ENTRY
    mov eax, dword ptr es:[BF_OFF_KERNEL_HEADER_ENTRY_OFFSET]
    cmp eax, BF_SIZEOF_KERNEL_HEADER
    jb .Lbad_kernel
    cmp eax, dword ptr es:[BF_OFF_KERNEL_HEADER_IMAGE_BYTES]
    cmc                                 /* CF set unless the entry is below the end */
    ret
.Lbad_kernel:
    stc
    ret

/* fill_boot_info: what the earlier steps have not stored. Clobbers: eax, si, di, es. */
fill_boot_info:
    mov dword ptr [BOOT_INFO(MAGIC)], BF_BOOT_INFO_MAGIC
    mov word ptr [BOOT_INFO(VERSION)], BF_BOOT_INFO_VERSION
    mov al, byte ptr [boot_drive]
    mov byte ptr [BOOT_INFO(BOOT_DRIVE)], al
    cmp word ptr [sectors_per_track], 1 /* CF set for 0, which means LBA */
    setc byte ptr [BOOT_INFO(LBA_READS)]
    mov eax, dword ptr DESCRIPTOR(KERNEL_LBA)
    mov dword ptr [BOOT_INFO(KERNEL_LBA)], eax
    mov eax, dword ptr DESCRIPTOR(KERNEL_SECTORS)
    mov dword ptr [BOOT_INFO(KERNEL_SECTORS)], eax
    mov eax, dword ptr DESCRIPTOR(KERNEL_CRC)
    mov dword ptr [BOOT_INFO(KERNEL_CRC)], eax
    ret

/* enter_kernel: does not return. */
enter_kernel:
    mov eax, dword ptr DESCRIPTOR(LOAD_ADDRESS)
    shr eax, 4
    mov es, ax
    mov edi, dword ptr DESCRIPTOR(LOAD_ADDRESS)
    add edi, dword ptr es:[BF_OFF_KERNEL_HEADER_ENTRY_OFFSET]
    cli
    lgdt [gdt_descriptor]
    mov eax, cr0
    or al, CR0_PROTECTION
    mov cr0, eax
    .byte 0xea                          /* far jump, loads cs */
    .short .Lprotected, SELECTOR_CODE

.code32
.Lprotected:
    mov ax, SELECTOR_DATA
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov ebx, BF_MEM_BOOT_INFO_START
    jmp edi
.code16

/*
 * boot_error
 * In:  dl = number of the error. Does not return.
 */
boot_error:
    mov al, dl
    push ax
    aam                                 /* ah = tens, al = ones */
    xchg al, ah
    add word ptr [error_digits], ax
    mov si, offset error_line
    call print_first
    pop bx
    push bx
    mov bh, 0
    add bx, bx
    mov si, word ptr [error_texts + bx - 2 * BF_BOOT_ERROR_DESCRIPTOR_CRC]
    call print_text
    mov si, offset line_end
    call print_text
    pop ax
    jmp stop_boot

error_line:
    .ascii "BF-E"
error_digits:
    .asciz "00: "
line_end:
    .asciz "\r\n"

.if BF_BOOT_ERROR_KERNEL_ENTRY - BF_BOOT_ERROR_DESCRIPTOR_CRC != 8
    .error "error_texts wants one text for each number of stage 2"
.endif
error_texts:                            /* in the order of the numbers, from DESCRIPTOR_CRC */
    .short .Ltext_descriptor_crc, .Ltext_descriptor_version, .Ltext_kernel_extent, .Ltext_a20
    .short .Ltext_kernel_read, .Ltext_kernel_signature, .Ltext_kernel_crc, .Ltext_kernel_truncated
    .short .Ltext_kernel_entry
.Ltext_descriptor_crc:     .asciz "stage-2 descriptor damaged"
.Ltext_descriptor_version: .asciz "stage-2 descriptor of another version"
.Ltext_kernel_extent:      .asciz "kernel does not fit in memory"
.Ltext_a20:                .asciz "A20 stays off"
.Ltext_kernel_read:        .asciz "cannot read the kernel"
.Ltext_kernel_signature:   .asciz "no kernel signature"
.Ltext_kernel_crc:         .asciz "kernel damaged"
.Ltext_kernel_truncated:   .asciz "kernel longer than the descriptor says"
.Ltext_kernel_entry:       .asciz "kernel entry outside its image"

boot_drive:
    .byte 0

    emit_gdt

#include "a20.inc"
#include "bios_disk.inc"
#include "boot_error.inc"
#include "crc32.inc"

    .org BF_STAGE2_SIZE, 0              /* the assembler refuses when the code is larger */
