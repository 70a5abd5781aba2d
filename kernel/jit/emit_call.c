/* Templates of calls, of COPY and FILL, which are calls too, and the code that calls the entry. */
#include "jit/internal.h"

#define PUSH 6 /* of X86_INDIRECT */
#define CALL 2
#define PUSH_WORD 0x68
#define PUSH_REGISTER 0x50
#define POP_REGISTER 0x58
#define FSTP_32 0xd9 /* /3 */
#define FSTP_64 0xdd /* /3 */
#define FSTP 3

/* Onto the stack; slots are so much farther from esp then. */
static void push(struct compiler *c, uint8_t number, uint32_t offset)
{
    with_half(c, X86_INDIRECT, PUSH, number, offset);
    c->pushed += 4;
}

static void push_argument(struct compiler *c, uint8_t number)
{
    uint32_t size = jit_register_size(c, number);
    if (is_in_slot(c, number) || !is_vector(c, number)) {
        for (uint32_t offset = size; offset; offset -= 4)
            push(c, number, offset - 4);
        return;
    }
    x86_group(&c->x, GROUP_SUB, ESP, size);
    c->pushed += size;
    x86_memory(&c->x, (size == 8 ? X86_MOVSD : X86_MOVSS) + X86_MOVE_OUT, home(c, number), ESP, 0);
}

static void push_arguments(struct compiler *c, const uint8_t *arguments, uint32_t count)
{
    while (count--)
        push_argument(c, arguments[count]);
}

static void pop_arguments(struct compiler *c)
{
    if (c->pushed)
        x86_group(&c->x, GROUP_ADD, ESP, c->pushed);
    c->pushed = 0;
}

static void push_state(struct compiler *c)
{
    x86_byte(&c->x, PUSH_WORD);
    x86_word(&c->x, c->environment->state);
    c->pushed += 4;
}

static void call_helper(struct compiler *c, uint32_t number)
{
    with_state(c, X86_STORE, ESP, helper_esp);
    x86_memory(&c->x, X86_INDIRECT, CALL, NO_BASE, (uint32_t)(uintptr_t)&jit_helpers[number]);
    pop_arguments(c);
}

static void store_result(struct compiler *c, uint8_t d, uint8_t type, bool of_helper)
{
    bool is_double = type == BF_VALUE_TYPE_F64;
    if (type == BF_VALUE_TYPE_NONE)
        return;
    if (type == BF_VALUE_TYPE_I32) {
        store32(c, EAX, d);
    } else if (type == BF_VALUE_TYPE_I64) {
        with_own_slot(c, X86_STORE, EAX, d, 0);
        with_own_slot(c, X86_STORE, EDX, d, 4);
    } else if (of_helper) {
        with_own_slot(c, is_double ? FSTP_64 : FSTP_32, FSTP, d, 0);
    } else {
        store_vector(c, 0, d);
        return;
    }
    if (type != BF_VALUE_TYPE_I32 && !is_in_slot(c, d))
        fill(c, d);
}

/* Slots of registers that are needed behind a call and whose homes it changes: all, or those that C may change. */
static void save_homes(struct compiler *c, bool of_helper, bool after)
{
    const struct jit_places *places = c->places;
    uint32_t place = 0;
    while (place < places->save_count && places->saves[place].word != c->word)
        place++;
    if (place == places->save_count)
        return;
    for (unsigned number = 0; number < jit_register_count(c->body); number++) {
        bool is_lost = set_has(&places->saves[place].registers, (uint8_t)number) &&
                       (!of_helper || is_vector(c, (uint8_t)number) || home(c, (uint8_t)number) <= EDX);
        if (is_lost && after)
            fill(c, (uint8_t)number);
        else if (is_lost && !set_has(&places->unchanged, (uint8_t)number))
            spill(c, (uint8_t)number);
    }
}

