#include "loader/cached.h"

#include "lib/string.h"
#include "loader/registry.h"
#include "machine/cpu_features.h"
#include "report/events.h"

#define CRC32_START (BF_CRC32_INITIAL ^ BF_CRC32_XOR_OUT)
#define SUPERBLOCKS 2
#define INDEX ((const struct bf_jit_cache_entry *)FILE_BUFFER)
#define INDEX_BYTES (BF_JIT_CACHE_INDEX_SECTORS * BF_SECTOR_SIZE)
#define CODE_BUFFER (FILE_BUFFER + INDEX_BYTES)

_Static_assert(INDEX_BYTES + BF_DISK_JIT_CACHE_SECTORS * BF_SECTOR_SIZE <= BF_MEM_FILE_BUFFER_SIZE,
               "index and the largest code fit in the file buffer");

static bool read_region(const struct ata_drive *drive, uint32_t sector, uint32_t count, void *buffer)
{
    return ata_read(drive, BF_DISK_JIT_CACHE_LBA + sector, count, buffer) == ATA_OK;
}

static bool is_superblock(const struct bf_jit_cache_superblock *block)
{
    return block->magic == BF_JIT_CACHE_MAGIC && block->version == BF_JIT_CACHE_VERSION &&
           block->crc == bf_crc32(CRC32_START, block, offsetof(struct bf_jit_cache_superblock, crc)) &&
           block->entry_size == BF_SIZEOF_JIT_CACHE_ENTRY &&
           block->entry_count <= INDEX_BYTES / BF_SIZEOF_JIT_CACHE_ENTRY &&
           block->region_sectors <= BF_DISK_JIT_CACHE_SECTORS &&
           (block->index_sector == BF_JIT_CACHE_INDEX_A || block->index_sector == BF_JIT_CACHE_INDEX_B);
}

static bool is_blank(const struct bf_jit_cache_superblock *block)
{
    const uint8_t *bytes = (const uint8_t *)block;
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, sizeof *block - 1) == 0;
}

/* Reads both superblocks. The newer valid one; 0, said why, when there is none. A cache never written is no problem. */
static const struct bf_jit_cache_superblock *read_superblock(const struct ata_drive *drive,
                                                             struct bf_jit_cache_superblock blocks[SUPERBLOCKS])
{
    const struct bf_jit_cache_superblock *current = 0;
    _Static_assert(BF_JIT_CACHE_SUPERBLOCK_A == 0 && BF_JIT_CACHE_SUPERBLOCK_B == 1, "read together");
    if (!read_region(drive, BF_JIT_CACHE_SUPERBLOCK_A, SUPERBLOCKS, blocks)) {
        report_cache_problem("", "the disk could not be read");
        return 0;
    }
    for (unsigned i = 0; i < SUPERBLOCKS; i++)
        if (is_superblock(&blocks[i]) && (!current || blocks[i].sequence > current->sequence))
            current = &blocks[i];
    if (!current && !(is_blank(&blocks[0]) && is_blank(&blocks[1])))
        report_cache_problem("", "no valid superblock");
    return current;
}

/* Reads the index into the file buffer. */
static bool read_index(const struct ata_drive *drive, const struct bf_jit_cache_superblock *block)
{
    const char *problem = 0;
    uint32_t size = block->entry_count * BF_SIZEOF_JIT_CACHE_ENTRY;
    if (!read_region(drive, block->index_sector, BF_JIT_CACHE_INDEX_SECTORS, FILE_BUFFER))
        problem = "the disk could not be read";
    else if (block->index_crc != bf_crc32(CRC32_START, FILE_BUFFER, size))
        problem = "index CRC is wrong";
    if (problem)
        report_cache_problem("", problem);
    return !problem;
}

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

/* Returns why the entry is not used, or 0. */
static const char *find_flaw(const struct bf_jit_cache_entry *entry, const struct bf_jit_cache_superblock *block,
                             const struct ata_drive *drive, const uint8_t build_id[16])
{
    uint32_t sectors = (entry->code_size + BF_SECTOR_SIZE - 1) / BF_SECTOR_SIZE;
    if (memcmp(entry->kernel_build_id, build_id, sizeof entry->kernel_build_id) != 0)
        return "made by another kernel";
    if (entry->cpu_features & ~cpu_features_present())
        return "needs CPU features that are not there";
    if (entry->function_index || entry->flags || entry->relocation_count || entry->level > BF_MAX_OPTIMISATION_LEVEL)
        return "an entry field is out of range";
    if (entry->code_size == 0 || entry->code_size > BF_MEM_MODULE_ARENA_SIZE || entry->code_sector < BF_JIT_CACHE_CODE ||
        entry->code_sector > block->region_sectors || sectors > block->region_sectors - entry->code_sector)
        return "code is empty or outside the cache";
    if (!read_region(drive, entry->code_sector, sectors, CODE_BUFFER))
        return "the disk could not be read";
    if (entry->code_crc != bf_crc32(CRC32_START, CODE_BUFFER, entry->code_size))
        return "code CRC is wrong";
    return 0;
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
    module.status = MODULE_VALID;
    module.path = "";
    module.code_bytes = module.image_bytes = entry->code_size;
    module.entry_offset = 0;
    module.functions = module.function_count = 0;
    module.level = entry->level;
    module.place.cached.drive = drive;
    module.place.cached.lba = BF_DISK_JIT_CACHE_LBA + entry->code_sector;
    module.place.cached.crc = entry->code_crc;
    return registry_add(&module) ? 0 : "no room in the registry";
}

void cached_register(const struct ata_drive *boot_drive, const uint8_t build_id[16])
{
    struct bf_jit_cache_superblock blocks[SUPERBLOCKS];
    if (boot_drive->sectors < BF_DISK_JIT_CACHE_LBA + BF_DISK_JIT_CACHE_SECTORS)
        return;
    const struct bf_jit_cache_superblock *block = read_superblock(boot_drive, blocks);
    if (!block || !read_index(boot_drive, block))
        return;
    report_cache(block->sequence, block->entry_count);
    for (uint32_t i = 0; i < block->entry_count; i++) {
        char name[MODULE_NAME_SIZE];
        const struct bf_jit_cache_entry *entry = &INDEX[i];
        const char *flaw = 0;
        if (entry->crc != bf_crc32(CRC32_START, entry, offsetof(struct bf_jit_cache_entry, crc)))
            flaw = "entry CRC is wrong";
        bool named = module_copy_text(name, entry->module_name, sizeof entry->module_name);
        if (!flaw && !named)
            flaw = "name is not printable text ended by NUL";
        if (!flaw)
            flaw = find_flaw(entry, block, boot_drive, build_id);
        if (!flaw)
            flaw = take(entry, boot_drive, name);
        if (flaw)
            report_cache_problem(name, flaw);
    }
}
