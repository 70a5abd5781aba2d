/* The 8254 timer at 1 kHz (interrupt 0) as the kernel's clock. Intel 8254 data sheet. */
#pragma once
#include <stdint.h>

#define TIMER_HZ 1000

void timer_init(void);

/* Milliseconds since timer_init. Wraps after 49 days. */
uint32_t timer_ticks(void);
