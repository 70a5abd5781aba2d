/* What the kernel reports of memory and devices. Each event is a line for machines and words for people. */
#pragma once

/* Heap and pools; `problem` is what pools_self_test returned. */
void report_memory(const char *problem);

/* Each PCI device. */
void report_devices(void);
