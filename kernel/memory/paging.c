#include "memory/paging.h"

#include "console/vga_text.h"
#include "machine/registers.h"

#define PAGE_PRESENT 0x001
#define PAGE_WRITABLE 0x002
#define PAGE_CACHE_DISABLED 0x010
#define PAGE_LARGE 0x080 /* of a directory entry: 4 MiB */
#define LARGE_PAGE_SIZE 0x400000u
#define ENTRIES 1024

#define DIRECTORY ((uint32_t *)BF_MEM_PAGE_TABLES_START)
#define TABLE ((uint32_t *)(BF_MEM_PAGE_TABLES_START + BF_PAGE_SIZE)) /* of the first 4 MiB */

_Static_assert(BF_EXTENDED_START >= LARGE_PAGE_SIZE, "extended memory begins behind what the page table covers");

struct region {
    uint32_t start, end;
    uint32_t access;
};

#define REGION(name, start, end, access) {start, end, access},
static const struct region regions[] = {BF_MEMORY_REGIONS(REGION)};

static void map_page(uint32_t address, uint32_t flags)
{
    TABLE[address / BF_PAGE_SIZE] = address | flags | PAGE_PRESENT;
}

void paging_set_present(uint32_t page, bool is_present)
{
    TABLE[page / BF_PAGE_SIZE] = is_present ? page | PAGE_WRITABLE | PAGE_PRESENT : 0;
    __asm__ volatile("invlpg (%0)" : : "r"(page) : "memory");
}

void paging_init(void)
{
    for (unsigned i = 0; i < ENTRIES; i++)
        DIRECTORY[i] = TABLE[i] = 0;
    for (unsigned i = 0; i < sizeof regions / sizeof *regions; i++) {
        if (regions[i].access == BF_MEMORY_ACCESS_BOOT)
            continue;
        uint32_t flags = regions[i].access == BF_MEMORY_ACCESS_MODULE ? PAGE_WRITABLE : 0;
        for (uint32_t address = regions[i].start; address < regions[i].end; address += BF_PAGE_SIZE)
            map_page(address, flags);
    }
    map_page(VGA_TEXT, PAGE_CACHE_DISABLED);
    DIRECTORY[0] = (uint32_t)TABLE | PAGE_PRESENT | PAGE_WRITABLE;
    __asm__ volatile("movl %0, %%cr3\n\t"
                     "movl %%cr4, %%eax\n\t"
                     "orl %1, %%eax\n\t"
                     "movl %%eax, %%cr4\n\t"
                     "movl %%cr0, %%eax\n\t"
                     "orl %2, %%eax\n\t"
                     "movl %%eax, %%cr0"
                     :
                     : "r"(DIRECTORY), "i"(CR4_LARGE_PAGES), "i"(CR0_PAGING)
                     : "eax", "memory");
}

void paging_map_extended(uint32_t start, uint32_t size)
{
    for (uint32_t offset = 0; offset < size; offset += LARGE_PAGE_SIZE)
        DIRECTORY[(start + offset) / LARGE_PAGE_SIZE] = (start + offset) | PAGE_PRESENT | PAGE_LARGE;
}
