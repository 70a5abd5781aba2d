#include "jit/module.h"
#include "lib/string.h"
#include "loader/module.h"

/* Both version-1 headers begin in the same way: magic, name, entry. The name is shown when it is one. */
static void examine_legacy(struct module *module, const uint8_t *file, uint32_t size)
{
    struct bf_legacy_bitcode_header header;
    if (size < sizeof header) {
        module_refuse(module, "shorter than its header");
        return;
    }
    memcpy(&header, file, sizeof header);
    module->status = MODULE_LEGACY_HEADER;
    module_copy_text(module->name, header.name, sizeof header.name);
    module_copy_text(module->entry, header.entry, sizeof module->entry);
    module->bitcode_bytes = header.bitcode_size;
    module->level = header.optimisation_level;
}

/* Whether `length` bytes from `offset` lie behind the header and within the file. */
static bool is_payload(uint32_t offset, uint32_t length, uint32_t size)
{
    return offset >= BF_SIZEOF_BITCODE_HEADER && offset <= size && length <= size - offset;
}

/* Returns what is wrong with the header, or 0. */
static const char *find_flaw(const struct bf_bitcode_header *header, const uint8_t *file, uint32_t size)
{
    if (header->magic != BF_BITCODE_MAGIC)
        return "LLVM wrapper without a BareFlow header";
    if (header->header_version != BF_BITCODE_VERSION || header->header_size != sizeof *header)
        return "header of another version or size";
    if (header->header_crc != bf_crc32(BF_CRC32_START, header, offsetof(struct bf_bitcode_header, header_crc)))
        return "header CRC is wrong";
    if (header->wrapper.version != 0 || header->flags != 0 || header->optimisation_level > BF_MAX_OPTIMISATION_LEVEL)
        return "a header field is out of range";
    if (header->wrapper.size == 0 || !is_payload(header->wrapper.offset, header->wrapper.size, size))
        return "bitcode is empty or outside the file";
    if (header->pattern_size && !is_payload(header->pattern_offset, header->pattern_size, size))
        return "pattern section is outside the file";
    if (header->payload_crc != bf_crc32(BF_CRC32_START, file + sizeof *header, size - sizeof *header))
        return "payload CRC is wrong";
    return 0;
}

void bitcode_examine(struct module *module, const uint8_t *file, uint32_t size)
{
    struct bf_bitcode_header header;
    uint32_t magic = 0;
    memcpy(&magic, file, size < sizeof magic ? size : sizeof magic);
    if (magic == BF_BITCODE_MAGIC) {
        examine_legacy(module, file, size);
        return;
    }
    if (magic == BF_LLVM_BITCODE_MAGIC) {
        module_refuse(module, "LLVM bitcode without a BareFlow header: add it with `bfimg add-module`");
        return;
    }
    if (magic != BF_LLVM_WRAPPER_MAGIC) {
        module_refuse(module, "no bitcode: wrong magic");
        return;
    }
    if (size < sizeof header) {
        module_refuse(module, "shorter than its header");
        return;
    }
    memcpy(&header, file, sizeof header);
    const char *flaw = find_flaw(&header, file, size);
    if (!flaw && !(module_copy_text(module->name, header.name, sizeof header.name) &&
                   module_copy_text(module->entry, header.entry, sizeof header.entry)))
        flaw = "name or entry is not printable text ended by NUL";
    const struct bf_pattern_descriptor *pattern = 0;
    if (!flaw && header.pattern_size && jit_module_examine) {
        pattern = jit_module_examine(module, file + header.pattern_offset, header.pattern_size);
        if (!pattern)
            flaw = module->problem.text;
    }
    if (flaw) {
        module_refuse(module, flaw);
        return;
    }
    module->verified = pattern;
    module->status = module->verified ? MODULE_VALID : MODULE_NOT_EXECUTABLE;
    module->crc = header.payload_crc;
    if (pattern && pattern->type != BF_PATTERN_TYPE_CUSTOM)
        module->size = pattern->param1; /* whatever the module is called, the pattern decides what it computes */
    else
        known_module_apply(module);
    module->bitcode_bytes = header.wrapper.size;
    module->pattern_offset = header.pattern_offset;
    module->pattern_bytes = header.pattern_size;
    module->level = header.optimisation_level;
}
