#include "machine/pci.h"

#include <stdbool.h>

#include "machine/io.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000u
#define BUSES 256
#define DEVICES_A_BUS 32
#define FUNCTIONS 8

/* Registers of the configuration space, as 32-bit words. */
#define REGISTER_ID 0x00     /* device, vendor */
#define REGISTER_CLASS 0x08  /* class, subclass, programming interface, revision */
#define REGISTER_HEADER 0x0c /* header type in bits 16 to 23 */
#define REGISTER_BUSES 0x18  /* of a bridge: secondary bus in bits 8 to 15 */
#define NO_VENDOR 0xffff
#define HEADER_MULTI_FUNCTION 0x80
#define HEADER_TYPE 0x7f
#define HEADER_BRIDGE 1

/* Buses that a bridge leads to, as bits. */
struct bus_set {
    uint32_t words[BUSES / 32];
};

static void add_bus(struct bus_set *set, unsigned bus)
{
    set->words[bus / 32] |= 1u << bus % 32;
}

static bool has_bus(const struct bus_set *set, unsigned bus)
{
    return set->words[bus / 32] >> bus % 32 & 1;
}

static uint32_t read_register(const struct pci_device *at, uint32_t number)
{
    outd(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)at->bus << 16 | (uint32_t)at->device << 11 |
                             (uint32_t)at->function << 8 | number);
    return ind(CONFIG_DATA);
}

static bool mechanism_is_present(void)
{
    outd(CONFIG_ADDRESS, CONFIG_ENABLE);
    return ind(CONFIG_ADDRESS) == CONFIG_ENABLE;
}

static bool read_device(struct pci_device *device)
{
    uint32_t id = read_register(device, REGISTER_ID);
    if ((id & NO_VENDOR) == NO_VENDOR)
        return false;
    uint32_t class = read_register(device, REGISTER_CLASS);
    device->vendor_id = (uint16_t)id;
    device->device_id = (uint16_t)(id >> 16);
    device->class_code = (uint8_t)(class >> 24);
    device->subclass = (uint8_t)(class >> 16);
    device->programming_interface = (uint8_t)(class >> 8);
    device->revision = (uint8_t)class;
    return true;
}

/* Looks at the functions of one device; `*count` counts those found, in the array or not. */
static void visit_device(uint8_t bus, uint8_t number, struct bus_set *buses, struct pci_device *devices,
                         unsigned *count)
{
    unsigned functions = 1;
    for (unsigned function = 0; function < functions; function++) {
        struct pci_device device = {.bus = bus, .device = number, .function = (uint8_t)function};
        if (!read_device(&device))
            continue;
        uint8_t header = (uint8_t)(read_register(&device, REGISTER_HEADER) >> 16);
        if (function == 0 && header & HEADER_MULTI_FUNCTION)
            functions = FUNCTIONS;
        if ((header & HEADER_TYPE) == HEADER_BRIDGE)
            add_bus(buses, (uint8_t)(read_register(&device, REGISTER_BUSES) >> 8));
        if (*count < PCI_MAX_DEVICES)
            devices[*count] = device;
        ++*count;
    }
}

unsigned pci_enumerate(struct pci_device devices[PCI_MAX_DEVICES])
{
    struct bus_set buses = {0};
    unsigned count = 0;
    if (!mechanism_is_present())
        return 0;
    add_bus(&buses, 0);
    /* Buses behind a bridge have higher numbers than its own, so one pass meets all, and bridges that lead back end. */
    for (unsigned bus = 0; bus < BUSES; bus++)
        for (unsigned device = 0; device < DEVICES_A_BUS && has_bus(&buses, bus); device++)
            visit_device((uint8_t)bus, (uint8_t)device, &buses, devices, &count);
    return count;
}
