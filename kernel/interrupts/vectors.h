/* What interrupts/vectors.S and the IDT agree on. Only #defines: assembler reads this too. */
#pragma once

#define EXCEPTIONS 32          /* vectors the CPU keeps for itself */
#define EXCEPTION_STUB_SIZE 16 /* from one entry point to the next; the longest has 9 bytes */
