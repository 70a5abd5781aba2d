#include "interrupts/timer.h"

#include "interrupts/pic.h"
#include "machine/io.h"
#include "run/unwind.h"

#define PIT_HZ 1193182u
#define PIT_CHANNEL_0 0x40
#define PIT_COMMAND 0x43
#define PIT_RATE_GENERATOR 0x34 /* channel 0, both bytes, mode 2 */

static volatile uint32_t ticks;

static void tick(void)
{
    ticks++;
    guard_tick();
}

void timer_init(void)
{
    const uint16_t divisor = (PIT_HZ + TIMER_HZ / 2) / TIMER_HZ;
    outb(PIT_COMMAND, PIT_RATE_GENERATOR);
    outb(PIT_CHANNEL_0, (uint8_t)divisor);
    outb(PIT_CHANNEL_0, divisor >> 8);
    irq_install(IRQ_TIMER, tick);
}

uint32_t timer_ticks(void)
{
    return ticks;
}
