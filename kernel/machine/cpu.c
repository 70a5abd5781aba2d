#include "machine/cpu.h"

#include "lib/string.h"

#define LEAF_VENDOR 0
#define LEAF_SIGNATURE 1
#define LEAF_EXTENDED 0x80000000u
#define LEAF_BRAND 0x80000002u /* and the two behind it */
#define LEAF_BRAND_LAST 0x80000004u
#define EXTENDED_FAMILY 15 /* the extended family adds to this one alone */
#define FAMILY_P6 6

struct registers {
    uint32_t eax, ebx, ecx, edx;
};

static struct registers cpuid(uint32_t leaf)
{
    struct registers registers;
    __asm__("cpuid"
            : "=a"(registers.eax), "=b"(registers.ebx), "=c"(registers.ecx), "=d"(registers.edx)
            : "0"(leaf), "2"(0));
    return registers;
}

void cpu_identify(struct cpu_identity *identity)
{
    *identity = (struct cpu_identity){0};
    struct registers vendor = cpuid(LEAF_VENDOR);
    memcpy(identity->vendor, &vendor.ebx, 4);
    memcpy(identity->vendor + 4, &vendor.edx, 4);
    memcpy(identity->vendor + 8, &vendor.ecx, 4);

    uint32_t signature = cpuid(LEAF_SIGNATURE).eax;
    identity->stepping = signature & 15;
    identity->model = signature >> 4 & 15;
    identity->family = signature >> 8 & 15;
    if (identity->family == FAMILY_P6 || identity->family == EXTENDED_FAMILY)
        identity->model += signature >> 12 & 0xf0;
    if (identity->family == EXTENDED_FAMILY)
        identity->family += signature >> 20 & 0xff;

    if (cpuid(LEAF_EXTENDED).eax < LEAF_BRAND_LAST)
        return;
    for (uint32_t leaf = LEAF_BRAND; leaf <= LEAF_BRAND_LAST; leaf++) {
        struct registers part = cpuid(leaf);
        memcpy(identity->brand + (leaf - LEAF_BRAND) * sizeof part, &part, sizeof part);
    }
}
