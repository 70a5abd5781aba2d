#include "report/machine.h"

#include "console/print.h"
#include "memory/pools.h"
#include "report/json.h"

static const char *address_text(const struct pci_device *device)
{
    static char text[] = "00:00.0";
    static const char digits[] = "0123456789abcdef";
    text[0] = digits[device->bus >> 4];
    text[1] = digits[device->bus & 15];
    text[3] = digits[device->device >> 4];
    text[4] = digits[device->device & 15];
    text[6] = digits[device->function];
    return text;
}

void put_pci_device(const struct pci_device *device)
{
    json_text("address", address_text(device));
    json_number("vendor", device->vendor_id);
    json_number("device", device->device_id);
    json_number("class", device->class_code);
    json_number("subclass", device->subclass);
    json_number("programming_interface", device->programming_interface);
    json_number("revision", device->revision);
    json_text("class_name", pci_class_name(device));
}

static void report_device(const struct pci_device *device)
{
    json_begin("pci");
    put_pci_device(device);
    json_end();
    console_print(VGA_GREY, "PCI %s %04x:%04x %s\n", address_text(device), device->vendor_id, device->device_id,
                  pci_class_name(device));
}

void report_devices(void)
{
    struct pci_device devices[PCI_MAX_DEVICES];
    unsigned count = pci_enumerate(devices);
    for (unsigned i = 0; i < count && i < PCI_MAX_DEVICES; i++)
        report_device(&devices[i]);
    if (count > PCI_MAX_DEVICES)
        console_print(VGA_YELLOW, "PCI: %u more devices are not listed\n", count - PCI_MAX_DEVICES);
}

void report_memory(const char *problem)
{
    json_begin("memory");
    json_number("heap_start", (uintptr_t)kernel_heap.first);
    json_number("heap_size", kernel_heap.size);
    for (unsigned id = 0; id < POOLS; id++) {
        static const char *const start_keys[POOLS] = {"code_start", "data_start", "metadata_start"};
        static const char *const size_keys[POOLS] = {"code_size", "data_size", "metadata_size"};
        struct pool_memory memory = pool_memory(id);
        json_number(start_keys[id], memory.start);
        json_number(size_keys[id], memory.size);
    }
    json_text("self_test", problem ? problem : "passed");
    json_end();
    console_print(VGA_GREY, "heap %u KiB, JIT pools", (uint32_t)(kernel_heap.size >> 10));
    for (unsigned id = 0; id < POOLS; id++)
        console_print(VGA_GREY, " %s %u KiB%s", pool_name(id), pool_memory(id).size >> 10, id + 1 < POOLS ? "," : "\n");
    if (problem)
        console_print(VGA_RED, "JIT pools: %s\n", problem);
}
