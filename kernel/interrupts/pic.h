/* The two 8259A interrupt controllers. Intel 8259A data sheet. */
#pragma once
#include <stdint.h>

#define PIC_FIRST_VECTOR 32 /* of 16 */

enum irq { IRQ_TIMER = 0, IRQ_KEYBOARD = 1, IRQS = 16 };

/* Moves the interrupts to PIC_FIRST_VECTOR, all masked. */
void pic_init(void);

void pic_unmask(enum irq irq);

/* Registers what to call, with interrupts off, when `irq` comes, and unmasks it. The handler uses no SSE. */
void irq_install(enum irq irq, void (*handler)(void));
