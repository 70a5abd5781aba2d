#include "interrupts/tasks.h"

#include "bf_formats.h"
#include "lib/string.h"
#include "machine/registers.h"
#include "machine/segments.h"

#define DESCRIPTOR_CODE 0x00cf9b000000ffffull /* base 0, limit 4 GiB, 32 bits, accessed */
#define DESCRIPTOR_DATA 0x00cf93000000ffffull
#define DESCRIPTOR_TASK 0x0000890000000000ull /* available 32-bit TSS, ring 0; base 0, limit 0 */

struct gdt_pointer {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

/* The whole region: the stack of the double-fault task takes what is left. */
struct tasks {
    uint64_t gdt[5];
    struct task_state main, double_fault;
    uint8_t stack[BF_MEM_TASKS_SIZE - 5 * sizeof(uint64_t) - 2 * sizeof(struct task_state)];
};

#define TASKS ((struct tasks *)BF_MEM_TASKS_START)

_Static_assert(sizeof(struct task_state) == 104, "Intel SDM volume 3, figure 8-2");
_Static_assert(sizeof(struct tasks) == BF_MEM_TASKS_SIZE, "tasks fill their region");

extern const uint8_t double_fault_entry[]; /* vectors.S */

static uint64_t describe(const struct task_state *state)
{
    uint64_t base = (uint32_t)(uintptr_t)state;
    return DESCRIPTOR_TASK | (sizeof *state - 1) | (base & 0xffffff) << 16 | (base >> 24) << 56;
}

void tasks_init(void)
{
    uint32_t cr3;
    __asm__ volatile("movl %%cr3, %0" : "=r"(cr3));
    memset(TASKS, 0, sizeof *TASKS);
    TASKS->main.cr3 = cr3; /* the CPU loads it, but never stores it */
    TASKS->main.io_map = sizeof(struct task_state);
    TASKS->double_fault = (struct task_state){
        .cr3 = cr3,
        .eip = (uint32_t)(uintptr_t)double_fault_entry,
        .eflags = EFLAGS_ALWAYS_SET,
        .esp = BF_MEM_TASKS_END,
        .cs = SELECTOR_CODE,
        .es = SELECTOR_DATA,
        .ss = SELECTOR_DATA,
        .ds = SELECTOR_DATA,
        .fs = SELECTOR_DATA,
        .gs = SELECTOR_DATA,
        .io_map = sizeof(struct task_state),
    };
    TASKS->gdt[SELECTOR_CODE / 8] = DESCRIPTOR_CODE;
    TASKS->gdt[SELECTOR_DATA / 8] = DESCRIPTOR_DATA;
    TASKS->gdt[SELECTOR_MAIN_TASK / 8] = describe(&TASKS->main);
    TASKS->gdt[SELECTOR_DOUBLE_FAULT_TASK / 8] = describe(&TASKS->double_fault);
    struct gdt_pointer pointer = {sizeof TASKS->gdt - 1, (uint32_t)(uintptr_t)TASKS->gdt};
    __asm__ volatile("lgdt %0\n\t"
                     "ltr %w1"
                     :
                     : "m"(pointer), "r"(SELECTOR_MAIN_TASK)
                     : "memory");
}

struct task_state *tasks_main(void)
{
    return &TASKS->main;
}
