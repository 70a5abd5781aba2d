#include "profile/profile.h"

#include <stddef.h>

#include "lib/string.h"
#include "memory/heap.h"
#include "profile/probe.h"
#include "profile/records.h"

/* Of the module that is being profiled. */
static const uint8_t *code;
static const struct bf_native_function *functions;

void profile_start(const uint8_t *module_code, const struct bf_native_function *module_functions, uint32_t count)
{
    uint32_t *starts = count <= PROFILE_MAX_FUNCTIONS ? kernel_allocate(PROFILE_MAX_FUNCTIONS * sizeof *starts) : 0;
    profile_setup.starts = starts;
    if (!starts)
        return;
    for (uint32_t i = 0; i < PROFILE_MAX_FUNCTIONS; i++)
        starts[i] = i < count ? module_functions[i].offset : UINT32_MAX;
    profile_setup.count = count;
    code = module_code;
    functions = module_functions;
    memset(RECORDS, 0, offsetof(struct records, nodes)); /* nodes and frames are cleared when they are made */
}

void profile_begin_call(void)
{
    if (!profile_setup.starts)
        return;
    RECORDS->overhead = 0;
    RECORDS->depth = 0;
    for (uint32_t i = 0; i < profile_setup.count; i++)
        RECORDS->functions[i].active = 0;
}

uint64_t profile_without_probes(uint64_t cycles)
{
    uint64_t overhead = profile_setup.starts ? RECORDS->overhead : 0;
    return overhead < cycles ? cycles - overhead : 0;
}

static size_t name_length(uint32_t index)
{
    const char *name = (const char *)code + functions[index].name;
    size_t length = 0;
    while (length < PROFILE_MAX_NAME && name[length])
        length++;
    return length;
}

/* How many nodes from the first one on can be what the probes wrote. */
static uint32_t count_sound_nodes(void)
{
    uint32_t count = 0;
    for (; count < RECORDS->node_count && count < PROFILE_MAX_NODES; count++) {
        const struct call_node *node = &RECORDS->nodes[count];
        if (node->function >= profile_setup.count || (node->parent >= count && node->parent != NO_NODE))
            break;
    }
    return count;
}

/* Memory for a profile of this size, its arrays behind it and the names behind those; 0 when there is no room. */
static struct module_profile *allocate(uint32_t function_count, uint32_t node_count)
{
    size_t size = sizeof(struct module_profile) + function_count * sizeof(struct function_profile) +
                  node_count * sizeof(struct call_node);
    for (uint32_t i = 0; i < function_count; i++)
        size += name_length(i) + 1;
    struct module_profile *profile = kernel_allocate(size);
    if (!profile)
        return 0;
    profile->function_count = function_count;
    profile->functions = (struct function_profile *)(profile + 1);
    profile->node_count = node_count;
    profile->nodes = (struct call_node *)(profile->functions + function_count);
    return profile;
}

static void copy_records(struct module_profile *profile)
{
    char *text = (char *)(profile->nodes + profile->node_count);
    profile->dropped = 0;
    for (uint32_t i = 0; i < profile->function_count; i++) {
        const struct function_record *record = &RECORDS->functions[i];
        size_t length = name_length(i);
        memcpy(text, code + functions[i].name, length);
        text[length] = '\0';
        profile->functions[i] = (struct function_profile){
            .name = text, .calls = record->calls, .self_cycles = record->self_cycles, .inclusive = record->inclusive};
        profile->dropped += record->calls;
        text += length + 1;
    }
    for (uint32_t i = 0; i < profile->node_count; i++) {
        profile->nodes[i] = RECORDS->nodes[i];
        if (profile->nodes[i].parent == NO_NODE)
            profile->nodes[i].parent = (uint16_t)i;
        profile->dropped -= profile->nodes[i].calls;
    }
}

struct module_profile *profile_finish(void)
{
    if (!profile_setup.starts)
        return 0;
    struct module_profile *profile = allocate(profile_setup.count, count_sound_nodes());
    if (profile)
        copy_records(profile);
    kernel_free((void *)profile_setup.starts);
    profile_setup.starts = 0;
    return profile;
}

void profile_release(struct module_profile *profile)
{
    kernel_free(profile);
}
