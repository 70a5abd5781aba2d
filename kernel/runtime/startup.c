/* Static constructors, which the kernel has run before it calls the module for the first time. */
#include "runtime.h"

typedef void (*initialiser)(void);

/* Of the linker script. The compiler puts a translation unit's constructors there in the order of their definitions. */
extern const initialiser __init_array_start[], __init_array_end[];

uint32_t bf_module_init(uint32_t unused)
{
    (void)unused;
    for (const initialiser *each = __init_array_start; each != __init_array_end; each++)
        (*each)();
    return 0;
}
