/*
 * Protection by one page table with identical addresses. Ring 0 may write read-only pages while CR0.WP is clear, as it
 * is in the kernel; run/guard.S sets it while a module runs. Page 0 and everything that the memory map does not name is
 * absent, but for the screen. Intel SDM volume 3, chapter 4.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "bf_formats.h"

/* Builds the tables from the memory map and turns paging on. */
void paging_init(void);

/* Maps `size` bytes of extended memory from `start`, both multiples of 4 MiB, for the kernel. */
void paging_map_extended(uint32_t start, uint32_t size);

/* Takes a page of module memory out of the tables, so that it faults, or puts it back. */
void paging_set_present(uint32_t page, bool is_present);
