#include "loader/loader.h"

#include "jit/module.h"
#include "lib/string.h"
#include "loader/cache_store.h"
#include "loader/cached.h"
#include "loader/embedded.h"
#include "loader/registry.h"
#include "loader/volumes.h"
#include "machine/devices.h"
#include "report/fault.h"

#define BREAKPOINT 0xcc /* int3: code that should be gone traps */

/* `extension` in lower case. */
static bool has_extension(const char *path, const char *extension)
{
    size_t length = strlen(path), wanted = strlen(extension);
    if (length <= wanted)
        return false;
    for (path += length - wanted; *path; path++, extension++) {
        char character = *path >= 'A' && *path <= 'Z' ? (char)(*path - 'A' + 'a') : *path;
        if (character != *extension)
            return false;
    }
    return true;
}

static void count(const struct module *module, struct totals *totals)
{
    switch (module->status) {
    case MODULE_PASSED:
        totals->passed++;
        break;
    case MODULE_FAILED:
        totals->failed++;
        break;
    case MODULE_UNCHECKED:
        totals->unchecked++;
        break;
    case MODULE_STOPPED:
        totals->stopped++;
        break;
    case MODULE_INVALID:
        totals->invalid++;
        break;
    case MODULE_NOT_EXECUTABLE:
    case MODULE_LEGACY_HEADER:
        totals->pending++;
        break;
    case MODULE_VALID:
    case MODULE_NOT_SELECTED:
        break;
    }
}

static const uint8_t *load_file(struct module *module)
{
    const uint8_t *file = module->place.embedded.data;
    uint32_t size = module->place.embedded.size;
    if (module->source == MODULE_DISK) {
        enum fat_result result = fat_read_whole(&module->place.file, FILE_BUFFER, BF_MEM_FILE_BUFFER_SIZE);
        if (result != FAT_OK) {
            module_refuse(module, fat_result_text(result));
            return 0;
        }
        file = FILE_BUFFER;
        size = module->place.file.size;
    }
    if (module->kind == MODULE_NATIVE)
        native_examine(module, file, size);
    else
        bitcode_examine(module, file, size);
    return file + (module->kind == MODULE_NATIVE ? BF_SIZEOF_NATIVE_MODULE_HEADER : module->pattern_offset);
}

/* Brings the module's bytes to memory and examines them. Its code, or its pattern section, when the status is
 * MODULE_VALID afterwards. */
static const uint8_t *load(struct module *module)
{
    return module->source == MODULE_CACHED ? cached_load(module) : load_file(module);
}

static void add(struct module *module, struct totals *totals)
{
    load(module);
    if (registry_add(module))
        return;
    module_refuse(module, "no room in the registry");
    report_module(module);
    totals->invalid++;
}

static void add_volume(struct fat_volume *volume, struct totals *totals)
{
    struct fat_walk walk;
    struct fat_entry entry;
    enum fat_result result;
    fat_walk_start(volume, &walk);
    while ((result = fat_walk_next(&walk, &entry)) != FAT_END) {
        bool is_native = has_extension(walk.path, ".mod");
        if (result != FAT_OK || !fat_is_file(&entry) || !(is_native || has_extension(walk.path, ".bc")))
            continue; /* what is wrong with the volume was reported when its files were listed */
        struct module module = {
            .source = MODULE_DISK, .kind = is_native ? MODULE_NATIVE : MODULE_BITCODE, .path = walk.path};
        fat_open_entry(volume, &entry, &module.place.file);
        add(&module, totals);
    }
}

void loader_register(struct totals *totals)
{
    struct fat_volume *volume;
    for (uint32_t i = 0; i < bf_embedded_count; i++) {
        struct module module = {.source = MODULE_EMBEDDED, .kind = MODULE_NATIVE, .path = ""};
        module.place.embedded.data = bf_embedded[i].data;
        module.place.embedded.size = bf_embedded[i].size;
        add(&module, totals);
    }
    for (uint32_t i = 0; (volume = volume_at(i)); i++)
        add_volume(volume, totals);
}

/* Calls a function of the module, by its offset in the code; the entry, if it is a program. False when it did not
 * return. */
static bool try_call(const struct module *module, uint32_t offset, uint32_t limit_ms, struct guarded *outcome)
{
    bool is_program = module_is_program(module);
    uint32_t address = is_program ? jit_module_prepare(module->size) : BF_MEM_MODULE_ARENA_START + offset;
    guard_call(address, module->size, limit_ms, outcome);
    if (outcome->ending == GUARD_RETURNED)
        return true;
    devices_restore();
    return false;
}

static void report_stop(struct module *module, const struct guarded *outcome)
{
    module->status = MODULE_STOPPED;
    module->reason = module_is_program(module) ? jit_module_explain(outcome) : guard_reason(outcome);
    module->stopped = *outcome;
    report_fault(module->name, module->reason, &outcome->fault);
}

/* The same; when it did not return, the module is stopped and reported. */
static bool call(struct module *module, uint32_t offset, const struct config *config, struct guarded *outcome)
{
    bool returned = try_call(module, offset, config->time_limit_ms, outcome);
    if (!returned)
        report_stop(module, outcome);
    return returned;
}

