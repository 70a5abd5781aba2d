#include "report/events.h"

#include "console/print.h"
#include "machine/memory.h"
#include "report/json.h"

#define PROTOCOL_VERSION 1

void report_boot(const struct boot_report *boot)
{
    json_begin("boot");
    json_number("version", PROTOCOL_VERSION);
    json_text("nonce", boot->nonce);
    json_hex("build_id", boot->header->build_id, sizeof boot->header->build_id);
    json_number("kernel_bytes", boot->header->image_bytes);
    json_number("kernel_crc", boot->info->kernel_crc);
    json_boolean("canary", boot->canary);
    json_number("memory_kib", memory_kib(boot->info));
    json_boolean("lba_reads", boot->info->lba_reads);
    json_number("a20", boot->info->a20_method);
    json_end();
    console_print(VGA_WHITE, "BareFlow kernel, %u bytes, %u KiB of memory\n", boot->header->image_bytes,
                  memory_kib(boot->info));
}

void report_refusal(const char *reason)
{
    json_begin("fault");
    json_text("reason", reason);
    json_end();
    console_print(VGA_RED, "BareFlow cannot run: %s\n", reason);
}

void report_volume(const struct fat_volume *volume, uint32_t files)
{
    json_begin("volume");
    json_text("drive", volume->drive->name);
    json_number("lba", volume->lba);
    json_number("clusters", volume->clusters);
    json_number("cluster_bytes", volume->cluster_sectors * BF_SECTOR_SIZE);
    json_number("files", files);
    json_text("label", volume->label);
    json_end();
    console_print(VGA_WHITE, "%s at sector %u: FAT16, %u clusters, %u files\n", volume->drive->name, volume->lba,
                  volume->clusters, files);
}

void report_volume_problem(const char *drive, uint32_t lba, const char *problem)
{
    json_begin("volume");
    json_text("drive", drive);
    json_number("lba", lba);
    json_text("problem", problem);
    json_end();
    console_print(VGA_RED, "%s at sector %u: %s\n", drive, lba, problem);
}

void report_directory_problem(const struct fat_volume *volume, const char *path, const char *problem)
{
    json_begin("volume");
    json_text("drive", volume->drive->name);
    json_number("lba", volume->lba);
    json_text("path", path);
    json_text("problem", problem);
    json_end();
    console_print(VGA_RED, "%s at sector %u, %s: %s\n", volume->drive->name, volume->lba, path, problem);
}

/* For machines only: people see the modules. */
void report_file(const char *path, uint32_t size)
{
    json_begin("file");
    json_text("path", path);
    json_number("size", size);
    json_end();
}

void report_config(const struct config *config)
{
    json_begin("config");
    json_text("file", config->volume ? BF_CONFIG_FILE : "");
    json_text("drive", config->volume ? config->volume->drive->name : "");
    json_boolean("host", config->from_host);
    for (const struct config_key *key = config_keys; key < config_keys_end; key++) {
        const void *field = (const uint8_t *)config + key->field;
        switch (key->type) {
        case CONFIG_NAMES:
            json_text(key->name, field);
            break;
        case CONFIG_NUMBER:
            if (key->word && *(const uint32_t *)field == CONFIG_WORD)
                json_text(key->name, key->word);
            else
                json_number(key->name, *(const uint32_t *)field);
            break;
        case CONFIG_SWITCH:
            json_boolean(key->name, *(const bool *)field);
            break;
        }
    }
    json_end();
}

void report_config_problem(const char *file, const char *problem, unsigned line)
{
    json_begin("config");
    json_text("problem", problem);
    json_text("file", file);
    json_number("line", line);
    json_end();
    console_print(VGA_YELLOW, "%s, line %u: %s\n", file, line, problem);
}

void report_config_missing(const char *name)
{
    json_begin("config");
    json_text("problem", "no module of this name");
    json_text("module", name);
    json_end();
    console_print(VGA_RED, "The configuration asks for a module that is not there\n");
}

void report_memory_problem(const char *key)
{
    json_begin("config");
    json_text("problem", "not enough memory: the memory map counts");
    json_text("key", key);
    json_end();
    console_print(VGA_RED, "%s: not enough memory: the memory map counts\n", key);
}

void report_cache(uint32_t sequence, uint32_t entries, const struct bf_jit_cache_entry *stored, uint32_t count)
{
    json_begin("cache");
    json_number("sequence", sequence);
    json_number("entries", entries);
    json_array("stored");
    for (uint32_t i = 0; i < count; i++)
        json_text(0, (const char *)stored[i].module_name);
    json_close();
    json_end();
    if (count)
        console_print(VGA_GREY, "JIT cache: %u modules stored\n", count);
}

void report_cache_problem(const char *module, const char *problem)
{
    json_begin("cache");
    json_text("module", module);
    json_text("problem", problem);
    json_end();
    console_print(VGA_YELLOW, "JIT cache%s%s: %s: ignored\n", module[0] ? ", module " : "", module, problem);
}

void report_done(const struct totals *totals)
{
    console_print(totals->failed || totals->stopped || totals->invalid ? VGA_RED : VGA_GREEN,
                  "%u passed, %u failed, %u stopped, %u invalid, %u unchecked, %u not executable yet\n", totals->passed,
                  totals->failed, totals->stopped, totals->invalid, totals->unchecked, totals->pending);
    json_begin("done");
    _Static_assert(sizeof *totals == 7 * sizeof(uint32_t), "keys are those of the members in their order");
    json_numbers("passed\0failed\0stopped\0invalid\0unchecked\0pending\0volumes\0", &totals->passed);
    json_end();
}
