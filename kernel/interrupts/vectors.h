/* What interrupts/vectors.S and the IDT agree on. Only #defines: assembler reads this too. */
#pragma once

#define VECTORS 49             /* 32 that the CPU keeps for itself, 16 of the interrupt controllers, VECTOR_PROMOTE */
#define VECTOR_STUB_SIZE 8     /* from one entry point to the next; the longest has 7 bytes */
#define VECTOR_BREAKPOINT 3    /* the address that is told is the one behind it */
#define VECTOR_DOUBLE_FAULT 8  /* by a task gate */
#define VECTOR_PAGE_FAULT 14
#define VECTOR_PROMOTE 48      /* the code of a pattern program asks for better code: see jit/count.h */