/* A function pointer is one more than the place in its table. */
static void emit_indirect(struct compiler *c, uint32_t first)
{
    struct x86 *x = &c->x;
    const struct bf_program_table *table = &c->program->tables[jit_slot(first, 1)];
    load32(c, EAX, jit_slot(first, 2));
    x86_group(x, GROUP_SUB, EAX, 1);
    x86_group(x, GROUP_CMP, EAX, table->count);
    trap_unless(c, CONDITION_B);
    x86_indexed(x, X86_MOVZX_WORD, EAX, NO_BASE, EAX, 1,
                c->environment->entries + (uint32_t)sizeof(jit_entry) * table->first);
    x86_indexed(x, X86_INDIRECT, CALL, NO_BASE, EAX, 2, c->environment->functions);
}

void emit_call(struct compiler *c, uint8_t op, const jit_word *words)
{
    uint32_t first = words[0];
    bool is_block = op == BF_OP_COPY || op == BF_OP_FILL, of_helper = is_block || op == BF_OP_CALL_HELPER;
    save_homes(c, of_helper, false);
    if (is_block) {
        uint8_t arguments[] = {jit_slot(first, 0), jit_slot(first, 1), jit_slot(first, 2)};
        push_arguments(c, arguments, sizeof arguments);
        push_state(c);
        call_helper(c, op == BF_OP_COPY ? HELPER_COPY : HELPER_FILL);
        save_homes(c, of_helper, true);
        return;
    }
    const struct bf_program_signature *callee = jit_callee(c->program, first);
    push_arguments(c, (const uint8_t *)(words + 1), callee->parameter_count);
    if (of_helper) {
        uint32_t helper = c->program->imports[jit_slot(first, 1)].helper;
        if (helper == BF_HELPER_ALLOCATE)
            push_state(c);
        call_helper(c, helper);
    } else {
        if (op == BF_OP_CALL)
            x86_memory(&c->x, X86_INDIRECT, CALL, NO_BASE, function_entry(c->environment, jit_wide(first)));
        else
            emit_indirect(c, first);
        pop_arguments(c);
    }
    store_result(c, jit_slot(first, 0), callee->result, of_helper);
    save_homes(c, of_helper, true);
}

void jit_compile_entry(const struct jit_program *program, const struct jit_environment *environment,
                       struct jit_unit *unit)
{
    struct compiler c = {.x = {.start = unit->code, .capacity = unit->capacity}, .environment = environment};
    const struct bf_program_signature *signature =
        &program->signatures[program->functions[program->header->entry].signature];
    uint32_t words = 0;
    for (unsigned i = 0; i < signature->parameter_count; i++)
        words += jit_type_size(jit_parameter_type(signature, i)) / 4;
    static const uint8_t kept[] = {EBX, EBP, ESI, EDI}; /* by C */
    for (unsigned i = 0; i < sizeof kept; i++)
        x86_byte(&c.x, PUSH_REGISTER + kept[i]);
    uint32_t arguments = environment->state + (uint32_t)offsetof(struct jit_state, arguments);
    for (uint32_t i = words; i--;)
        x86_memory(&c.x, X86_INDIRECT, PUSH, NO_BASE, arguments + 4 * i);
    x86_memory(&c.x, X86_INDIRECT, CALL, NO_BASE, function_entry(environment, program->header->entry));
    c.pushed = 4 * words;
    pop_arguments(&c);
    for (unsigned i = sizeof kept; i--;)
        x86_byte(&c.x, POP_REGISTER + kept[i]);
    if (signature->result == BF_VALUE_TYPE_F32)
        x86_registers(&c.x, X86_MOVD_OUT, 0, EAX);
    if (signature->result == BF_VALUE_TYPE_F64)
        with_state(&c, X86_MOVSD + X86_MOVE_OUT, 0, result);
    else
        with_state(&c, X86_STORE, EAX, result[0]);
    if (signature->result == BF_VALUE_TYPE_I64)
        with_state(&c, X86_STORE, EDX, result[1]);
    x86_byte(&c.x, X86_RET);
    unit->size = c.x.size;
}
