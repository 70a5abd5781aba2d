/* QEMU fw_cfg: select an item by its number, then read it byte by byte. Numbers in it are big-endian. */
#include "machine/fw_cfg.h"

#include <stdbool.h>
#include <stddef.h>

#include "bf_formats.h"
#include "lib/string.h"
#include "machine/io.h"

#define FW_CFG_SIGNATURE 0   /* item that reads "QEMU" */
#define FW_CFG_FILE_NAME 56  /* bytes of a name in the file directory */
#define FW_CFG_MAX_FILES 512 /* more than any machine has; bounds the search */

static void select_item(uint16_t item)
{
    outw(BF_FW_CFG_SELECTOR_PORT, item);
}

static uint32_t read_big_endian(unsigned bytes)
{
    uint32_t value = 0;
    while (bytes--)
        value = value << 8 | inb(BF_FW_CFG_DATA_PORT);
    return value;
}

static void read_bytes(char *buffer, size_t size)
{
    while (size--)
        *buffer++ = (char)inb(BF_FW_CFG_DATA_PORT);
}

static bool is_present(void)
{
    char signature[4];
    select_item(FW_CFG_SIGNATURE);
    read_bytes(signature, sizeof signature);
    return memcmp(signature, "QEMU", sizeof signature) == 0;
}

uint32_t fw_cfg_read(const char *file, char *buffer, uint32_t capacity)
{
    if (!is_present())
        return 0;
    select_item(BF_FW_CFG_FILE_DIRECTORY);
    uint32_t files = read_big_endian(4);
    for (uint32_t i = 0; i < files && i < FW_CFG_MAX_FILES; i++) {
        char name[FW_CFG_FILE_NAME];
        uint32_t size = read_big_endian(4);
        uint16_t item = (uint16_t)read_big_endian(2);
        read_big_endian(2); /* reserved */
        read_bytes(name, sizeof name);
        if (strncmp(name, file, sizeof name) == 0) {
            select_item(item);
            read_bytes(buffer, size < capacity ? size : capacity);
            return size;
        }
    }
    return 0;
}
