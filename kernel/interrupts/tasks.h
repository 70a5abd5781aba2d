/*
 * Two tasks of the CPU: the kernel with all it runs, and the double fault. They and their table stand in BF_MEM_TASKS,
 * which is writable even while a module runs, because the CPU itself writes there. Intel SDM volume 3, chapter 8.
 */
#pragma once
#include <stdint.h>

#define SELECTOR_MAIN_TASK 24
#define SELECTOR_DOUBLE_FAULT_TASK 32

/* Task state segment: what the CPU stores when it leaves a task, and loads when it enters one. */
struct task_state {
    uint32_t back_link;
    uint32_t esp0, ss0, esp1, ss1, esp2, ss2;
    uint32_t cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs;
    uint32_t ldt;
    uint16_t trap, io_map;
};

void tasks_init(void);

/* The registers of the main task, as a double fault found them and as it goes on with them. */
struct task_state *tasks_main(void);
