#include "jit/code.h"

#include "lib/string.h"
#include "memory/heap.h"
#include "memory/pools.h"

#define CODE_ALIGNMENT 16
#define SWITCH_ALIGNMENT 4

static const char no_heap[] = "no room on the kernel heap: raise heap_kib";

/* A buffer for all the code that the pool has room for, or the heap. */
static bool take_buffer(struct jit_unit *unit)
{
    uint32_t heap = heap_statistics(&kernel_heap).largest_free;
    unit->capacity = pool_statistics(POOL_CODE).largest_free;
    if (unit->capacity > heap)
        unit->capacity = heap;
    unit->code = kernel_allocate(unit->capacity);
    return unit->code;
}

static const char *copy(const struct jit_unit *unit, struct jit_code *made)
{
    made->size = unit->size;
    made->entry_at = unit->entry_at;
    made->code = unit->size > unit->capacity ? 0 : pool_allocate(POOL_CODE, unit->size, CODE_ALIGNMENT);
    if (!made->code)
        return "no room in the JIT code pool: raise jit_code_kib";
    memcpy(made->code, unit->code, unit->size);
    return 0;
}

static const char *compile(const struct jit_program *program, const struct jit_environment *environment,
                           struct jit_body *body, struct jit_work *work, struct jit_unit *unit, struct jit_code *made)
{
    if (!work->start || !unit->code || !jit_transform(program, environment, made->level, work, body))
        return no_heap;
    uint32_t switch_words = jit_switch_words(program, body);
    if (switch_words) {
        made->switches = pool_allocate(POOL_DATA, switch_words * sizeof *made->switches, SWITCH_ALIGNMENT);
        if (!made->switches)
            return "no room in the JIT data pool: raise jit_data_kib";
    }
    unit->switches = made->switches;
    unit->switches_at = (uint32_t)(uintptr_t)made->switches;
    if (!jit_compile(program, environment, body, made->level, work, unit))
        return no_heap;
    const char *reason = copy(unit, made);
    for (uint32_t i = 0; i < switch_words && !reason; i++)
        made->switches[i] += (uint32_t)(uintptr_t)made->code;
    return reason;
}

const char *jit_code_make(const struct jit_program *program, const struct jit_environment *environment,
                          uint32_t function, unsigned level, uint32_t entry_block, struct jit_code *made)
{
    struct jit_unit unit = {0};
    struct jit_work work = {.size = jit_work_bytes(program, function, level)};
    struct jit_body body = jit_body(program, function, entry_block);
    *made = (struct jit_code){.level = level, .entry_block = entry_block};
    work.start = kernel_allocate(work.size);
    take_buffer(&unit);
    const char *reason = compile(program, environment, &body, &work, &unit, made);
    kernel_free(unit.code);
    kernel_free(work.start);
    if (reason)
        jit_code_free(made);
    return reason;
}

const char *jit_code_make_entry(const struct jit_program *program, const struct jit_environment *environment,
                                struct jit_code *made)
{
    struct jit_unit unit = {0};
    const char *reason = no_heap;
    *made = (struct jit_code){0};
    if (take_buffer(&unit)) {
        jit_compile_entry(program, environment, &unit);
        reason = copy(&unit, made);
    }
    kernel_free(unit.code);
    return reason;
}

void jit_code_free(struct jit_code *code)
{
    pool_free(POOL_CODE, code->code);
    pool_free(POOL_DATA, code->switches);
    *code = (struct jit_code){0};
}

bool jit_code_locate(const struct jit_program *program, const struct jit_environment *environment,
                     const struct jit_code *code, uint32_t offset, struct jit_place *place)
{
    struct jit_unit unit = {
        .capacity = code->size,
        .code = kernel_allocate(code->size),
        .switches_at = (uint32_t)(uintptr_t)code->switches,
    };
    struct jit_work work = {.size = jit_work_bytes(program, place->function, code->level)};
    work.start = kernel_allocate(work.size);
    bool found = unit.code && work.start &&
                 jit_locate(program, environment, code->level, code->entry_block, offset, &work, &unit, place);
    kernel_free(work.start);
    kernel_free(unit.code);
    return found;
}
