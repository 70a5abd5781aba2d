#include "loader/config.h"

#include <stddef.h>

#include "console/print.h"
#include "lib/string.h"
#include "loader/module.h"
#include "loader/volumes.h"
#include "machine/fw_cfg.h"
#include "report/events.h"

#define MAX_FILE_SIZE 4096

struct span {
    const char *start;
    const char *end;
};

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

static struct span trim(struct span text)
{
    while (text.start < text.end && is_blank(*text.start))
        text.start++;
    while (text.start < text.end && is_blank(text.end[-1]))
        text.end--;
    return text;
}

/* Cuts off and returns what stands before the first `separator`; everything when there is none. */
static struct span take_until(struct span *text, char separator)
{
    struct span head = {text->start, text->start};
    while (head.end < text->end && *head.end != separator)
        head.end++;
    text->start = head.end < text->end ? head.end + 1 : text->end;
    return head;
}

static bool equals(struct span text, const char *word)
{
    size_t length = (size_t)(text.end - text.start);
    return length == strlen(word) && memcmp(text.start, word, length) == 0;
}

static struct span whole(const char *text)
{
    return (struct span){text, text + strlen(text)};
}

/* Returns what is wrong with the value, or 0. */
static const char *set_modules(struct config *config, struct span value)
{
    size_t length = (size_t)(value.end - value.start);
    if (length == 0 || length >= sizeof config->modules)
        return "modules: want `all` or names separated by commas, at most 255 characters";
    struct span rest = value;
    unsigned names = 0;
    while (rest.start < rest.end) {
        struct span name = trim(take_until(&rest, ','));
        if (name.start == name.end)
            return "modules: a name is empty";
        if (++names > CONFIG_MAX_NAMES)
            return "modules: more than 32 names";
    }
    memcpy(config->modules, value.start, length);
    config->modules[length] = '\0';
    return 0;
}

static bool read_number(struct span text, uint32_t low, uint32_t high, uint32_t *number)
{
    uint32_t value = 0;
    if (text.start == text.end)
        return false;
    for (const char *digit = text.start; digit < text.end; digit++) {
        if (*digit < '0' || *digit > '9' || value > high)
            return false;
        value = value * 10 + (uint32_t)(*digit - '0');
    }
    *number = value;
    return value >= low && value <= high;
}

/* Numbers are at most 400 million, so that one digit more does not overflow. */
CONFIG_KEYS = {
    {"modules", 0, offsetof(struct config, modules), CONFIG_NAMES, 0, 0, 0},
    CONFIG_WORD_KEY("iterations", iterations, "auto", 1, 1000000, CONFIG_WORD),
    CONFIG_NUMBER_KEY("time_limit", time_limit_ms, 1, 600000, 2000),
    CONFIG_SWITCH_KEY("interactive", interactive),
    CONFIG_SWITCH_KEY("export", export),
    CONFIG_SWITCH_KEY("cache", cache),
    CONFIG_NUMBER_KEY("heap_kib", heap_kib, 256, 1048576, BF_MEM_HEAP_SIZE / 1024),
    CONFIG_NUMBER_KEY("jit_code_kib", pool_kib[POOL_CODE], 4, 65536, BF_MEM_JIT_CODE_SIZE / 1024),
    CONFIG_NUMBER_KEY("jit_data_kib", pool_kib[POOL_DATA], 4, 65536, BF_MEM_JIT_DATA_SIZE / 1024),
    CONFIG_NUMBER_KEY("jit_metadata_kib", pool_kib[POOL_METADATA], 4, 65536, BF_MEM_JIT_METADATA_SIZE / 1024),
};

_Static_assert(BF_MEM_HEAP_SIZE == 256 * 1024, "the least heap_kib is what the memory map gives");
_Static_assert(CONFIG_MAX_NAMES == 32 && CONFIG_VALUE_SIZE == 256, "the messages of set_modules say so");

static void set_defaults(struct config *config)
{
    memset(config, 0, sizeof *config);
    memcpy(config->modules, "all", sizeof "all");
    for (const struct config_key *key = config_keys; key < config_keys_end; key++) {
        if (key->type == CONFIG_NUMBER)
            *(uint32_t *)((uint8_t *)config + key->field) = key->initial;
    }
}

/* Says of a value that cannot be taken what the key wants. */
static char wanted[64];
static uint32_t wanted_length;

static void put_wanted(char character)
{
    if (wanted_length < sizeof wanted - 1)
        wanted[wanted_length++] = character;
    wanted[wanted_length] = '\0';
}

