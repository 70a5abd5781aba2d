#include "interrupts/exceptions.h"
#include "lib/string.h"
#include "loader/module.h"
#include "machine/io.h"

#define ARENA ((uint8_t *)BF_MEM_MODULE_ARENA_START)
#define UNKNOWN_MODULE_SIZE 1 /* argument for a module nothing is known of */

typedef uint32_t (*native_entry)(uint32_t size);

void native_examine(struct module *module, const uint8_t *file, uint32_t size)
{
    struct bf_native_module_header header;
    if (size < sizeof header) {
        module_refuse(module, "shorter than its header");
        return;
    }
    memcpy(&header, file, sizeof header);
    if (header.magic != BF_NATIVE_MODULE_MAGIC)
        module_refuse(module, "no native module: wrong magic");
    else if (!module_copy_text(module->name, header.name, sizeof header.name))
        module_refuse(module, "name is not printable text ended by NUL");
    else if (header.code_size == 0 || header.code_size != size - sizeof header)
        module_refuse(module, "code size is zero or not what follows the header");
    else if (header.code_size > BF_MEM_MODULE_ARENA_SIZE)
        module_refuse(module, "code is larger than the module arena");
    else if (header.entry_offset >= header.code_size)
        module_refuse(module, "entry is outside the code");
    else
        module->code_bytes = header.code_size;
}

void native_run(struct module *module, const uint8_t *file, uint32_t iterations)
{
    struct bf_native_module_header header;
    memcpy(&header, file, sizeof header);
    memcpy(ARENA, file + sizeof header, header.code_size);
    native_entry entry = (native_entry)(uintptr_t)(ARENA + header.entry_offset);
    const struct known_module *known = known_module_find(module->name);

    module->size = known ? known->size : UNKNOWN_MODULE_SIZE;
    module->status = known ? MODULE_PASSED : MODULE_UNCHECKED;
    module->expected = known ? known->answer : 0;
    exceptions_set_module(module->name);
    while (module->calls < iterations && module->status != MODULE_FAILED) {
        uint64_t start = rdtsc();
        module->answer = entry(module->size);
        module->cycles += rdtsc() - start;
        module->calls++;
        if (known && module->answer != known->answer)
            module->status = MODULE_FAILED;
    }
    exceptions_set_module(0);
}
