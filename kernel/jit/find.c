/* From an address of code to the operation it belongs to. */
#include "jit/load.h"
#include "lib/string.h"

static uint32_t offset_in(const struct jit_code *code, uint32_t address)
{
    return address - (uint32_t)(uintptr_t)code->code;
}

static bool has(const struct jit_code *code, uint32_t address)
{
    return offset_in(code, address) < code->size;
}

/* The code, retired or not, that has this address, and whose it is; 0 when it is no function's. */
static const struct jit_code *code_at(const struct jit_loaded *loaded, uint32_t address, uint32_t *function)
{
    for (*function = 0; *function < loaded->program.header->function_count; ++*function) {
        if (has(&loaded->functions[*function].code, address))
            return &loaded->functions[*function].code;
    }
    for (const struct jit_retired *retired = loaded->retired; retired; retired = retired->next) {
        *function = retired->function;
        if (has(&retired->code, address))
            return &retired->code;
    }
    return 0;
}

/* The last byte of the call of a helper: behind it is the return address, which was pushed last. */
static uint32_t helper_call(const struct jit_loaded *loaded)
{
    const struct jit_state *state = (const struct jit_state *)(uintptr_t)loaded->environment.state;
    uint32_t esp = state->helper_esp, address = 0;
    if (esp > BF_MEM_MODULE_STACK_START && esp <= BF_MEM_MODULE_STACK_END)
        memcpy(&address, (const uint8_t *)(uintptr_t)(esp - sizeof address), sizeof address);
    return address - 1;
}

bool jit_find(const struct jit_loaded *loaded, uint32_t address, struct jit_place *place)
{
    const struct jit_code *code = code_at(loaded, address, &place->function);
    if (!code) {
        address = helper_call(loaded);
        code = code_at(loaded, address, &place->function);
    }
    return code && jit_code_locate(&loaded->program, &loaded->environment, code, offset_in(code, address), place);
}
