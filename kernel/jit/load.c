#include "jit/load.h"

#include "lib/string.h"
#include "memory/heap.h"
#include "memory/paging.h"
#include "memory/pools.h"

#define CODE_ALIGNMENT 16
#define TABLE_ALIGNMENT 4
#define STATE_ALIGNMENT 16

/* The page in front of the module arena is not mapped, the one behind it only where the arena ends within it: see
 * compile.h. */
#define ARENA (BF_MEM_MODULE_ARENA_START - BF_ARENA_START)
_Static_assert(BF_MEM_MODULE_ARENA_START % BF_PAGE_SIZE == 0, "the arena's first byte is not the first of a page");

static const char no_heap[] = "no room on the kernel heap: raise heap_kib";

static struct jit_state *state_of(const struct jit_loaded *loaded)
{
    return (struct jit_state *)(uintptr_t)loaded->environment.state;
}

/* Address behind the arena, where a guarded one has its page. */
static uint32_t arena_end(const struct jit_program *program)
{
    return ARENA + program->header->arena_size;
}

static const char *copy_code(const struct jit_unit *unit, struct jit_function *function)
{
    function->size = unit->size;
    function->code = pool_allocate(POOL_CODE, unit->size, CODE_ALIGNMENT);
    if (unit->size > unit->capacity || !function->code)
        return "no room in the JIT code pool: raise jit_code_kib";
    memcpy(function->code, unit->code, unit->size);
    return 0;
}

static const char *compile(struct jit_loaded *loaded, uint32_t number, struct jit_work *work, struct jit_unit *unit)
{
    const struct jit_program *program = &loaded->program;
    struct jit_function *function = &loaded->functions[number];
    struct jit_body body = jit_body(program, number);
    work->used = 0;
    if (!jit_transform(program, 0, work, &body))
        return no_heap;
    uint32_t switch_words = jit_switch_words(program, &body);
    if (switch_words) {
        function->switches = pool_allocate(POOL_DATA, switch_words * sizeof *function->switches, TABLE_ALIGNMENT);
        if (!function->switches)
            return "no room in the JIT data pool: raise jit_data_kib";
    }
    unit->switches = function->switches;
    unit->switches_at = (uint32_t)(uintptr_t)function->switches;
    if (!jit_compile(program, &loaded->environment, &body, 0, work, unit))
        return no_heap;
    const char *reason = copy_code(unit, function);
    if (reason)
        return reason;
    for (uint32_t i = 0; i < switch_words; i++)
        function->switches[i] += (uint32_t)(uintptr_t)function->code;
    loaded->addresses[number] = (uint32_t)(uintptr_t)function->code;
    loaded->code_bytes += function->size;
    return 0;
}

