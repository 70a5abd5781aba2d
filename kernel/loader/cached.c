#include "loader/cached.h"

#include "lib/string.h"
#include "loader/cache_region.h"
#include "loader/registry.h"
#include "machine/cpu_features.h"
#include "machine/image.h"
#include "report/events.h"

#define CODE_BUFFER (FILE_BUFFER + CACHE_HEAD_BYTES)

_Static_assert(CACHE_HEAD_BYTES + BF_DISK_JIT_CACHE_SECTORS * BF_SECTOR_SIZE <= BF_MEM_FILE_BUFFER_SIZE,
               "superblocks, indexes and the largest code fit in the file buffer");

/* The registered module that the entry was made from, or 0. */
static const struct module *find_origin(const struct bf_jit_cache_entry *entry, const char *name)
{
    for (enum module_kind kind = MODULE_NATIVE; kind <= MODULE_BITCODE; kind++) {
        const struct module *module = registry_find(name, kind);
        if (module && module->crc == entry->module_crc)
            return module;
    }
    return 0;
}

const char *cached_find_flaw(const struct bf_jit_cache_entry *entry, uint32_t region_sectors)
{
    uint32_t sectors = cache_sectors(entry->code_size);
    if (entry->crc != bf_crc32(BF_CRC32_START, entry, offsetof(struct bf_jit_cache_entry, crc)))
        return "entry CRC is wrong";
    if (memcmp(entry->kernel_build_id, kernel_header.build_id, sizeof entry->kernel_build_id) != 0)
        return "made by another kernel";
    if (entry->cpu_features & ~cpu_features_present())
        return "needs CPU features that are not there";
    if (entry->function_index || entry->flags || entry->relocation_count || entry->level > BF_MAX_OPTIMISATION_LEVEL)
        return "an entry field is out of range";
    if (entry->code_size == 0 || entry->code_size > BF_MEM_MODULE_ARENA_SIZE ||
        entry->code_sector < BF_JIT_CACHE_CODE || entry->code_sector > region_sectors ||
        sectors > region_sectors - entry->code_sector)
        return "code is empty or outside the cache";
    return 0;
}

const uint8_t *cached_load(struct module *module)
{
    uint32_t sectors = cache_sectors(module->code_bytes);
    if (ata_read(module->place.cached.drive, module->place.cached.lba, sectors, CODE_BUFFER) != ATA_OK)
        module_refuse(module, "the disk could not be read");
    else if (module->place.cached.crc != bf_crc32(BF_CRC32_START, CODE_BUFFER, module->code_bytes))
        module_refuse(module, "code CRC is wrong");
    else
        module->status = MODULE_VALID;
    return CODE_BUFFER;
}

/* A cached module is called as its origin is. Only its code is its own. */
static const char *take(const struct bf_jit_cache_entry *entry, const struct ata_drive *drive, const char *name)
{
    const struct module *origin = find_origin(entry, name);
    if (!origin)
        return "made from another module or an older one";
    if (origin->source == MODULE_CACHED)
        return "a second entry of this module";
    if (origin->init || origin->fini)
        return "its module has constructors or destructors";
    struct module module = *origin;
    module.source = MODULE_CACHED;
    module.path = "";
    module.code_bytes = module.image_bytes = entry->code_size;
    module.entry_offset = 0;
    module.functions = module.function_count = 0;
    module.level = entry->level;
    module.place.cached.drive = drive;
    module.place.cached.lba = BF_DISK_JIT_CACHE_LBA + entry->code_sector;
    module.place.cached.crc = entry->code_crc;
    cached_load(&module);
    if (module.status == MODULE_INVALID)
        return module.reason;
    return registry_add(&module) ? 0 : "no room in the registry";
}

void cached_register(const struct ata_drive *boot_drive)
{
    struct cache_region region;
    if (!cache_region_read(&region, boot_drive, FILE_BUFFER))
        return;
    if (region.current->sequence)
        report_cache(region.current->sequence, region.count, 0, 0);
    for (uint32_t i = 0; i < region.count; i++) {
        char name[MODULE_NAME_SIZE];
        const struct bf_jit_cache_entry *entry = &region.entries[i];
        const char *flaw = cached_find_flaw(entry, region.current->region_sectors);
        bool named = module_copy_text(name, entry->module_name, sizeof entry->module_name);
        if (!flaw && !named)
            flaw = "name is not printable text ended by NUL";
        if (!flaw)
            flaw = take(entry, boot_drive, name);
        if (flaw)
            report_cache_problem(name, flaw);
    }
}
