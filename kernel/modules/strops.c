/*
 * String routines on zero-terminated ASCII text: length, copy, compare, search, reverse, change of case, word count.
 *
 * n is the number of rounds. A working copy of a text goes through all rounds; each round picks its positions by
 * generated data, changes the copy and asks questions about it.
 * The answer is a checksum of the results of all rounds and of the working copy after the last one.
 */
#include "module.h"

static const char original[] =
    "A cold machine wakes up with one sector of code and no idea who it is. It counts its memory, finds a disk, "
    "and reads until the names make sense. Nothing here is large: a table, a chain, a folder, a file. The kernel "
    "learns which loop is hot and writes it again, shorter than before. When the power goes, the disk remembers.";

static char text[sizeof original];

static uint32_t text_length(const char *string)
{
    uint32_t length = 0;

    while (string[length] != '\0')
        length++;
    return length;
}

static void text_copy(char *to, const char *from)
{
    while ((*to++ = *from++) != '\0')
        ;
}

/* The difference of the first two characters that differ; 0 when the strings are equal. */
static int text_compare(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (int)*a - (int)*b;
}

static char to_lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character + ('a' - 'A')) : character;
}

static char to_upper(char character)
{
    return character >= 'a' && character <= 'z' ? (char)(character - ('a' - 'A')) : character;
}

/* Where the needle first occurs when case does not count. The needle is a part of the string. */
static uint32_t text_find(const char *string, const char *needle, uint32_t needle_length)
{
    for (uint32_t start = 0;; start++) {
        uint32_t equal = 0;

        while (equal < needle_length && to_lower(string[start + equal]) == to_lower(needle[equal]))
            equal++;
        if (equal == needle_length)
            return start;
    }
}

static void text_reverse(char *first, uint32_t length)
{
    char *last = first + length;

    while (first < last) {
        char other = *--last;

        *last = *first;
        *first++ = other;
    }
}

static void change_case(char *string, uint32_t length, uint32_t how)
{
    for (uint32_t i = 0; i < length; i++) {
        switch (how) {
        case 0:
            string[i] = to_lower(string[i]);
            break;
        case 1:
            string[i] = to_upper(string[i]);
            break;
        case 2: /* a capital at the start of each word */
            string[i] = i == 0 || string[i - 1] == ' ' ? to_upper(string[i]) : to_lower(string[i]);
            break;
        default: /* swap */
            string[i] = to_upper(string[i]) == string[i] ? to_lower(string[i]) : to_upper(string[i]);
            break;
        }
    }
}

static uint32_t count_words(const char *string)
{
    uint32_t words = 0;
    char previous = ' ';

    for (; *string != '\0'; string++) {
        if (*string != ' ' && previous == ' ')
            words++;
        previous = *string;
    }
    return words;
}

/* One round; returns the new checksum. The text has more than 64 characters. */
static uint32_t play_round(uint32_t *random, uint32_t checksum)
{
    uint32_t length = text_length(text);
    uint32_t needle = next_random(random) % (length - 8);
    uint32_t reversed = next_random(random) % (length - 32);
    uint32_t recased = next_random(random) % (length - 64);
    uint32_t compared = next_random(random) % length;

    checksum = mix(checksum, text_find(text, text + needle, 2 + needle % 7));
    text_reverse(text + reversed, reversed % 33);
    change_case(text + recased, recased % 65, recased % 4);
    checksum = mix(checksum, (uint32_t)text_compare(original + compared, text + compared));
    return mix(checksum, count_words(text + needle));
}

uint32_t strops_main(uint32_t n)
{
    uint32_t random = n;
    uint32_t checksum = 0;

    text_copy(text, original);
    for (uint32_t i = 0; i < n; i++)
        checksum = play_round(&random, checksum);
    for (const char *rest = text; *rest != '\0'; rest++)
        checksum = mix(checksum, (uint32_t)*rest);
    return checksum;
}
