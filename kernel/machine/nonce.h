/* The nonce of a test harness, which proves that a transcript comes from this very boot. */
#pragma once
#include "bf_formats.h"

/* Stores the NUL-terminated text of QEMU's fw_cfg file BF_NONCE_FILE, cut at BF_NONCE_MAX bytes; "" when there is
 * no fw_cfg or no such file. */
void nonce_read(char nonce[BF_NONCE_MAX + 1]);
