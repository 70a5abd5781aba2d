#include "memory/setup.h"

#include "memory/extended.h"
#include "memory/heap.h"
#include "memory/pools.h"
#include "report/machine.h"

#define KIB 1024u

bool memory_setup(const struct bf_boot_info *info, const struct config *config, struct totals *totals)
{
    static const struct {
        const char *key;
        uint32_t mapped, mapped_size;
    } regions[POOLS] = {
        [POOL_CODE] = {"jit_code_kib", BF_MEM_JIT_CODE_START, BF_MEM_JIT_CODE_SIZE},
        [POOL_DATA] = {"jit_data_kib", BF_MEM_JIT_DATA_START, BF_MEM_JIT_DATA_SIZE},
        [POOL_METADATA] = {"jit_metadata_kib", BF_MEM_JIT_METADATA_START, BF_MEM_JIT_METADATA_SIZE},
    };
    struct pool_memory pools[POOLS];
    uint32_t extra = config->heap_kib * KIB - BF_MEM_HEAP_SIZE;
    uint32_t start = extra ? extended_reserve(info, extra) : 0;
    if (start) {
        heap_extend(&kernel_heap, (void *)start, extra);
    } else if (extra) {
        report_memory_problem("heap_kib");
        totals->invalid++;
    }
    for (unsigned i = 0; i < POOLS; i++) {
        uint32_t size = config->pool_kib[i] * KIB;
        pools[i] = (struct pool_memory){regions[i].mapped, size};
        if (size <= regions[i].mapped_size)
            continue;
        pools[i].start = extended_reserve(info, size);
        if (!pools[i].start) {
            pools[i] = (struct pool_memory){regions[i].mapped, regions[i].mapped_size};
            report_memory_problem(regions[i].key);
            totals->invalid++;
        }
    }
    pools_init(pools);
    const char *problem = pools_self_test();
    report_memory(problem);
    return !problem;
}
