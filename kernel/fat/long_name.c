/* Long names: parts of 13 UTF-16 units in the entries before the one they name, the last part first. */
#include "fat/internal.h"

#define ORDINAL_BITS 0x3f
#define MAX_PARTS ((BF_FAT_LONG_NAME_MAX + BF_FAT_LONG_NAME_UNITS - 1) / BF_FAT_LONG_NAME_UNITS)

static void put_units(char text[FAT_NAME_SIZE], uint32_t place, const uint8_t *units, uint32_t size)
{
    for (uint32_t i = 0; i < size && place < FAT_NAME_SIZE - 1; i += 2, place++) {
        uint16_t unit = (uint16_t)(units[i] | units[i + 1] << 8);
        text[place] = unit == 0 || (unit >= ' ' && unit <= '~') ? (char)unit : '?';
    }
}

void long_name_add(struct long_name *name, const struct bf_fat_directory_entry *raw, char text[FAT_NAME_SIZE])
{
    const struct bf_fat_long_name_entry *part = (const void *)raw;
    uint8_t ordinal = part->ordinal;
    if (ordinal & BF_FAT_LONG_NAME_LAST) {
        ordinal &= ORDINAL_BITS;
        *name = (struct long_name){.parts = ordinal, .missing = ordinal, .checksum = part->checksum};
        uint32_t length = ordinal * (uint32_t)BF_FAT_LONG_NAME_UNITS;
        text[length < FAT_NAME_SIZE - 1 ? length : FAT_NAME_SIZE - 1] = '\0';
    }
    if (ordinal == 0 || ordinal > MAX_PARTS || ordinal != name->missing || part->checksum != name->checksum) {
        name->parts = 0;
        return;
    }
    name->missing--;
    uint32_t place = name->missing * (uint32_t)BF_FAT_LONG_NAME_UNITS;
    put_units(text, place, part->name_1, sizeof part->name_1);
    place += sizeof part->name_1 / 2;
    put_units(text, place, part->name_2, sizeof part->name_2);
    place += sizeof part->name_2 / 2;
    put_units(text, place, part->name_3, sizeof part->name_3);
}

bool long_name_belongs(const struct long_name *name, const uint8_t short_name[11], const char *text)
{
    uint8_t checksum = 0;
    for (unsigned i = 0; i < 11; i++)
        checksum = (uint8_t)((checksum >> 1 | checksum << 7) + short_name[i]);
    return name->parts && name->missing == 0 && name->checksum == checksum && text[0];
}
