#include "jit/x86.h"

#include "lib/string.h"

#define MODE_DISP8 0x40
#define MODE_DISP32 0x80
#define MODE_REGISTER 0xc0
#define RM_SIB 4      /* a SIB byte follows */
#define RM_ABSOLUTE 5 /* with mode 0: disp32 alone */
#define GROUP_EAX_WORD 5
#define MOV_CONSTANT 0xb8

void x86_byte(struct x86 *x, uint32_t byte)
{
    if (x->size < x->capacity)
        x->start[x->size] = (uint8_t)byte;
    x->size++;
}

void x86_word(struct x86 *x, uint32_t word)
{
    for (unsigned i = 0; i < sizeof word; i++, word >>= 8)
        x86_byte(x, word);
}

void x86_patch(struct x86 *x, uint32_t offset, uint32_t word)
{
    if (x86_fits(x))
        memcpy(x->start + offset, &word, sizeof word);
}

uint32_t x86_word_at(const struct x86 *x, uint32_t offset)
{
    uint32_t word = 0;
    if (x86_fits(x))
        memcpy(&word, x->start + offset, sizeof word);
    return word;
}

static bool is_byte(uint32_t value)
{
    return value + 0x80 < 0x100;
}

static void emit_opcode(struct x86 *x, uint32_t opcode)
{
    if (opcode >> 16)
        x86_byte(x, opcode >> 16);
    if (opcode & X86_0F)
        x86_byte(x, 0x0f);
    x86_byte(x, opcode);
}

void x86_register_pair(struct x86 *x, uint32_t opcode, unsigned registers)
{
    emit_opcode(x, opcode);
    x86_byte(x, MODE_REGISTER | registers);
}

void x86_indexed(struct x86 *x, uint32_t opcode, unsigned reg, unsigned base, unsigned index, unsigned shift,
                 uint32_t disp)
{
    emit_opcode(x, opcode);
    reg <<= 3;
    if (base == NO_BASE && index != NO_INDEX && shift == 0) { /* shorter as a base */
        base = index;
        index = NO_INDEX;
    }
    unsigned mode = disp == 0 && base != EBP ? 0 : is_byte(disp) ? MODE_DISP8 : MODE_DISP32;
    bool sib = index != NO_INDEX || base == ESP;
    bool absolute = base == NO_BASE;
    if (absolute) {
        mode = 0;
        base = RM_ABSOLUTE;
    }
    x86_byte(x, mode | reg | (sib ? RM_SIB : base));
    if (sib)
        x86_byte(x, shift << 6 | index << 3 | base);
    if (mode == MODE_DISP8)
        x86_byte(x, disp);
    else if (mode == MODE_DISP32 || absolute)
        x86_word(x, disp);
}

void x86_memory(struct x86 *x, uint32_t opcode, unsigned reg, unsigned base, uint32_t disp)
{
    x86_indexed(x, opcode, reg, base, NO_INDEX, 0, disp);
}

void x86_group(struct x86 *x, enum x86_group number, unsigned reg, uint32_t value)
{
    if (is_byte(value)) {
        x86_registers(x, X86_GROUP_SHORT, number, reg);
        x86_byte(x, value);
        return;
    }
    if (reg == EAX)
        x86_byte(x, 8 * number + GROUP_EAX_WORD);
    else
        x86_registers(x, X86_GROUP_WORD, number, reg);
    x86_word(x, value);
}

void x86_group_memory(struct x86 *x, enum x86_group number, unsigned base, uint32_t disp, uint32_t value)
{
    x86_memory(x, is_byte(value) ? X86_GROUP_SHORT : X86_GROUP_WORD, number, base, disp);
    if (is_byte(value))
        x86_byte(x, value);
    else
        x86_word(x, value);
}

void x86_constant(struct x86 *x, unsigned reg, uint32_t value)
{
    x86_byte(x, MOV_CONSTANT + reg);
    x86_word(x, value);
}
