/* What interrupts/vectors.S and the IDT agree on. Only #defines: assembler reads this too. */
#pragma once

#define EXCEPTIONS 32          /* vectors the CPU keeps for itself */
#define VECTORS 48             /* and 16 of the interrupt controllers */
#define VECTOR_STUB_SIZE 8     /* from one entry point to the next; the longest has 7 bytes */
#define VECTOR_DOUBLE_FAULT 8  /* by a task gate */
#define VECTOR_PAGE_FAULT 14
#define CR0_WRITE_PROTECT 0x10000 /* set while a module runs */
#define CR0_TASK_SWITCHED_BIT 0x8
