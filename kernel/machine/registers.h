/* Bits of control registers and their like. Intel SDM volume 1, chapter 3, and volume 3, chapter 2. Only #defines:
 * assembler reads this too. */
#pragma once

#define CR0_PROTECTION 0x1
#define CR0_MONITOR_COPROCESSOR 0x2
#define CR0_EMULATION 0x4
#define CR0_TASK_SWITCHED 0x8
#define CR0_NUMERIC_ERROR 0x20
#define CR0_WRITE_PROTECT 0x10000 /* ring 0 may not write read-only pages: set while a module runs */
#define CR0_PAGING 0x80000000
#define CR4_LARGE_PAGES 0x10 /* every CPU with SSE2 has them */
#define CR4_OSFXSR 0x200     /* SSE is used */
#define CR4_OSXMMEXCPT 0x400 /* SSE exceptions have a vector of their own */
#define EFLAGS_ALWAYS_SET 0x2
#define EFLAGS_ID 0x200000   /* a CPU that can change it has CPUID */
#define MXCSR_DEFAULT 0x1f80 /* all SSE exceptions masked, round to nearest */
