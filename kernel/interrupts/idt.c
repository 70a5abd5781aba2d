#include "interrupts/interrupts.h"
#include "interrupts/tasks.h"
#include "interrupts/vectors.h"
#include "machine/segments.h"

#define GATE_INTERRUPT_PRESENT 0x8e00 /* 32-bit interrupt gate, ring 0 */
#define GATE_TASK_PRESENT 0x8500

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint16_t type;
    uint16_t offset_high;
};

struct idt_pointer {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

extern const uint8_t vector_stubs[];

static struct gate idt[VECTORS];

void interrupts_init(void)
{
    tasks_init();
    for (unsigned vector = 0; vector < VECTORS; vector++) {
        uint32_t offset = (uint32_t)(uintptr_t)vector_stubs + vector * VECTOR_STUB_SIZE;
        idt[vector] = (struct gate){(uint16_t)offset, SELECTOR_CODE, GATE_INTERRUPT_PRESENT,
                                    (uint16_t)(offset >> 16)};
    }
    idt[VECTOR_DOUBLE_FAULT] = (struct gate){0, SELECTOR_DOUBLE_FAULT_TASK, GATE_TASK_PRESENT, 0};
    struct idt_pointer pointer = {sizeof idt - 1, (uint32_t)(uintptr_t)idt};
    __asm__ volatile("lidt %0" : : "m"(pointer), "m"(idt));
}
