/* How a run ends. */
#pragma once
#include <stdint.h>

/* Ends QEMU with `value` (BF_EXIT_VALUE_*) when its isa-debug-exit device is there, else halts. */
void machine_end(uint8_t value) __attribute__((noreturn));
