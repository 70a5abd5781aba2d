/*
 * Counting towards promotion, in the code itself. At the start of a function its calls are counted, at the heads of loops
 * the jumps back. A counter that reaches zero raises VECTOR_PROMOTE from a stub behind the function's code: eax has the
 * function, ecx the block, or JIT_NO_BLOCK for a call, edx the bytes of the frame. Who handles it sets the counters
 * anew; after a call the function is then started again, which counts once more.
 *
 * A frame goes on in better code at the head of the same loop: the handler sets eip to jit_unit.entry_at of code that has
 * that block for its entry_block; else the stub goes on where it was. All values are in their slots in between, which are
 * the same at all levels, and edx stays.
 */
#pragma once
#include "jit/internal.h"

/* Marks the heads of loops in c->counts. */
void count_begin(struct compiler *c);

/* Counts a call: before anything else. */
void count_call(struct compiler *c);

/* Counts the jumps back to the block that is about to be emitted. Where these are to go, 0 when none is counted. */
uint32_t count_jumps_back(struct compiler *c);

/* The stubs, up to the one that the byte at this offset belongs to; that one's block. */
uint32_t count_end(struct compiler *c, uint32_t until);
