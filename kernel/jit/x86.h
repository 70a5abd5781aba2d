/*
 * Encoder of i686 and SSE2 instructions into a bounded buffer. What does not fit is not written, and is told at the end
 * (Intel SDM volume 2, chapter 2).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* General registers by their numbers; the xmm registers are 0 to 7, too. */
enum x86_register { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, NO_BASE, NO_INDEX = ESP };

struct x86 {
    uint8_t *start;
    uint32_t capacity; /* bytes */
    uint32_t size;     /* of all that was emitted, whether it fit or not */
};

/* An opcode is its last byte; bit 8: 0F before it; bits 16-23: mandatory prefix before that, 0 for none. */
#define X86_0F 0x100
#define X86_66 0x660100
#define X86_F2 0xf20100
#define X86_F3 0xf30100

#define X86_LOAD 0x8b
#define X86_STORE 0x89
#define X86_STORE_BYTE 0x88
#define X86_STORE_WORD 0x660089
#define X86_STORE_IMMEDIATE 0xc7 /* /0 */
#define X86_LEA 0x8d
#define X86_XOR 0x33
#define X86_OR 0x0b
#define X86_ADD 0x03
#define X86_SUB 0x2b
#define X86_SBB 0x1b
#define X86_CMP 0x3b
#define X86_TEST 0x85
#define X86_UNARY 0xf7 /* and an enum x86_unary */
#define X86_SHIFT_NUMBER 0xc1 /* and an enum x86_shift, a byte behind it */
#define X86_SHIFT_BY_CL 0xd3
#define X86_CDQ 0x99
#define X86_GROUP_BYTE 0x80 /* group on a byte, with a byte */
#define X86_GROUP_WORD 0x81
#define X86_GROUP_SHORT 0x83 /* group with a signed byte */
#define X86_RET 0xc3
#define X86_JMP 0xe9
#define X86_JMP_SHORT 0xeb
#define X86_JCC 0x80       /* + condition, behind 0F */
#define X86_JCC_SHORT 0x70 /* + condition */
#define X86_INDIRECT 0xff /* /2 call, /4 jmp, /6 push */
#define X86_IMUL (X86_0F | 0xaf)
#define X86_MOVZX_BYTE (X86_0F | 0xb6)
#define X86_MOVZX_WORD (X86_0F | 0xb7)
#define X86_MOVSX_BYTE (X86_0F | 0xbe)
#define X86_MOVSX_WORD (X86_0F | 0xbf)
#define X86_CMOV (X86_0F | 0x40) /* + condition */
#define X86_SETCC (X86_0F | 0x90) /* + condition */
#define X86_BSF (X86_0F | 0xbc)
#define X86_BSR (X86_0F | 0xbd)
#define X86_MOVSS (X86_F3 | 0x10)
#define X86_MOVSD (X86_F2 | 0x10)
#define X86_MOVE_OUT 1 /* MOVSS and MOVSD plus this: to memory */
#define X86_MOVAPS (X86_0F | 0x28)
#define X86_XORPS (X86_0F | 0x57)
#define X86_ANDPS (X86_0F | 0x54)
#define X86_UCOMISD (X86_66 | 0x2e)
#define X86_MOVD (X86_66 | 0x6e)
#define X86_MOVD_OUT (X86_66 | 0x7e)

/* div and idiv take edx:eax, mul and imul leave their product there. */
enum x86_unary { UNARY_NEG = 3, UNARY_MUL, UNARY_IMUL, UNARY_DIV, UNARY_IDIV };
enum x86_shift { SHIFT_ROL, SHIFT_ROR, SHIFT_SHL = 4, SHIFT_SHR, SHIFT_SAR = 7 };

/* Instructions of the group 80-83: add, or, adc, sbb, and, sub, xor, cmp; their opcodes begin at 8 * number. */
enum x86_group { GROUP_ADD, GROUP_OR, GROUP_ADC, GROUP_SBB, GROUP_AND, GROUP_SUB, GROUP_XOR, GROUP_CMP };
#define X86_GROUP_LOAD 3 /* register op= memory */
#define X86_GROUP_STORE 1

enum x86_condition { CONDITION_B = 2, CONDITION_AE, CONDITION_E, CONDITION_NE, CONDITION_BE, CONDITION_A };

void x86_byte(struct x86 *x, uint32_t byte);
void x86_word(struct x86 *x, uint32_t word);

/* opcode reg, rm; `registers` is reg in bits 3-5, rm in bits 0-2. */
void x86_register_pair(struct x86 *x, uint32_t opcode, unsigned registers);

static inline void x86_registers(struct x86 *x, uint32_t opcode, unsigned reg, unsigned rm)
{
    x86_register_pair(x, opcode, reg << 3 | rm);
}

/* opcode reg, [base + disp]; base may be NO_BASE */
void x86_memory(struct x86 *x, uint32_t opcode, unsigned reg, unsigned base, uint32_t disp);

/* opcode reg, [base + (index << shift) + disp]; base may be NO_BASE, index NO_INDEX */
void x86_indexed(struct x86 *x, uint32_t opcode, unsigned reg, unsigned base, unsigned index, unsigned shift,
                 uint32_t disp);

/* The group instruction with a number as second operand, on a register or on memory. */
void x86_group(struct x86 *x, enum x86_group number, unsigned reg, uint32_t value);
void x86_group_memory(struct x86 *x, enum x86_group number, unsigned base, uint32_t disp, uint32_t value);

/* mov reg, value */
void x86_constant(struct x86 *x, unsigned reg, uint32_t value);

/* Writes a word where one was emitted, and reads it. */
void x86_patch(struct x86 *x, uint32_t offset, uint32_t word);
uint32_t x86_word_at(const struct x86 *x, uint32_t offset);

static inline bool x86_fits(const struct x86 *x)
{
    return x->size <= x->capacity;
}
