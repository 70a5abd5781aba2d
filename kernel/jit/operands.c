#include "jit/operands.h"

/* Bytes behind the first word. */
#define FIRST_COMPARED 5
#define FIRST_ARGUMENT 4

static bool is_read(uint8_t slot)
{
    return (slot >= BF_SLOT_READ_I32 && slot <= BF_SLOT_READ_F64) || slot == BF_SLOT_VALUE;
}

static void add(struct jit_reads *reads, const jit_word *words, unsigned byte)
{
    reads->registers[reads->count] = ((const uint8_t *)words)[byte];
    reads->bytes[reads->count++] = (uint8_t)byte;
}

void jit_reads(const struct jit_program *program, const jit_word *words, struct jit_reads *reads)
{
    const struct jit_op *op = &jit_ops[(uint8_t)words[0]];
    uint32_t tail = op->tail == BF_TAIL_NONE ? 0 : words[1];
    reads->count = 0;
    for (unsigned place = 0; place < 3; place++) {
        uint8_t slot = op->slots[place];
        if (is_read(slot) || (slot == BF_SLOT_BASE && tail & BF_ADDRESS_BASE) ||
            (slot == BF_SLOT_INDEX && tail & BF_ADDRESS_INDEX))
            add(reads, words, 1 + place);
    }
    if (op->tail == BF_TAIL_COMPARE || op->tail == BF_TAIL_COMPARE_IMMEDIATE)
        add(reads, words, FIRST_COMPARED);
    if (op->tail == BF_TAIL_COMPARE)
        add(reads, words, FIRST_COMPARED + 1);
    if (op->tail == BF_TAIL_ARGUMENTS) {
        uint32_t parameters = jit_callee(program, words[0])->parameter_count;
        for (uint32_t i = 0; i < parameters; i++)
            add(reads, words, FIRST_ARGUMENT + i);
    }
}

void jit_rename(const struct jit_program *program, jit_word *words, const uint8_t *reads, const uint8_t *written)
{
    struct jit_reads found;
    uint8_t d = jit_written(program, words);
    jit_reads(program, words, &found);
    for (unsigned i = 0; i < found.count; i++)
        ((uint8_t *)words)[found.bytes[i]] = reads[found.registers[i]];
    if (d != NO_REGISTER)
        ((uint8_t *)words)[1] = written[d];
}

uint8_t jit_written(const struct jit_program *program, const jit_word *words)
{
    uint8_t slot = jit_ops[(uint8_t)words[0]].slots[0];
    bool writes = slot == BF_SLOT_RESULT ? jit_callee(program, words[0])->result != BF_VALUE_TYPE_NONE
                                         : slot >= BF_SLOT_WRITE_I32 && slot <= BF_SLOT_WRITE_F64;
    return writes ? jit_slot(words[0], 0) : NO_REGISTER;
}
