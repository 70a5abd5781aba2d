#include "loader/registry.h"

#include "lib/string.h"
#include "memory/heap.h"
#include "report/events.h"

static struct module *first;

static bool has_name(const struct module *module, const char *name, enum module_kind kind)
{
    return module->status != MODULE_INVALID && module->kind == kind && strcmp(module->name, name) == 0;
}

/* The module of this name and kind that should be active, or 0. */
static struct module *find_best(const char *name, enum module_kind kind)
{
    struct module *best = 0;
    for (struct module *module = first; module; module = module->next)
        if (has_name(module, name, kind) && (!best || module->source > best->source))
            best = module;
    return best;
}

static struct module *copy_of(const struct module *module)
{
    struct module *copy = kernel_allocate(sizeof *copy);
    size_t path_size = strlen(module->path) + 1;
    char *path = kernel_allocate(path_size);
    if (!copy || !path) {
        kernel_free(copy);
        kernel_free(path);
        return 0;
    }
    *copy = *module;
    copy->path = memcpy(path, module->path, path_size);
    copy->next = 0;
    copy->active = true;
    return copy;
}

struct module *registry_add(const struct module *module)
{
    struct module **last = &first;
    uint32_t count = 0;
    for (; *last; last = &(*last)->next)
        count++;
    struct module *copy = count < REGISTRY_MAX ? copy_of(module) : 0;
    if (!copy)
        return 0;
    struct module *before = copy->status == MODULE_INVALID ? 0 : find_best(copy->name, copy->kind);
    *last = copy;
    if (before) {
        bool overrides = copy->source > before->source;
        before->active = !overrides;
        copy->active = overrides;
        report_override(overrides ? copy : before, overrides ? before : copy);
    }
    return copy;
}

struct module *registry_remove(struct module *module)
{
    struct module *heir = 0;
    for (struct module **link = &first; *link; link = &(*link)->next) {
        if (*link == module) {
            *link = module->next;
            break;
        }
    }
    if (module->active && module->status != MODULE_INVALID)
        heir = find_best(module->name, module->kind);
    if (heir)
        heir->active = true;
    if (module->profile)
        profile_release(module->profile);
    kernel_free(module->summary);
    kernel_free(module->path);
    kernel_free(module);
    return heir;
}

struct module *registry_active(uint32_t index)
{
    struct module *module = first;
    for (; module; module = module->next)
        if (module->active && index-- == 0)
            break;
    return module;
}

struct module *registry_find(const char *name, enum module_kind kind)
{
    return find_best(name, kind);
}

struct module *registry_overridden(const struct module *active, uint32_t index)
{
    struct module *module = first;
    for (; module; module = module->next)
        if (!module->active && has_name(module, active->name, active->kind) && index-- == 0)
            break;
    return module;
}
