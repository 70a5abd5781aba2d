/* PCI devices by configuration mechanism 1. PCI Local Bus Specification 3.0, section 3.2.2.3.2. */
#pragma once
#include <stdint.h>

#define PCI_MAX_DEVICES 32

struct pci_device {
    uint8_t bus, device, function;
    uint16_t vendor_id, device_id;
    uint8_t class_code, subclass, programming_interface, revision;
};

/* Fills `devices` with what is behind bus 0 and its bridges, in the order of their addresses. Returns how many there
 * are, which may be more than PCI_MAX_DEVICES; 0 on a machine without PCI. */
unsigned pci_enumerate(struct pci_device devices[PCI_MAX_DEVICES]);

/* What the class is: "IDE interface"; classes that are rare are "device of another class". PCI Code and ID Assignment
 * Specification 1.11, section 1. */
const char *pci_class_name(const struct pci_device *device);
