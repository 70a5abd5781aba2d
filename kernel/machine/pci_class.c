#include "machine/pci.h"

#define ANY 0xff /* subclass of the row that names the class as a whole, behind its other rows */

struct class_name {
    uint8_t class_code, subclass;
    const char *name;
};

/* What virtual and usual real machines have. */
static const struct class_name names[] = {
    {0x00, ANY, "device of no class"},
    {0x01, 0x00, "SCSI controller"},
    {0x01, 0x01, "IDE interface"},
    {0x01, 0x02, "floppy disk controller"},
    {0x01, 0x04, "RAID controller"},
    {0x01, 0x06, "SATA controller"},
    {0x01, 0x07, "SAS controller"},
    {0x01, 0x08, "NVM controller"},
    {0x01, ANY, "mass storage controller"},
    {0x02, 0x00, "Ethernet controller"},
    {0x02, ANY, "network controller"},
    {0x03, 0x00, "VGA controller"},
    {0x03, ANY, "display controller"},
    {0x04, 0x01, "audio device"},
    {0x04, 0x03, "HD audio device"},
    {0x04, ANY, "multimedia device"},
    {0x05, ANY, "memory controller"},
    {0x06, 0x00, "host bridge"},
    {0x06, 0x01, "ISA bridge"},
    {0x06, 0x04, "PCI-to-PCI bridge"},
    {0x06, ANY, "bridge"},
    {0x07, 0x00, "serial controller"},
    {0x07, 0x01, "parallel port"},
    {0x07, ANY, "communication controller"},
    {0x08, ANY, "system peripheral"},
    {0x09, ANY, "input device"},
    {0x0c, 0x03, "USB controller"},
    {0x0c, 0x05, "SMBus controller"},
    {0x0c, ANY, "serial bus controller"},
    {0x0d, ANY, "wireless controller"},
    {0x10, ANY, "encryption controller"},
    {0x12, ANY, "processing accelerator"},
};

const char *pci_class_name(const struct pci_device *device)
{
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].class_code == device->class_code &&
            (names[i].subclass == device->subclass || names[i].subclass == ANY))
            return names[i].name;
    return "device of another class";
}