static const char *set_value(struct config *config, const struct config_key *key, struct span value)
{
    void *field = (uint8_t *)config + key->field;
    uint32_t number;
    bool yes = equals(value, "yes");
    wanted_length = 0;
    switch (key->type) {
    case CONFIG_NAMES:
        return set_modules(config, value);
    case CONFIG_NUMBER:
        if (key->word && equals(value, key->word)) {
            number = CONFIG_WORD;
        } else if (!read_number(value, key->low, key->high, &number)) {
            print_to(put_wanted, "%s: want %s%sa number from %u to %u", key->name, key->word ? key->word : "",
                     key->word ? " or " : "", key->low, key->high);
            return wanted;
        }
        *(uint32_t *)field = number;
        break;
    case CONFIG_SWITCH:
        if (!yes && !equals(value, "no")) {
            print_to(put_wanted, "%s: want `yes` or `no`", key->name);
            return wanted;
        }
        *(bool *)field = yes;
        break;
    }
    return 0;
}

static const char *read_line(struct config *config, struct span line)
{
    struct span rest = trim(take_until(&line, '#'));
    if (rest.start == rest.end)
        return 0;
    for (const char *character = rest.start; character < rest.end; character++)
        if (!is_blank(*character) && (*character < ' ' || *character > '~'))
            return "not plain text";
    struct span name = take_until(&rest, '=');
    if (name.end == rest.end)
        return "want a line `key = value`";
    for (const struct config_key *key = config_keys; key < config_keys_end; key++)
        if (equals(trim(name), key->name))
            return set_value(config, key, trim(rest));
    return "unknown key";
}

/* Reads the text in the file buffer. */
static void read_text(struct config *config, const char *file, uint32_t size)
{
    struct span text = {(const char *)FILE_BUFFER, (const char *)FILE_BUFFER + size};
    for (unsigned number = 1; text.start < text.end; number++) {
        const char *problem = read_line(config, take_until(&text, '\n'));
        if (problem)
            report_config_problem(file, problem, number);
    }
}

/* Looks for the file volume by volume. */
static bool read_file(struct config *config)
{
    struct fat_file file;
    struct fat_volume *volume;
    enum fat_result result = FAT_END;
    for (uint32_t i = 0; result == FAT_END && (volume = volume_at(i)); i++)
        result = fat_open(volume, "/" BF_CONFIG_FILE, &file);
    if (result == FAT_OK) {
        config->volume = file.volume;
        result = fat_read_whole(&file, FILE_BUFFER, MAX_FILE_SIZE);
        fat_close(&file);
    }
    if (result == FAT_OK)
        read_text(config, BF_CONFIG_FILE, file.size);
    else if (result != FAT_END)
        report_config_problem(BF_CONFIG_FILE, fat_result_text(result), 0);
    return result == FAT_OK || result == FAT_END;
}

static bool read_host_lines(struct config *config)
{
    uint32_t size = fw_cfg_read(BF_HOST_CONFIG_FILE, (char *)FILE_BUFFER, BF_HOST_CONFIG_MAX);
    config->from_host = size > 0;
    if (size > BF_HOST_CONFIG_MAX) {
        report_config_problem(BF_HOST_CONFIG_FILE, "the file is too large", 0);
        return false;
    }
    read_text(config, BF_HOST_CONFIG_FILE, size);
    return true;
}

bool config_read(struct config *config)
{
    set_defaults(config);
    bool file_read = read_file(config);
    return read_host_lines(config) && file_read;
}

bool config_selects(struct config *config, const char *name)
{
    if (strcmp(config->modules, "all") == 0)
        return true;
    bool selected = false;
    struct span rest = whole(config->modules);
    for (unsigned i = 0; rest.start < rest.end; i++) {
        if (equals(trim(take_until(&rest, ',')), name))
            selected = config->found[i] = true;
    }
    return selected;
}

bool config_next_missing(const struct config *config, unsigned *index, char name[CONFIG_VALUE_SIZE])
{
    if (strcmp(config->modules, "all") == 0)
        return false;
    struct span rest = whole(config->modules);
    for (unsigned i = 0; rest.start < rest.end; i++) {
        struct span listed = trim(take_until(&rest, ','));
        if (i < *index || config->found[i])
            continue;
        size_t length = (size_t)(listed.end - listed.start);
        memcpy(name, listed.start, length);
        name[length] = '\0';
        *index = i + 1;
        return true;
    }
    return false;
}
