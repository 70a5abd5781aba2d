/* Kernel functions that the code of pattern programs calls. They run as module code and pass arguments as C does there. */
#pragma once
#include "bf_formats.h"

/* By number of helper; [0] is none. */
#define HELPER_COPY (BF_HELPER_ALLOCATE + 1) /* the COPY operation: state, to, from, length */
#define HELPER_FILL (BF_HELPER_ALLOCATE + 2) /* the FILL operation: state, to, value, length */
#define HELPERS (BF_HELPER_ALLOCATE + 3)

extern void (*const jit_helpers[HELPERS])(void);
