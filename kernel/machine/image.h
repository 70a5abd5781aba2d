/* The kernel's own image. */
#pragma once
#include "bf_formats.h"

extern const struct bf_kernel_header kernel_header; /* entry.S */
