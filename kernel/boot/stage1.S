/*
 * Stage 1: the code part of the MBR. Loads stage 2 and jumps to it.
 *
 * In:  loaded at BF_MEM_MBR_START by the BIOS, dl = drive number, real mode.
 * Out: stage 2 entered at 0:BF_MEM_STAGE2_START with dl = drive number; or `BF-E01`, `BF-E02`.
 *
 * The builder puts this into the MBR's code field. Disk signature and partition table are not in here.
 *
 * In .code16, clang's assembler makes Intel-syntax `call` and `ret` 32 bits wide, GNU as 16: both are right, since
 * every routine is called and left in the same way, but clang's code is larger.
 */
#include "bf_formats.inc"

#define BPB_END 0x3e                    /* where the BPB of a FAT16 boot sector ends */
#define DESCRIPTOR_MAGIC (BF_MEM_STAGE2_START + BF_STAGE2_DESCRIPTOR_OFFSET + BF_OFF_STAGE2_DESCRIPTOR_MAGIC)

.if BF_BOOT_ERROR_STAGE2_MAGIC > 9
    .error "error_line has room for one digit"
.endif

.intel_syntax noprefix
.code16
.section .text, "ax"
.global start

start:
    jmp .Lbehind_bpb
    .org BPB_END, 0                     /* some BIOSes write into what they take for a BPB */
.Lbehind_bpb:
    xor eax, eax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, BF_MEM_BOOT_STACK_END
    sti
    cld

    call detect_disk
    jc .Lread_error
    mov ax, BF_MEM_STAGE2_START / 16
    mov es, ax
    mov eax, BF_DISK_STAGE2_LBA
    mov bx, BF_DISK_STAGE2_SECTORS
    call read_sectors
    jc .Lread_error
    cmp dword ptr [DESCRIPTOR_MAGIC], BF_STAGE2_MAGIC
    mov al, BF_BOOT_ERROR_STAGE2_MAGIC
    jne .Lerror
    .byte 0xea                          /* far jump: some BIOSes enter here with cs = 0x7c0 */
    .short BF_MEM_STAGE2_START, 0

.Lread_error:
    mov al, BF_BOOT_ERROR_STAGE2_READ
.Lerror:
    add byte ptr [error_digit], al
    push ax
    mov si, offset error_line
    call print_first
    pop ax
    jmp stop_boot

error_line:
    .ascii "BF-E0"
error_digit:
    .asciz "0\r\n"

#include "bios_disk.inc"
#include "boot_error.inc"

    .org BF_MBR_CODE_SIZE, 0            /* the assembler refuses when the code is larger */
