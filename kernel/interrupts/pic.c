#include "interrupts/pic.h"

#include "machine/io.h"

#define MASTER_COMMAND 0x20
#define MASTER_DATA 0x21
#define SLAVE_COMMAND 0xa0
#define SLAVE_DATA 0xa1
#define ICW1_EDGE_CASCADE_ICW4 0x11
#define ICW3_SLAVE_AT_IRQ2 0x04
#define ICW3_SLAVE_NUMBER 0x02
#define ICW4_8086 0x01
#define OCW2_END 0x20
#define OCW3_READ_IN_SERVICE 0x0b
#define MASTER_IRQS 8
#define IRQ_CASCADE 2
#define IRQ_UNUSED 5
#define IRQ_SPURIOUS_MASTER 7
#define IRQ_SPURIOUS_SLAVE 15

static void (*handlers[IRQS])(void);
static uint16_t masked = (uint16_t)~(1 << IRQ_CASCADE); /* bit for each irq */
static volatile uint64_t cycles;
static uint32_t entry_cycles; /* of an interrupt, before and behind pic_dispatch */

/* An interrupt nobody handles, by instruction: what it costs that pic_dispatch cannot see. */
static void measure_entry(void)
{
    uint64_t start = rdtsc();
    uint64_t nothing = rdtsc() - start;
    entry_cycles = 0;
    cycles = 0;
    start = rdtsc();
    __asm__ volatile("int %0" : : "i"(PIC_FIRST_VECTOR + IRQ_UNUSED) : "memory");
    entry_cycles = (uint32_t)(rdtsc() - start - cycles - nothing) - 1; /* the instruction itself */
}

static void set_masks(void)
{
    outb(MASTER_DATA, (uint8_t)masked);
    outb(SLAVE_DATA, masked >> MASTER_IRQS);
}

void pic_init(void)
{
    pic_restore();
    measure_entry();
}

void pic_restore(void)
{
    outb(MASTER_COMMAND, ICW1_EDGE_CASCADE_ICW4);
    outb(SLAVE_COMMAND, ICW1_EDGE_CASCADE_ICW4);
    outb(MASTER_DATA, PIC_FIRST_VECTOR);
    outb(SLAVE_DATA, PIC_FIRST_VECTOR + MASTER_IRQS);
    outb(MASTER_DATA, ICW3_SLAVE_AT_IRQ2);
    outb(SLAVE_DATA, ICW3_SLAVE_NUMBER);
    outb(MASTER_DATA, ICW4_8086);
    outb(SLAVE_DATA, ICW4_8086);
    set_masks();
}

void irq_install(enum irq irq, void (*handler)(void))
{
    handlers[irq] = handler;
    masked &= (uint16_t)~(1 << irq);
    set_masks();
}

static uint8_t in_service(uint16_t command)
{
    outb(command, OCW3_READ_IN_SERVICE);
    return inb(command);
}

/* A line that fell again before the CPU asked shows up as the last line of its controller, not in service. */
static bool is_spurious(enum irq irq)
{
    if (irq == IRQ_SPURIOUS_MASTER)
        return !(in_service(MASTER_COMMAND) & 1 << IRQ_SPURIOUS_MASTER);
    return irq == IRQ_SPURIOUS_SLAVE && !(in_service(SLAVE_COMMAND) & 1 << (IRQ_SPURIOUS_SLAVE - MASTER_IRQS));
}

void pic_dispatch(enum irq irq)
{
    uint64_t start = rdtsc();
    bool spurious = is_spurious(irq);
    if (irq >= MASTER_IRQS && !spurious)
        outb(SLAVE_COMMAND, OCW2_END);
    if (irq >= MASTER_IRQS || !spurious)
        outb(MASTER_COMMAND, OCW2_END);
    if (!spurious && handlers[irq])
        handlers[irq]();
    interrupt_charge(start);
}

void interrupt_charge(uint64_t start)
{
    cycles += rdtsc() - start + entry_cycles;
}

uint64_t interrupt_cycles(void)
{
    uint64_t seen;
    do
        seen = cycles;
    while (seen != cycles); /* an interrupt came between the two halves */
    return seen;
}
