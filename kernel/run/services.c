#include "run/services.h"

#include "bf_formats.h"

void services_init(void)
{
    *(struct services *)BF_MEM_SERVICES_START = (struct services){.size = sizeof(struct services)};
}
