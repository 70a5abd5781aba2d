#include "loader/loader.h"

#include "lib/string.h"
#include "loader/config.h"
#include "loader/module.h"

static bool has_extension(const char *name, const char *extension)
{
    size_t length = strlen(name), wanted = strlen(extension);
    return length > wanted && strcmp(name + length - wanted, extension) == 0;
}

/* Counts the files and picks up the label, which stands in the root directory. */
static enum fat_result survey(struct fat_volume *volume, uint32_t *files)
{
    struct fat_directory directory;
    struct fat_entry entry;
    enum fat_result result;
    *files = 0;
    fat_root(volume, &directory);
    while ((result = fat_next(&directory, &entry)) == FAT_OK) {
        if (fat_is_file(&entry))
            ++*files;
        else if (entry.attributes & BF_FAT_ATTRIBUTE_VOLUME_ID)
            memcpy(volume->label, entry.name, sizeof volume->label);
    }
    return result;
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

static void visit_module(struct fat_volume *volume, const struct fat_entry *entry, bool is_native,
                         struct config *config, struct totals *totals)
{
    struct module module = {.file = entry->name, .is_native = is_native};
    enum fat_result result = fat_read_file(volume, entry, FILE_BUFFER, BF_MEM_FILE_BUFFER_SIZE);
    if (result != FAT_OK)
        module_refuse(&module, fat_result_text(result));
    else if (is_native)
        native_examine(&module, FILE_BUFFER, entry->size);
    else
        bitcode_examine(&module, FILE_BUFFER, entry->size);

    if (module.status != MODULE_INVALID && !config_selects(config, module.name))
        module.status = MODULE_NOT_SELECTED;
    if (module.status == MODULE_VALID)
        native_run(&module, FILE_BUFFER, config->iterations);
    report_module(&module);
    count(&module, totals);
}

static enum fat_result list_files(struct fat_volume *volume)
{
    struct fat_directory directory;
    struct fat_entry entry;
    enum fat_result result;
    fat_root(volume, &directory);
    while ((result = fat_next(&directory, &entry)) == FAT_OK)
        if (fat_is_file(&entry))
            report_file(&entry);
    return result;
}

static enum fat_result visit_modules(struct fat_volume *volume, struct config *config, struct totals *totals)
{
    struct fat_directory directory;
    struct fat_entry entry;
    enum fat_result result;
    fat_root(volume, &directory);
    while ((result = fat_next(&directory, &entry)) == FAT_OK) {
        bool is_native = has_extension(entry.name, ".MOD");
        if (fat_is_file(&entry) && (is_native || has_extension(entry.name, ".BC")))
            visit_module(volume, &entry, is_native, config, totals);
    }
    return result;
}

/* A module that BAREFLOW.CFG names and nobody has is a failure: the run did not do what it was asked to. */
static void report_missing(const struct config *config, struct totals *totals)
{
    char name[CONFIG_VALUE_SIZE];
    unsigned index = 0;
    while (config_next_missing(config, &index, name)) {
        report_config_missing(name);
        totals->failed++;
    }
}

void loader_visit(struct fat_volume *volume, struct totals *totals)
{
    struct config config;
    uint32_t files;
    enum fat_result result = survey(volume, &files);
    if (result != FAT_END) {
        report_volume_problem(volume->drive->name, volume->lba, fat_result_text(result));
        totals->invalid++;
        return;
    }
    totals->volumes++;
    report_volume(volume, files);
    result = list_files(volume);
    if (result == FAT_END) {
        enum fat_result config_result = config_read(volume, &config);
        if (config_result != FAT_OK) {
            report_config_problem(fat_result_text(config_result), 0);
            totals->invalid++;
        }
        report_config(&config);
        result = visit_modules(volume, &config, totals);
    }
    if (result != FAT_END) {
        report_volume_problem(volume->drive->name, volume->lba, fat_result_text(result));
        totals->invalid++;
        return;
    }
    report_missing(&config, totals);
}
