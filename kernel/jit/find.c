/* From an address of code to the operation it belongs to. */
#include "jit/load.h"
#include "lib/string.h"
#include "memory/heap.h"

static uint32_t offset_in(const struct jit_function *function, uint32_t address)
{
    return address - (uint32_t)(uintptr_t)function->code;
}

/* The function whose code has this address, or function_count. */
static uint32_t function_at(const struct jit_loaded *loaded, uint32_t address)
{
    uint32_t number = 0;
    while (number < loaded->program.header->function_count &&
           offset_in(&loaded->functions[number], address) >= loaded->functions[number].size)
        number++;
    return number;
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
    const struct jit_program *program = &loaded->program;
    if (function_at(loaded, address) == program->header->function_count)
        address = helper_call(loaded);
    place->function = function_at(loaded, address);
    if (place->function == program->header->function_count)
        return false;
    const struct jit_function *function = &loaded->functions[place->function];
    struct jit_unit unit = {
        .capacity = function->size,
        .code = kernel_allocate(function->size),
        .switches_at = (uint32_t)(uintptr_t)function->switches,
    };
    struct jit_work work = {.size = jit_work_bytes(program, place->function, 0)};
    work.start = kernel_allocate(work.size);
    bool found = unit.code && work.start &&
                 jit_locate(program, &loaded->environment, 0, offset_in(function, address), &work, &unit, place);
    kernel_free(work.start);
    kernel_free(unit.code);
    return found;
}
