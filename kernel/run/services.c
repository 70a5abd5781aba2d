#include "run/services.h"

#include "bf_formats.h"
#include "profile/probe.h"

void services_init(void)
{
    *(struct services *)BF_MEM_SERVICES_START = (struct services){
        .size = sizeof(struct services), .probe_enter = bf_probe_enter, .probe_leave = bf_probe_leave};
}
