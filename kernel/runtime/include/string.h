/* Part of the C standard's <string.h>: the routines that the kernel uses itself. */
#pragma once
#include "../../lib/string.h"