static void check(struct module *module, uint32_t answer)
{
    module->answer = answer;
    if (module->answer_known && answer != module->expected)
        module->status = MODULE_FAILED;
}

static uint32_t calls_wanted(const struct module *module, const struct config *config)
{
    if (config->iterations != CONFIG_WORD)
        return config->iterations;
    return module->calls && module_is_program(module) ? jit_module_calls_wanted() : 1;
}

void loader_call_entry(struct module *module, const struct config *config)
{
    struct guarded outcome;
    while (module->status != MODULE_FAILED && module->calls < calls_wanted(module, config)) {
        if (module->functions)
            profile_begin_call();
        module->calls++;
        if (!call(module, module->entry_offset, config, &outcome))
            return;
        check(module, outcome.value);
        statistics_add(&module->cycles,
                       module->functions ? profile_without_probes(outcome.cycles) : outcome.cycles);
    }
}

bool loader_call_again(struct module *module, uint32_t limit_ms, uint64_t *cycles)
{
    struct guarded outcome;
    bool returned = try_call(module, module->entry_offset, limit_ms, &outcome);
    *cycles = outcome.cycles;
    if (returned && module->answer_known)
        check(module, outcome.value);
    else if (!returned && outcome.ending != GUARD_TIME_LIMIT)
        report_stop(module, &outcome);
    return returned && module->status != MODULE_FAILED;
}

static void run_native(struct module *module, const uint8_t *code, const struct config *config)
{
    struct guarded outcome;
    memcpy(MODULE_ARENA, code, module->image_bytes);
    if (module->functions)
        profile_start(code, (const struct bf_native_function *)(code + module->functions), module->function_count);
    if (!module->init || call(module, module->init, config, &outcome))
        loader_call_entry(module, config);
    if (module->functions)
        module->profile = profile_finish();
    if (module->fini && module->status != MODULE_STOPPED)
        call(module, module->fini, config, &outcome);
}

static void run(struct module *module, const uint8_t *code, const struct config *config)
{
    module->status = module->answer_known ? MODULE_PASSED : MODULE_UNCHECKED;
    if (module_is_program(module))
        jit_module_run(module, config);
    else
        run_native(module, code, config);
    memset(MODULE_ARENA, BREAKPOINT, BF_MEM_MODULE_ARENA_SIZE);
    devices_restore();
}

void loader_run(struct module *module, const struct config *config)
{
    module->calls = 0;
    module->answer = 0;
    module->cycles = (struct statistics){0};
    module->stopped = (struct guarded){0};
    if (module->profile)
        profile_release(module->profile);
    module->profile = 0;
    kernel_free(module->summary);
    module->summary = 0;
    const uint8_t *code = load(module);
    if (module->status == MODULE_VALID)
        run(module, code, config);
    report_module(module);
}

/* A module that the configuration names and nobody has is a failure: the run did not do what it was asked to. */
static void report_missing(const struct config *config, struct totals *totals)
{
    char name[CONFIG_VALUE_SIZE];
    unsigned index = 0;
    while (config_next_missing(config, &index, name)) {
        report_config_missing(name);
        totals->failed++;
    }
}

void loader_run_all(struct config *config, struct totals *totals)
{
    struct module *module;
    for (uint32_t i = 0; (module = registry_active(i)); i++) {
        if (module->status == MODULE_INVALID) {
            report_module(module);
        } else if (config_selects(config, module->name)) {
            loader_run(module, config);
        } else {
            module->status = MODULE_NOT_SELECTED;
            report_module(module);
        }
    }
    report_missing(config, totals);
}

static void store(struct cache_store *cache, const struct module *module)
{
    struct module again = *module;
    const uint8_t *code = load(&again);
    if (again.status != MODULE_VALID || again.crc != module->crc)
        return; /* it changed or went since it ran */
    struct bf_jit_cache_entry entry = {
        .module_crc = module->crc,
        .cpu_features = module->cpu_features,
        .code_size = module->image_bytes,
        .calls = module->calls,
        .cycles = module->cycles.total,
    };
    memcpy(entry.module_name, module->name, sizeof entry.module_name);
    cache_store_add(cache, &entry, code);
}

void loader_store(const struct ata_drive *boot_drive)
{
    struct cache_store cache;
    const struct module *module;
    if (!cache_store_begin(&cache, boot_drive))
        return;
    for (uint32_t i = 0; (module = registry_active(i)); i++) {
        bool ran_well = module->status == MODULE_PASSED || module->status == MODULE_UNCHECKED;
        bool is_code =
            module->image_bytes && (module->entry_offset | module->init | module->fini | module->functions) == 0;
        if (ran_well && is_code && module->source != MODULE_CACHED)
            store(&cache, module);
    }
    cache_store_commit(&cache);
}

void loader_count(struct totals *totals)
{
    const struct module *module;
    for (uint32_t i = 0; (module = registry_active(i)); i++)
        count(module, totals);
}

void loader_unload(struct module *module)
{
    report_unload(module);
    const struct module *heir = registry_remove(module);
    if (heir)
        report_active(heir);
}
