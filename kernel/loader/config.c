#include "loader/config.h"

#include "lib/string.h"
#include "loader/module.h"
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

static const char *set_iterations(struct config *config, struct span value)
{
    uint32_t number = 0;
    for (const char *digit = value.start; digit < value.end; digit++) {
        if (*digit < '0' || *digit > '9')
            number = CONFIG_MAX_ITERATIONS;
        number = number * 10 + (uint32_t)(*digit - '0');
        if (number > CONFIG_MAX_ITERATIONS)
            break;
    }
    if (number == 0 || number > CONFIG_MAX_ITERATIONS)
        return "iterations: want a number from 1 to 1000000";
    config->iterations = number;
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
    struct span key = take_until(&rest, '=');
    if (key.end == rest.end)
        return "want a line `key = value`";
    key = trim(key);
    rest = trim(rest);
    if (equals(key, "modules"))
        return set_modules(config, rest);
    if (equals(key, "iterations"))
        return set_iterations(config, rest);
    return "unknown key";
}

enum fat_result config_read(struct fat_volume *volume, struct config *config)
{
    *config = (struct config){.modules = "all", .iterations = 1};
    struct fat_entry entry;
    enum fat_result result = fat_find(volume, BF_CONFIG_FILE, &entry);
    if (result != FAT_OK)
        return result == FAT_END ? FAT_OK : result;
    config->present = true;
    result = fat_read_file(volume, &entry, FILE_BUFFER, MAX_FILE_SIZE);
    if (result != FAT_OK)
        return result;
    struct span text = {(const char *)FILE_BUFFER, (const char *)FILE_BUFFER + entry.size};
    for (unsigned number = 1; text.start < text.end; number++) {
        const char *problem = read_line(config, take_until(&text, '\n'));
        if (problem)
            report_config_problem(problem, number);
    }
    return FAT_OK;
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
