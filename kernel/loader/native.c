#include "lib/string.h"
#include "loader/module.h"
#include "machine/cpu_features.h"

#define CRC32_START (BF_CRC32_INITIAL ^ BF_CRC32_XOR_OUT)
#define TABLE_END (BF_NATIVE_TABLE_OFFSET + BF_SIZEOF_NATIVE_MODULE_TABLE)
#define FLAGS_KNOWN \
    (BF_NATIVE_MODULE_FLAG_SIZE_KNOWN | BF_NATIVE_MODULE_FLAG_ANSWER_KNOWN | BF_NATIVE_MODULE_FLAG_INSTRUMENTED)

static uint32_t table_crc(const struct bf_native_module_table *table)
{
    return bf_crc32(CRC32_START, table, offsetof(struct bf_native_module_table, table_crc));
}

/* Whether the code has a table. One whose magic alone is damaged is still a table: its CRC fits the right magic. */
static bool read_table(struct bf_native_module_table *table, const uint8_t *code, uint32_t code_size)
{
    if (code_size < TABLE_END)
        return false;
    memcpy(table, code + BF_NATIVE_TABLE_OFFSET, sizeof *table);
    struct bf_native_module_table mended = *table;
    mended.magic = BF_NATIVE_TABLE_MAGIC;
    return table->magic == BF_NATIVE_TABLE_MAGIC || table->table_crc == table_crc(&mended);
}

static uint32_t crc_without_table(const struct bf_native_module_header *header, const uint8_t *code)
{
    uint32_t crc = bf_crc32(CRC32_START, header, sizeof *header);
    crc = bf_crc32(crc, code, BF_NATIVE_TABLE_OFFSET);
    return bf_crc32(crc, code + TABLE_END, header->code_size - TABLE_END);
}

static bool is_function_name(const uint8_t *code, uint32_t code_size, uint32_t name)
{
    uint32_t end = name;
    while (end < code_size && end - name < BF_NATIVE_FUNCTION_NAME_MAX && code[end] >= ' ' && code[end] <= '~')
        end++;
    return end > name && end < code_size && code[end] == '\0';
}

/* Whether the functions stand behind the image, in order and within it, each with a name. */
static bool are_functions_sound(const struct bf_native_module_table *table, const uint8_t *code, uint32_t code_size)
{
    uint32_t end_before = 0;
    if (table->function_count == 0)
        return table->functions == 0;
    if (table->function_count > BF_NATIVE_FUNCTIONS_MAX || table->functions < table->image_size || table->functions > code_size ||
        table->function_count * BF_SIZEOF_NATIVE_FUNCTION > code_size - table->functions)
        return false;
    const struct bf_native_function *function = (const void *)(code + table->functions);
    for (uint32_t i = 0; i < table->function_count; i++, function++) {
        if (function->offset < end_before || function->offset >= table->image_size ||
            function->size > table->image_size - function->offset ||
            !is_function_name(code, code_size, function->name))
            return false;
        end_before = function->offset + function->size;
    }
    return true;
}

/* Returns what is wrong with the table, or 0. */
static const char *find_flaw(const struct bf_native_module_table *table, const struct bf_native_module_header *header,
                             const uint8_t *code)
{
    if (table->table_crc != table_crc(table))
        return "table CRC is wrong";
    if (table->version != BF_NATIVE_TABLE_VERSION || table->table_size != sizeof *table)
        return "table of another version or size";
    if (table->file_crc != crc_without_table(header, code))
        return "file CRC is wrong";
    if (table->flags & ~(uint32_t)FLAGS_KNOWN || table->reserved0 || table->reserved1 || table->reserved2)
        return "a table field is out of range";
    if (table->image_size < TABLE_END || table->image_size > header->code_size)
        return "image size is not that of table and code";
    if (header->entry_offset >= table->image_size || table->init >= table->image_size ||
        table->fini >= table->image_size)
        return "a function to call is outside the image";
    if (!are_functions_sound(table, code, header->code_size))
        return "function list is out of order or outside the file";
    if (table->cpu_features & ~cpu_features_present())
        return "needs CPU features that are not there";
    return 0;
}

static void apply_table(struct module *module, const struct bf_native_module_table *table)
{
    module->init = table->init;
    module->fini = table->fini;
    module->image_bytes = table->image_size;
    module->cpu_features = table->cpu_features;
    if (table->flags & BF_NATIVE_MODULE_FLAG_SIZE_KNOWN) {
        module->size = table->size;
        module->answer_known = false; /* what is known of the name is for another size */
    }
    if (table->flags & BF_NATIVE_MODULE_FLAG_ANSWER_KNOWN) {
        module->expected = table->answer;
        module->answer_known = true;
    }
    if (table->flags & BF_NATIVE_MODULE_FLAG_INSTRUMENTED) {
        module->functions = table->functions;
        module->function_count = table->function_count;
    }
}

void native_examine(struct module *module, const uint8_t *file, uint32_t size)
{
    struct bf_native_module_header header;
    struct bf_native_module_table table;
    const uint8_t *code = file + sizeof header;
    const char *flaw = 0;
    if (size < sizeof header) {
        module_refuse(module, "shorter than its header");
        return;
    }
    memcpy(&header, file, sizeof header);
    if (header.magic != BF_NATIVE_MODULE_MAGIC)
        flaw = "no native module: wrong magic";
    else if (!module_copy_text(module->name, header.name, sizeof header.name))
        flaw = "name is not printable text ended by NUL";
    else if (header.code_size == 0 || header.code_size != size - sizeof header)
        flaw = "code size is zero or not what follows the header";
    else if (header.code_size > BF_MEM_MODULE_ARENA_SIZE)
        flaw = "code is larger than the module arena";
    else if (header.entry_offset >= header.code_size)
        flaw = "entry is outside the code";
    bool has_table = !flaw && read_table(&table, code, header.code_size);
    if (has_table)
        flaw = table.magic == BF_NATIVE_TABLE_MAGIC ? find_flaw(&table, &header, code) : "table magic is wrong";
    if (flaw) {
        module_refuse(module, flaw);
        return;
    }
    module->status = MODULE_VALID;
    module->code_bytes = header.code_size;
    module->entry_offset = header.entry_offset;
    module->image_bytes = header.code_size;
    module->cpu_features = cpu_features_present();
    module->crc = bf_crc32(CRC32_START, code, header.code_size);
    known_module_apply(module);
    if (has_table)
        apply_table(module, &table);
}
