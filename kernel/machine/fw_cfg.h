/* Files that whoever started QEMU hands to the guest, out of the image's reach: fw_cfg. */
#pragma once
#include <stdint.h>

/* Reads the file of this name, cut at `capacity` bytes, and returns its whole size; 0 when there is no such file or no
 * fw_cfg. */
uint32_t fw_cfg_read(const char *file, char *buffer, uint32_t capacity);
