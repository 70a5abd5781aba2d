#include "jit/operands.h"

static bool is_read(uint8_t slot)
{
    return (slot >= BF_SLOT_READ_I32 && slot <= BF_SLOT_READ_F64) || slot == BF_SLOT_VALUE;
}

void jit_reads(const struct jit_program *program, const jit_word *words, struct jit_reads *reads)
{
    uint32_t first = words[0], count = 0;
    const struct jit_op *op = &jit_ops[(uint8_t)first];
    uint32_t tail = op->tail == BF_TAIL_NONE ? 0 : words[1];
    for (unsigned place = 0; place < 3; place++) {
        uint8_t slot = op->slots[place];
        bool counts = is_read(slot) || (slot == BF_SLOT_BASE && tail & BF_ADDRESS_BASE) ||
                      (slot == BF_SLOT_INDEX && tail & BF_ADDRESS_INDEX);
        if (counts)
            reads->registers[count++] = jit_slot(first, place);
    }
    if (op->tail == BF_TAIL_COMPARE || op->tail == BF_TAIL_COMPARE_IMMEDIATE)
        reads->registers[count++] = (uint8_t)(tail >> 8);
    if (op->tail == BF_TAIL_COMPARE)
        reads->registers[count++] = (uint8_t)(tail >> 16);
    if (op->tail == BF_TAIL_ARGUMENTS) {
        const uint8_t *arguments = (const uint8_t *)(words + 1);
        uint32_t parameters = jit_callee(program, first)->parameter_count;
        for (uint32_t i = 0; i < parameters; i++)
            reads->registers[count++] = arguments[i];
    }
    reads->count = (uint8_t)count;
}

uint8_t jit_written(const struct jit_program *program, const jit_word *words)
{
    uint8_t slot = jit_ops[(uint8_t)words[0]].slots[0];
    bool writes = slot == BF_SLOT_RESULT ? jit_callee(program, words[0])->result != BF_VALUE_TYPE_NONE
                                         : slot >= BF_SLOT_WRITE_I32 && slot <= BF_SLOT_WRITE_F64;
    return writes ? jit_slot(words[0], 0) : NO_REGISTER;
}
