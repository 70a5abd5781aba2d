/* What the kernel reports of memory and devices. Each event is a line for machines and words for people. */
#pragma once
#include "machine/pci.h"

/* Heap and pools; `problem` is what pools_self_test returned. */
void report_memory(const char *problem);

/* Each PCI device. */
void report_devices(void);

/* Members of the JSON object that is open: all that is known of the device. */
void put_pci_device(const struct pci_device *device);
