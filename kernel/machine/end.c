#include "machine/end.h"

#include "bf_formats.h"
#include "console/serial.h"
#include "machine/io.h"

void machine_end(uint8_t value)
{
    serial_drain();
    if (inb(BF_DEBUG_EXIT_PORT) == 0) /* an absent port reads 0xff */
        outb(BF_DEBUG_EXIT_PORT, value);
    for (;;)
        __asm__ volatile("cli; hlt");
}
