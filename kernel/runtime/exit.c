/*
 * What runs when a module is unloaded: functions registered with atexit and destructors of static objects, the last
 * registered first, then those of the linker's table, from its end.
 */
#include "include/stdlib.h"
#include "runtime.h"

struct handler {
    struct handler *next;
    void (*function)(void *);
    void *argument;
};

typedef void (*finaliser)(void);

extern const finaliser __fini_array_start[], __fini_array_end[]; /* of the linker script */

/* Its address tells shared libraries apart; a module is one program. */
void *__dso_handle;

int __cxa_atexit(void (*function)(void *), void *argument, void *dso_handle);

static struct handler *handlers; /* the last registered first */

static int add_handler(void (*function)(void *), void *argument)
{
    struct handler *handler = malloc(sizeof *handler);
    if (!handler)
        return -1;
    *handler = (struct handler){handlers, function, argument};
    handlers = handler;
    return 0;
}

/* Called by the code that compilers make for a static object with a destructor (Itanium C++ ABI, 3.3.6.3). That code
 * takes no notice of a failure, which would leave the object alive: the module is stopped instead. */
int __cxa_atexit(void (*function)(void *), void *argument, void *dso_handle)
{
    (void)dso_handle;
    if (add_handler(function, argument) != 0)
        abort();
    return 0;
}

static void call_plain_function(void *function)
{
    ((void (*)(void))function)();
}

int atexit(void (*function)(void))
{
    return add_handler(call_plain_function, (void *)function);
}

uint32_t bf_module_fini(uint32_t unused)
{
    (void)unused;
    while (handlers) { /* a handler may register another, which is next then */
        struct handler handler = *handlers;
        free(handlers);
        handlers = handler.next;
        handler.function(handler.argument);
    }
    for (const finaliser *each = __fini_array_end; each != __fini_array_start;)
        (*--each)();
    return 0;
}
