#include "jit/promote.h"

#include "lib/string.h"
#include "memory/paging.h"
#include "memory/pools.h"
#include "profile/probe.h"

#define TABLE_ALIGNMENT 4
#define STATE_ALIGNMENT 16

/* The page in front of the module arena is not mapped, the one behind it only where the arena ends within it: see
 * compile.h. */
#define ARENA (BF_MEM_MODULE_ARENA_START - BF_ARENA_START)
_Static_assert(BF_MEM_MODULE_ARENA_START % BF_PAGE_SIZE == 0, "the arena's first byte is not the first of a page");

static struct jit_state *state_of(const struct jit_loaded *loaded)
{
    return (struct jit_state *)(uintptr_t)loaded->environment.state;
}

/* Address behind the arena, where a guarded one has its page. */
static uint32_t arena_end(const struct jit_program *program)
{
    return ARENA + program->header->arena_size;
}

static const char *compile_all(struct jit_loaded *loaded)
{
    const struct jit_program *program = &loaded->program;
    const struct jit_environment *environment = &loaded->environment;
    for (uint32_t i = 0; i < program->header->function_count; i++) {
        struct jit_function *function = &loaded->functions[i];
        uint64_t start = probe_clock();
        unsigned level = loaded->policy.level;
        const char *reason = 0;
        do /* a function may be too large for the memory that a level takes */
            reason = jit_code_make(program, environment, i, level, JIT_NO_BLOCK, &function->code);
        while (reason && level--);
        if (reason)
            return reason;
        function->compile_cycles = probe_clock() - start;
        loaded->addresses[i] = (uint32_t)(uintptr_t)function->code.code;
        jit_count_on(loaded, i);
    }
    return jit_code_make_entry(program, environment, &loaded->entry);
}

void jit_set_up_arena(const struct jit_loaded *loaded)
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
    loaded->environment.counts_calls = !depths || !jit_has_bounded_depth(&loaded->program, depths);
    kernel_free(depths);
    if (!loaded->addresses || !loaded->entries)
        return "no room in the JIT data pool: raise jit_data_kib";
    memcpy(loaded->entries, loaded->program.entries, entries);
    return 0;
}

const char *jit_load(struct jit_loaded *loaded, const struct jit_program *program, const struct jit_policy *policy)
{
    bool is_guarded = arena_end(program) % BF_PAGE_SIZE == 0;
    uint32_t state = (arena_end(program) + STATE_ALIGNMENT - 1) & ~(STATE_ALIGNMENT - 1u);
    if (is_guarded)
        state += BF_PAGE_SIZE;
    uint32_t counters = state + (uint32_t)sizeof(struct jit_state);
    *loaded = (struct jit_loaded){
        .program = *program,
        .environment = {.arena = ARENA,
                        .state = state,
                        .is_guarded = is_guarded,
                        .counters = counters,
                        .promotes = policy->promotes},
        .policy = *policy,
    };
    if (program->header->arena_size > BF_MEM_MODULE_ARENA_SIZE ||
        counters + program->header->function_count * sizeof(struct jit_counter) > BF_MEM_MODULE_ARENA_END)
        return "its arena is larger than the module arena";
    const char *reason = take_tables(loaded);
    if (!reason) {
        memset((void *)counters, 0, program->header->function_count * sizeof(struct jit_counter));
        loaded->environment.functions = (uint32_t)(uintptr_t)loaded->addresses;
        loaded->environment.entries = (uint32_t)(uintptr_t)loaded->entries;
        reason = compile_all(loaded);
    }
    if (reason) {
        jit_unload(loaded);
        return reason;
    }
    jit_set_up_arena(loaded);
    if (is_guarded)
        paging_set_present(arena_end(program), false);
    return 0;
}

void jit_unload(struct jit_loaded *loaded)
{
    if (loaded->environment.is_guarded)
        paging_set_present(arena_end(&loaded->program), true);
    jit_free_retired(loaded);
    for (uint32_t i = 0; loaded->functions && i < loaded->program.header->function_count; i++)
        jit_code_free(&loaded->functions[i].code);
    jit_code_free(&loaded->entry);
    pool_free(POOL_DATA, loaded->entries);
    pool_free(POOL_DATA, loaded->addresses);
    pool_free(POOL_METADATA, loaded->functions);
    *loaded = (struct jit_loaded){.program = loaded->program};
}

uint32_t jit_code_bytes(const struct jit_loaded *loaded)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < loaded->program.header->function_count; i++)
        bytes += loaded->functions[i].code.size;
    return bytes;
}

void jit_prepare(struct jit_loaded *loaded, const uint32_t *arguments, uint32_t count)
{
    struct jit_state *state = state_of(loaded);
    jit_free_retired(loaded);
    for (uint32_t i = 0; i < loaded->program.header->function_count; i++)
        jit_count_on(loaded, i);
    uint32_t room = sizeof state->arguments / sizeof *state->arguments;
    state->calls_left = loaded->program.header->call_depth;
    state->stack = loaded->program.header->arena_size;
    memset(state->arguments, 0, sizeof state->arguments);
    memcpy(state->arguments, arguments, (count < room ? count : room) * sizeof *arguments);
}
