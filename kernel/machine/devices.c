#include "machine/devices.h"

#include "console/keyboard.h"
#include "console/serial.h"
#include "interrupts/timer.h"
#include "machine/io.h"

void devices_restore(void)
{
    interrupts_off();
    timer_init();
    keyboard_init();
    serial_restore();
    interrupts_on();
}
