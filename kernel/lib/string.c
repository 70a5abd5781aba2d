/* The copies use string instructions: a plain loop could be compiled into a call of the routine it stands in. */
#include "lib/string.h"

#include <stdint.h>

void *memcpy(void *destination, const void *source, size_t size)
{
    void *to = destination;
    size_t words = size / 4, bytes = size % 4;
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(source), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(source), "+c"(bytes) : : "memory");
    return destination;
}

void *memmove(void *destination, const void *source, size_t size)
{
    if ((uintptr_t)destination - (uintptr_t)source >= size) /* also when the destination is the lower one */
        return memcpy(destination, source, size);
    const char *from = (const char *)source + size - 1;
    char *to = (char *)destination + size - 1;
    __asm__ volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return destination;
}

void *memset(void *destination, int value, size_t size)
{
    void *to = destination;
    uint32_t word = (uint8_t)value * 0x01010101u;
    size_t words = size / 4, bytes = size % 4;
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(word) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(word) : "memory");
    return destination;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left, *b = right;
    for (; size; size--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}

size_t strlen(const char *text)
{
    const char *end = text;
    while (*end) {
        __asm__ volatile("" : : : "memory"); /* keeps the loop from becoming a call of strlen */
        end++;
    }
    return (size_t)(end - text);
}

int strcmp(const char *left, const char *right)
{
    return strncmp(left, right, (size_t)-1);
}

int strncmp(const char *left, const char *right, size_t limit)
{
    for (; limit; limit--, left++, right++) {
        if (*left != *right)
            return (uint8_t)*left - (uint8_t)*right;
        if (*left == '\0')
            break;
    }
    return 0;
}
