/* The two 8259A interrupt controllers. Intel 8259A data sheet. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PIC_FIRST_VECTOR 32 /* of 16 */

enum irq { IRQ_TIMER = 0, IRQ_KEYBOARD = 1, IRQS = 16 };

/* Moves the interrupts to PIC_FIRST_VECTOR, all masked. */
void pic_init(void);

/*
 * The same again, whatever a module has done to the controllers; what has a handler stays unmasked. Nothing is in service
 * afterwards: an interrupt that found no stack was never acknowledged.
 */
void pic_restore(void);

/* Registers what to call, with interrupts off, when `irq` comes, and unmasks it. */
void irq_install(enum irq irq, void (*handler)(void));

/* Acknowledges `irq` and calls its handler. */
void pic_dispatch(enum irq irq);

/* Cycles spent in handlers so far, for those who measure. */
uint64_t interrupt_cycles(void);

/* A handler ends that began at this time. */
void interrupt_charge(uint64_t start);