static uint32_t work_bytes(const struct jit_program *program)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < program->header->function_count; i++) {
        uint32_t bytes = jit_work_bytes(program, i, 0);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static const char *compile_all(struct jit_loaded *loaded)
{
    struct jit_unit unit = {.capacity = pool_statistics(POOL_CODE).largest_free};
    struct jit_work work = {.size = work_bytes(&loaded->program)};
    const char *reason = no_heap;
    work.start = kernel_allocate(work.size);
    unit.code = kernel_allocate(unit.capacity);
    if (work.start && unit.code) {
        reason = 0;
        for (uint32_t i = 0; i < loaded->program.header->function_count && !reason; i++)
            reason = compile(loaded, i, &work, &unit);
        if (!reason) {
            jit_compile_entry(&loaded->program, &loaded->environment, &unit);
            reason = copy_code(&unit, &loaded->entry);
        }
    }
    kernel_free(unit.code);
    kernel_free(work.start);
    return reason;
}

static void set_up_arena(const struct jit_loaded *loaded)
{
    const struct bf_program_header *header = loaded->program.header;
    uint8_t *start = (uint8_t *)BF_MEM_MODULE_ARENA_START;
    memset(start, 0, header->arena_size - BF_ARENA_START);
    memcpy(start, loaded->program.data, header->data_size);
    *state_of(loaded) = (struct jit_state){
        .heap = (header->data_end + BF_FRAME_ALIGNMENT - 1) & ~(BF_FRAME_ALIGNMENT - 1u),
        .arena = ARENA,
        .arena_size = header->arena_size,
        .heap_end = header->arena_size - header->stack_bytes,
    };
}

static const char *take_tables(struct jit_loaded *loaded)
{
    const struct bf_program_header *header = loaded->program.header;
    uint32_t functions = header->function_count, entries = header->entry_count * sizeof(jit_entry);
    loaded->functions = pool_allocate(POOL_METADATA, functions * sizeof *loaded->functions, TABLE_ALIGNMENT);
    if (!loaded->functions)
        return "no room in the JIT metadata pool: raise jit_metadata_kib";
    memset(loaded->functions, 0, functions * sizeof *loaded->functions);
    loaded->addresses = pool_allocate(POOL_DATA, functions * sizeof *loaded->addresses, TABLE_ALIGNMENT);
    loaded->entries = pool_allocate(POOL_DATA, entries, TABLE_ALIGNMENT);
    uint16_t *depths = kernel_allocate(functions * sizeof *depths);
    if (depths)
        memset(depths, 0, functions * sizeof *depths);
    loaded->environment.counts_calls = !depths || !jit_stays_above(&loaded->program, depths);
    kernel_free(depths);
    if (!loaded->addresses || !loaded->entries)
        return "no room in the JIT data pool: raise jit_data_kib";
    memcpy(loaded->entries, loaded->program.entries, entries);
    return 0;
}

const char *jit_load(struct jit_loaded *loaded, const struct jit_program *program)
{
    bool is_guarded = arena_end(program) % BF_PAGE_SIZE == 0;
    uint32_t state = (arena_end(program) + STATE_ALIGNMENT - 1) & ~(STATE_ALIGNMENT - 1u);
    if (is_guarded)
        state += BF_PAGE_SIZE;
    *loaded = (struct jit_loaded){
        .program = *program,
        .environment = {.arena = ARENA, .state = state, .is_guarded = is_guarded},
    };
    if (program->header->arena_size > BF_MEM_MODULE_ARENA_SIZE ||
        state + sizeof(struct jit_state) > BF_MEM_MODULE_ARENA_END)
        return "its arena is larger than the module arena";
    const char *reason = take_tables(loaded);
    if (!reason) {
        loaded->environment.functions = (uint32_t)(uintptr_t)loaded->addresses;
        loaded->environment.entries = (uint32_t)(uintptr_t)loaded->entries;
        reason = compile_all(loaded);
    }
    if (reason) {
        jit_unload(loaded);
        return reason;
    }
    set_up_arena(loaded);
    if (is_guarded)
        paging_set_present(arena_end(program), false);
    return 0;
}

void jit_unload(struct jit_loaded *loaded)
{
    if (loaded->environment.is_guarded)
        paging_set_present(arena_end(&loaded->program), true);
    for (uint32_t i = 0; loaded->functions && i < loaded->program.header->function_count; i++) {
        pool_free(POOL_CODE, loaded->functions[i].code);
        pool_free(POOL_DATA, loaded->functions[i].switches);
    }
    pool_free(POOL_CODE, loaded->entry.code);
    pool_free(POOL_DATA, loaded->entries);
    pool_free(POOL_DATA, loaded->addresses);
    pool_free(POOL_METADATA, loaded->functions);
    *loaded = (struct jit_loaded){.program = loaded->program};
}

void jit_prepare(const struct jit_loaded *loaded, const uint32_t *arguments, uint32_t count)
{
    struct jit_state *state = state_of(loaded);
    uint32_t room = sizeof state->arguments / sizeof *state->arguments;
    state->calls_left = loaded->program.header->call_depth;
    state->stack = loaded->program.header->arena_size;
    memset(state->arguments, 0, sizeof state->arguments);
    memcpy(state->arguments, arguments, (count < room ? count : room) * sizeof *arguments);
}

uint64_t jit_result(const struct jit_loaded *loaded)
{
    const struct jit_state *state = state_of(loaded);
    return (uint64_t)state->result[1] << 32 | state->result[0];
}
